// Evaluation and pins over a real store: the funnel adds up, a pin keeps what was evaluated, repeats and
// reopening change nothing.
#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

#include "pharos/audience/internal/v1/member_service.pb.h"
#include "pharos/audience/v1/audience_service.pb.h"
#include "services/audience/audience_service.h"
#include "services/audience/member_service.h"
#include "services/audience/tables.h"
#include "services/base/errors.h"
#include "services/base/fake_clock.h"
#include "services/base/ids.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"
#include "storage/open.h"

namespace pharos::audience {
namespace {

using customer::internal::v1::FollowPeopleResponse;
using customer::internal::v1::PersonState;

class TestCall : public rpc::Call {
 public:
  TestCall() {
    caller_.principal = "principals/pharosd";
    caller_.roles = {"service"};
  }
  int64_t RemainingMicros() const override { return remaining_us; }
  bool cancelled() const override { return false; }
  int64_t remaining_us = 10'000'000;
};

// Person n; every reason of the gate comes up among any hundred of them.
PersonState Person(int n) {
  PersonState state;
  state.set_person(fmt::format("people/p{:06}", n));
  (*state.mutable_fields())["area"] = n % 10 < 7 ? "Leeds" : "York";
  auto& gate = *state.mutable_gate();
  gate.set_deceased(n % 11 == 0);
  gate.set_paused(n % 13 == 0);
  if (n % 5 != 0) {
    auto* endpoint = gate.add_endpoints();
    endpoint->set_channel(type::v1::CHANNEL_SMS);
    endpoint->set_endpoint(base::Sha256(state.person()).substr(0, 16));
    if (n % 17 == 0) endpoint->set_suppressed(type::v1::HARD_BOUNCE);
  }
  if (n % 3 != 0) {
    auto* entry = gate.add_entries();
    entry->set_kind(n % 7 == 0 ? type::v1::WITHDRAWN : type::v1::GRANTED);
    entry->set_scope(type::v1::SCOPE_PURPOSE);
    entry->set_purpose("purposes/news");
    entry->set_record("sources/gp/records/1");
    entry->set_event_time_us(5);
  }
  return state;
}

FollowPeopleResponse People(int count, uint64_t cursor) {
  FollowPeopleResponse response;
  for (int n = 0; n < count; ++n) *response.add_people() = Person(n);
  response.set_cursor(cursor);
  return response;
}

class PinTest : public testing::Test {
 protected:
  PinTest() {
    storage::OpenOptions options;
    options.folder = folder_;
    options.name = "audience";
    options.in_memory = true;
    store_ = *storage::Open(options);
    Serve();
  }
  void Serve() {
    members_ = std::make_unique<MemberService>(*store_, index_, Asker(), clock_);
    audiences_ = std::make_unique<AudienceService>(*store_, index_, Asker(), clock_);
  }
  AskFreshness Asker() {
    return [this](bool, int64_t) -> absl::StatusOr<Freshness> {
      return Freshness{
          committed_,
          {{"purposes/news",
            {"purposes/news", type::v1::PURPOSE_CLASS_MARKETING, type::v1::LAWFUL_BASIS_CONSENT}},
           {"purposes/old",
            {"purposes/old", type::v1::PURPOSE_CLASS_SERVICE, type::v1::LAWFUL_BASIS_CONTRACT}}},
          {"purposes/old"}};
    };
  }
  static internal::v1::PinMembersRequest Request(const std::string& id) {
    internal::v1::PinMembersRequest request;
    request.set_request_id(id);
    request.set_campaign("campaigns/autumn");
    request.set_filter("area = Leeds");
    request.set_purpose("purposes/news");
    request.add_channels(type::v1::CHANNEL_SMS);
    return request;
  }
  internal::v1::Pin Pin(const internal::v1::PinMembersRequest& request) {
    internal::v1::Pin pin;
    const auto status = members_->PinMembers(call_, request, pin);
    EXPECT_TRUE(status.ok()) << status;
    return pin;
  }
  absl::StatusOr<v1::CountAudienceResponse> Count(const std::string& filter, const std::string& purpose) {
    v1::CountAudienceRequest request;
    request.set_filter(filter);
    request.set_purpose(purpose);
    if (!purpose.empty()) request.add_channels(type::v1::CHANNEL_SMS);
    v1::CountAudienceResponse response;
    PHAROS_RETURN_IF_ERROR(audiences_->CountAudience(call_, request, response));
    return response;
  }

  const std::string folder_ = testing::TempDir() + "audience_pin_test";
  base::FakeClock clock_;
  const std::unique_ptr<PeopleIndex> index_owner_ = PeopleIndex::New();
  PeopleIndex& index_ = *index_owner_;
  std::atomic<uint64_t> committed_ = 9;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<MemberService> members_;
  std::unique_ptr<AudienceService> audiences_;
  TestCall call_;
};

template <typename Counts>
int64_t Sum(const Counts& excluded) {
  int64_t sum = 0;
  for (const auto& [reason, n] : excluded) sum += n;
  return sum;
}

TEST_F(PinTest, TheFunnelAddsUpAndAgreesWithTheGate) {
  index_.Apply(People(3000, 9));
  const auto count = Count("area = Leeds", "purposes/news");
  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(count->matched(), 2100);
  EXPECT_EQ(count->matched(), count->members() + Sum(count->excluded()));
  EXPECT_EQ(count->position(), 9u);
  std::map<std::string, int64_t> expected;
  const gate::Purpose news{"purposes/news", type::v1::PURPOSE_CLASS_MARKETING,
                           type::v1::LAWFUL_BASIS_CONSENT};
  for (int n = 0; n < 3000; ++n) {
    if (n % 10 >= 7) continue;
    const auto reason = gate::JudgePerson(Person(n).gate(), news, {type::v1::CHANNEL_SMS}).chosen.reason;
    ++expected[type::v1::GateReason_Name(reason)];
  }
  EXPECT_EQ(count->members(), expected["ALLOW"]);
  expected.erase("ALLOW");
  EXPECT_EQ((std::map<std::string, int64_t>(count->excluded().begin(), count->excluded().end())), expected);
  EXPECT_GE(expected.size(), 6u);  // every kind of reason comes up
}

TEST_F(PinTest, AnUnknownPurposeIsNamed) {
  index_.Apply(People(10, 9));
  EXPECT_EQ(base::ReasonOf(Count("", "purposes/nope").status()), "PURPOSE_NOT_FOUND");
  EXPECT_EQ(base::ReasonOf(Count("consent(SMS, purposes/nope)", "").status()), "PURPOSE_NOT_FOUND");
  EXPECT_EQ(Count("", "")->matched(), 10);
}

TEST_F(PinTest, WaitsForWhatWasCommittedBeforeTheCall) {
  call_.remaining_us = 310'000;
  EXPECT_EQ(base::ReasonOf(Count("", "").status()), "AUDIENCE_LOADING");
  FollowPeopleResponse half = People(5, 0);
  index_.Apply(half);
  const auto loading = Count("", "").status();
  EXPECT_EQ(base::ReasonOf(loading), "AUDIENCE_LOADING") << "the snapshot is not complete";
  EXPECT_GT(base::FactsOf(loading)->retry_after_ms, 0);
  index_.Apply(People(5, 8));
  EXPECT_EQ(base::ReasonOf(Count("", "").status()), "AUDIENCE_BEHIND");
  call_.remaining_us = 30'000'000;
  std::thread feed([this] { index_.Apply(People(6, 9)); });
  EXPECT_EQ(Count("", "")->matched(), 6);
  feed.join();
  FollowPeopleResponse gone;
  gone.add_people()->set_person("people/p000003");
  gone.mutable_people(0)->set_gone(true);
  gone.set_cursor(10);
  index_.Apply(gone);
  EXPECT_EQ(Count("", "")->matched(), 5);
}

TEST_F(PinTest, PinsPageThroughEveryMemberOnceAndExplainEverybody) {
  index_.Apply(People(8000, 9));
  const auto pin = Pin(Request("r1"));
  EXPECT_EQ(pin.matched(), pin.members() + Sum(pin.excluded()));
  std::set<std::string> people;
  std::vector<std::string> lines;
  internal::v1::ListMembersRequest request;
  request.set_pin(pin.name());
  request.set_page_size(700);
  do {
    internal::v1::ListMembersResponse page;
    ASSERT_TRUE(members_->ListMembers(call_, request, page).ok());
    for (const auto& m : page.members()) {
      people.insert(m.person());
      lines.push_back(
          fmt::format("{}\t{}\t{}\n", m.person(), static_cast<int>(m.channel()), base::ToHex(m.endpoint())));
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(static_cast<int64_t>(people.size()), pin.members());
  EXPECT_GT(pin.members(), 1000) << "several chunks";
  std::string pages;
  for (size_t begin = 0; begin < lines.size(); begin += 1000) {
    std::string page;
    for (size_t i = begin; i < std::min(lines.size(), begin + 1000); ++i) page += lines[i];
    ASSERT_LT(begin / 1000, static_cast<size_t>(pin.pages_size()));
    EXPECT_EQ(pin.pages(static_cast<int>(begin / 1000)), base::Sha256(page));
    pages += base::Sha256(page);
  }
  EXPECT_EQ(pin.digest(), base::Sha256(pages));
  for (int n = 0; n < 300; ++n) {
    v1::GetMembershipRequest which;
    which.set_campaign("campaigns/autumn");
    which.set_person(Person(n).person());
    v1::Membership membership;
    ASSERT_TRUE(audiences_->GetMembership(call_, which, membership).ok());
    EXPECT_EQ(membership.matched(), n % 10 < 7);
    EXPECT_EQ(membership.reason() == type::v1::ALLOW, people.contains(which.person())) << n;
    EXPECT_EQ(membership.reason() == type::v1::GATE_REASON_UNSPECIFIED, !membership.matched());
  }
}

TEST_F(PinTest, ARepeatIsTheSamePinAndADifferentBodyIsRefused) {
  index_.Apply(People(100, 9));
  const auto first = Pin(Request("r1"));
  index_.Apply(People(200, 10));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(Pin(Request("r1")), first));
  auto other = Request("r1");
  other.set_filter("");
  internal::v1::Pin refused;
  EXPECT_EQ(base::ReasonOf(members_->PinMembers(call_, other, refused)), "REQUEST_ID_REUSED");
  const auto second = Pin(Request("r2"));
  EXPECT_NE(second.name(), first.name());
  EXPECT_NE(second.digest(), first.digest());
  EXPECT_EQ(Pin(Request("r3")).digest(), second.digest()) << "the same people give the same digest";
}

TEST_F(PinTest, AHalfWrittenPinIsDroppedAndAWholeOneStays) {
  index_.Apply(People(2000, 9));
  const auto pin = Pin(Request("r1"));
  const PinStore pins(*store_);
  const std::string draft = storage::KeyWriter(kDraftPin).String("half");
  const std::string chunk = storage::KeyWriter(kMemberChunk).String("half").U64(0);
  ASSERT_TRUE(store_
                  ->Transact([&](storage::Transaction& tx) {
                    storage::PutRecord(tx, draft, record::v1::PinNameRow());
                    storage::PutRecord(tx, chunk, record::v1::MemberChunkRow());
                    return absl::OkStatus();
                  })
                  .ok());
  ASSERT_TRUE(pins.DropDrafts().ok());
  EXPECT_EQ(*store_->Get(draft), std::nullopt);
  EXPECT_EQ(*store_->Get(chunk), std::nullopt);
  const auto row = pins.Load(pin.name());
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(pins.Members(*row, 0, 1000)->size(), std::min<size_t>(1000, row->members()));
  EXPECT_EQ(base::ReasonOf(pins.Load("pins/none").status()), "PIN_NOT_FOUND");
}

TEST_F(PinTest, ARetiredPurposeIsNeitherCountedNorPinnedFor) {
  index_.Apply(People(10, 9));
  EXPECT_EQ(base::ReasonOf(Count("", "purposes/old").status()), "PURPOSE_RETIRED");
  auto request = Request("r1");
  request.set_purpose("purposes/old");
  internal::v1::Pin pin;
  const auto refused = members_->PinMembers(call_, request, pin);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(base::ReasonOf(refused), "PURPOSE_RETIRED");
}

// People of two channels: who may be reached how, by name.
void AddEndpoint(PersonState& state, type::v1::Channel channel, char fill, bool suppressed = false) {
  auto& endpoint = *state.mutable_gate()->add_endpoints();
  endpoint.set_channel(channel);
  endpoint.set_endpoint(std::string(16, fill));
  if (suppressed) endpoint.set_suppressed(type::v1::HARD_BOUNCE);
}
void Grant(PersonState& state, type::v1::Channel channel) {
  auto& entry = *state.mutable_gate()->add_entries();
  entry.set_kind(type::v1::GRANTED);
  entry.set_scope(type::v1::SCOPE_PURPOSE);
  entry.set_channel(channel);
  entry.set_purpose("purposes/news");
  entry.set_record("sources/gp/records/1");
  entry.set_event_time_us(5);
}

TEST_F(PinTest, TheFirstChannelAllowedIsChosenAndLaterOnesAreAlternatives) {
  constexpr auto kSms = type::v1::CHANNEL_SMS, kEmail = type::v1::CHANNEL_EMAIL,
                 kAny = type::v1::CHANNEL_UNSPECIFIED;
  FollowPeopleResponse people;
  const auto add = [&](const char* id) -> PersonState& {
    PersonState& state = *people.add_people();
    state.set_person(fmt::format("people/{}", id));
    return state;
  };
  PersonState& both = add("a-both");
  AddEndpoint(both, kSms, 's');
  AddEndpoint(both, kEmail, 'x', true);
  AddEndpoint(both, kEmail, 'e');
  Grant(both, kAny);
  PersonState& one = add("b-consent-on-email-only");
  AddEndpoint(one, kSms, 's');
  AddEndpoint(one, kEmail, 'e');
  Grant(one, kEmail);
  PersonState& email = add("c-email-only");
  AddEndpoint(email, kEmail, 'e');
  Grant(email, kAny);
  PersonState& phone = add("d-phone-only");
  AddEndpoint(phone, kSms, 's');
  Grant(phone, kAny);
  PersonState& none = add("e-no-consent");
  AddEndpoint(none, kSms, 's');
  people.set_cursor(9);
  index_.Apply(people);

  auto request = Request("r1");
  request.set_filter("");
  request.add_channels(kEmail);
  const auto pin = Pin(request);
  EXPECT_EQ(pin.members(), 4);
  EXPECT_EQ(pin.excluded().at("NO_CONSENT"), 1);
  internal::v1::ListMembersRequest list;
  list.set_pin(pin.name());
  internal::v1::ListMembersResponse page;
  ASSERT_TRUE(members_->ListMembers(call_, list, page).ok());
  std::string lines;
  for (const auto& m : page.members()) {
    lines += fmt::format("{}\t{}\t{}", m.person(), static_cast<int>(m.channel()), base::ToHex(m.endpoint()));
    for (const auto& a : m.alternatives())
      lines += fmt::format("\t{}\t{}", static_cast<int>(a.channel()), base::ToHex(a.endpoint()));
    lines += '\n';
  }
  const std::string s = base::ToHex(std::string(16, 's')), e = base::ToHex(std::string(16, 'e'));
  EXPECT_EQ(lines, "people/a-both\t1\t" + s + "\t2\t" + e + "\npeople/b-consent-on-email-only\t2\t" + e +
                       "\npeople/c-email-only\t2\t" + e + "\npeople/d-phone-only\t1\t" + s + "\n");
  ASSERT_EQ(pin.pages_size(), 1);
  EXPECT_EQ(pin.pages(0), base::Sha256(lines));

  auto reversed = Request("r2");
  reversed.set_filter("");
  reversed.clear_channels();
  reversed.add_channels(kEmail);
  reversed.add_channels(kSms);
  const auto other = Pin(reversed);
  EXPECT_EQ(other.members(), 4);
  EXPECT_NE(other.digest(), pin.digest()) << "the same people by other ways";
}

TEST_F(PinTest, RequestsAreForgottenAfterAWeekAndPinsStay) {
  index_.Apply(People(100, 9));
  const auto pin = Pin(Request("r1"));
  const PinStore pins(*store_);
  constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;
  ASSERT_TRUE(pins.DropOldRequests(clock_.WallMicros() + 6 * kDayUs).ok());
  EXPECT_EQ(Pin(Request("r1")).name(), pin.name());
  ASSERT_TRUE(pins.DropOldRequests(clock_.WallMicros() + 8 * kDayUs).ok());
  EXPECT_NE(Pin(Request("r1")).name(), pin.name());
  EXPECT_TRUE(pins.Load(pin.name()).ok());
}

TEST_F(PinTest, AudiencesAreSavedListedAndCounted) {
  index_.Apply(People(100, 9));
  for (const char* id : {"b", "a", "c"}) {
    v1::CreateAudienceRequest request;
    request.set_audience_id(id);
    request.mutable_audience()->set_filter("area = York");
    v1::Audience audience;
    ASSERT_TRUE(audiences_->CreateAudience(call_, request, audience).ok());
    EXPECT_EQ(base::ReasonOf(audiences_->CreateAudience(call_, request, audience)), "AUDIENCE_EXISTS");
    request.set_audience_id("wrong");
    request.mutable_audience()->set_filter("area = ");
    EXPECT_EQ(base::ReasonOf(audiences_->CreateAudience(call_, request, audience)), "FILTER_WRONG");
  }
  v1::ListAudiencesRequest list;
  list.set_page_size(2);
  v1::ListAudiencesResponse page;
  ASSERT_TRUE(audiences_->ListAudiences(call_, list, page).ok());
  ASSERT_EQ(page.audiences_size(), 2);
  EXPECT_EQ(page.audiences(0).name(), "audiences/a");
  list.set_page_token(page.next_page_token());
  page.Clear();
  ASSERT_TRUE(audiences_->ListAudiences(call_, list, page).ok());
  ASSERT_EQ(page.audiences_size(), 1);
  EXPECT_TRUE(page.next_page_token().empty());
  list.set_page_token("abcd");
  EXPECT_EQ(base::ReasonOf(audiences_->ListAudiences(call_, list, page)), "PAGE_TOKEN_WRONG");
  v1::CountAudienceRequest count;
  count.set_audience("audiences/a");
  v1::CountAudienceResponse counted;
  ASSERT_TRUE(audiences_->CountAudience(call_, count, counted).ok());
  EXPECT_EQ(counted.matched(), 30);
}

TEST(PinStoreReopen, APinOutlivesTheProcess) {
  const std::string folder = testing::TempDir() + "audience_reopen_test";
  std::filesystem::remove_all(folder);
  storage::OpenOptions options;
  options.folder = folder;
  options.name = "audience";
  Outcome outcome;
  for (int n = 0; n < 1500; ++n)
    outcome.members.push_back({fmt::format("p{:06}", n), type::v1::CHANNEL_SMS, "0123456789abcdef", {}});
  record::v1::PinRow row;
  row.set_name("pins/one");
  row.set_campaign("campaigns/autumn");
  row.set_members(1500);
  {
    auto store = *storage::Open(options);
    ASSERT_TRUE(PinStore(*store).Write(row, outcome, {"principals/x", "r", "d"}, "change").ok());
  }
  auto store = *storage::Open(options);
  const PinStore pins(*store);
  ASSERT_TRUE(pins.DropDrafts().ok());
  const auto newest = pins.NewestOf("campaigns/autumn");
  ASSERT_TRUE(newest.ok()) << newest.status();
  EXPECT_EQ(pins.Members(*newest, 1000, 1000)->size(), 500u);
  EXPECT_EQ(*pins.ReasonOf(*newest, "people/p001400"), type::v1::ALLOW);
  EXPECT_EQ(*pins.ReasonOf(*newest, "people/p9"), std::nullopt);
  EXPECT_TRUE((*pins.Find({"principals/x", "r", "d"})).has_value());
}

}  // namespace
}  // namespace pharos::audience
