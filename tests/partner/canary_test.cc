// Promise 8 for partners: whatever a partner calls, in whatever order and while whatever happens, nothing
// outside its agreement is in any answer: no value, record, person or cursor of others, and no word on
// whether they exist. Values of others carry a canary.
//
// 2,000 random calls; PHAROS_PARTNER_CALLS=1000000 for the long run, PHAROS_SEED for another one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <random>
#include <regex>
#include <set>

#include "services/customer/import_service.h"
#include "services/customer/sync_fixture.h"

namespace pharos::customer {
namespace {

constexpr char kCanary[] = "zqcanary";
constexpr char kCanaryNumber[] = "770095";  // in every number of others
constexpr int kPeople = 60;

int64_t Option(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoll(text);
}

// A call that goes away when it has been looked at so often.
class ShortCall : public SyncCall {
 public:
  explicit ShortCall(int looks) : SyncCall("leeds-crm", {"partner"}), looks_(looks) {}
  bool cancelled() const override { return --looks_ < 0; }

 private:
  mutable std::atomic<int> looks_;
};

template <typename Message>
class Heard : public rpc::Writer<Message> {
 public:
  bool Write(const Message& message) override {
    text += message.ShortDebugString();
    cursor = message.cursor().empty() ? cursor : message.cursor();
    return true;
  }
  std::string text, cursor;
};

class FileWire : public rpc::Stream<v1::ImportContactsRequest, v1::ImportContactsResponse> {
 public:
  bool Read(v1::ImportContactsRequest& request) override {
    if (requests.empty()) return false;
    request = std::move(requests.front());
    requests.pop_front();
    return true;
  }
  bool Write(const v1::ImportContactsResponse& response) override {
    text += response.ShortDebugString();
    return true;
  }
  std::deque<v1::ImportContactsRequest> requests;
  std::string text;
};

class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {
    at.AddSource("gp");
    for (int i = 0; i < kPeople; ++i) {
      Others(i);
      at.Bring(
          Own(i),
          {{"given_name", "Ann"}, {"family_name", "Own" + std::to_string(i)}, {"email", "own@example.org"}});
    }
    NotePeople();
    york_cursor_ = WriteFeedCursor(at.blind, "changes:agreements/york", {false, 1, ""});
  }
  ~World() = default;

  int Below(int most) { return static_cast<int>(random_() % static_cast<uint64_t>(most)); }
  bool Chance(int percent) { return Below(100) < percent; }

  // Something happens that the partner did not cause.
  void Happen() {
    const int i = Below(kPeople);
    at.clock.Advance(1'000'000);
    switch (Below(8)) {
      case 0:
        return Others(i);
      case 1:
      case 2:
        return Decide(i, Below(kPeople), true);
      case 3:
        return Decide(i, Below(kPeople), false);
      case 4:
        if (Chance(80)) return at.Erase(Other(i));
        at.Erase(Own(i));
        ++generation_[static_cast<size_t>(i)];
        return;
      case 5:
        return Restrict(i);
      case 6:
        if (const auto person = PersonOf(Chance(50) ? Other(i) : Own(i)); !person.empty())
          at.Tell(person, type::v1::WITHDRAWN, at.clock.WallMicros());
        return;
      default:
        at.Bring(Own(i), {{"given_name", "Ann" + std::to_string(Below(9))},
                          {"phone", "07700 900" + std::to_string(100 + i)}});
    }
  }

  // One call; all that was answered, in words.
  std::string Call() {
    switch (Below(8)) {
      case 0:
      case 1:
        return Sync();
      case 2:
        return Ask();
      case 3:
      case 4:
        return Changes();
      case 5:
        return Consents();
      case 6:
        return Agreements();
      default:
        return Import();
    }
  }

  // People who have, or ever had, a record of the partner's.
  void NotePeople() {
    const auto view = at.store->Read();
    for (int i = 0; i < kPeople; ++i) {
      const auto row = *at.people.LoadRecord(*view, Own(i));
      if (row) known_.insert(row->person());
    }
  }
  bool Knows(const std::string& person) const { return known_.contains(person) || said_.contains(person); }

  SyncFixture at;

 private:
  // An erased record never comes back: the next one of its place has another id.
  std::string OwnId(int i) const {
    return std::to_string(i) + "." + std::to_string(generation_[static_cast<size_t>(i)]);
  }
  std::string Own(int i) const { return "sources/leeds/records/" + OwnId(i); }
  static std::string Other(int i) {
    return std::string(i % 2 == 0 ? "sources/york" : "sources/gp") + "/records/" + kCanary +
           std::to_string(i);
  }
  std::string PersonOf(const std::string& record) {
    const auto row = *at.people.LoadRecord(*at.store->Read(), record);
    return row ? row->person() : "";
  }
  // A record of somebody else's. Its agreed fields would be shown rightly of a person whom the partner has a
  // record of: they carry no canary where they may be linked.
  void Others(int i) {
    const std::string canary = kCanary + std::to_string(Below(1'000'000));
    std::map<std::string, std::string> fields = {{"family_name", canary},
                                                 {"phone", "07700 95" + std::to_string(1000 + i)},
                                                 {"postcode", "ZQ1 1AA"},
                                                 {"role", canary},
                                                 {"area", canary}};
    if (!MayBeLinked(i)) {
      fields["given_name"] = canary;
      fields["email"] = canary + "@example.org";
    }
    at.Bring(Other(i), fields);
  }
  static bool MayBeLinked(int i) { return i % 3 != 0; }
  void Decide(int own, int other, bool same) {
    if (!MayBeLinked(other)) return;
    record::v1::AssertionRow row;
    row.set_name("assertions/" + base::NewId(at.clock.WallMicros()));
    row.set_reason(kCanary);
    auto* side = row.add_sides();
    side->add_records(Own(own));
    (same ? side : row.add_sides())->add_records(Other(other));
    (void)at.linker->Assert(row, at.Changes(), nullptr);  // it may contradict another one
  }
  void Restrict(int i) {
    std::vector<RecordChange> changes(1);
    changes[0].row.set_name(Chance(50) ? Own(i) : Other(i));
    ReadField(changes[0].row, "postcode", "ZQ1 1AA");
    changes[0].row.set_sensitive(true);
    (void)at.linker->Apply(std::move(changes), at.Changes(), {});
  }

  std::string Pick(std::initializer_list<const char*> words) {
    return words.begin()[Below(static_cast<int>(words.size()))];
  }
  std::string Source() {
    return Pick({"sources/leeds", "sources/leeds", "sources/york", "sources/gp", "sources/none",
                 "sources/stewards", ""});
  }
  std::string Agreement() {
    return Pick({"agreements/leeds", "agreements/leeds", "agreements/leeds", "agreements/york",
                 "agreements/none", ""});
  }
  static std::string Words(const absl::Status& status) {
    std::string words = " " + status.ToString();
    if (const auto facts = base::FactsOf(status)) {
      for (const auto& [key, value] : facts->metadata) words += " " + value;
    }
    return words;
  }

  std::string Sync() {
    v1::SyncHeader header;
    header.set_source(Source());
    header.set_agreement(Agreement());
    header.set_dry_run(Chance(20));
    std::vector<v1::SyncItem> items;
    for (int count = 1 + Below(4); count > 0; --count) {
      v1::SyncItem item =
          Item(OwnId(Below(kPeople)), {{"given_name", "Ann"}}, "c" + std::to_string(Below(100)));
      auto& fields = *item.mutable_upsert()->mutable_fields();
      if (Chance(50)) fields["email"] = "own" + std::to_string(Below(20)) + "@example.org";
      if (Chance(30))
        fields[Pick({"nhs_number", "role", "nonsense", "phone"})] =
            "07700 900" + std::to_string(100 + Below(kPeople));
      if (Chance(30))
        Say(item, Chance(70) ? type::v1::GRANTED : type::v1::WITHDRAWN, Below(100), type::v1::CHANNEL_EMAIL);
      items.push_back(Chance(10) ? Gone(item.record_id(), item.cursor()) : item);
    }
    // Of a record that comes twice the first answer is of a time between.
    std::set<std::string> ids;
    for (const auto& item : items) ids.insert(item.record_id());
    const bool at_the_end = ids.size() == items.size() && !header.dry_run();
    SyncCall call = Partner();
    std::string text;
    for (const auto& result : at.Send(header, items, call)) {
      text += result.ShortDebugString();
      if (!result.person().empty()) said_.insert(result.person());  // each is checked against the store below
      const std::string now = PersonOf("sources/leeds/records/" + result.record_id());
      const bool its_own = result.person().empty() || result.person() == now;
      EXPECT_TRUE(its_own || !at_the_end) << result.ShortDebugString();
    }
    EXPECT_TRUE(header.source() == "sources/leeds" || !at.status.ok());
    EXPECT_TRUE(header.agreement() == "agreements/leeds" || !at.status.ok());
    return text + Words(at.status);
  }

  std::string Ask() {
    SyncCall call = Partner();
    v1::ResumeSyncRequest resume;
    v1::CountRecordsRequest count;
    resume.set_source(Source());
    count.set_source(resume.source());
    v1::ResumeSyncResponse resumed;
    v1::CountRecordsResponse counted;
    const absl::Status one = at.sync.ResumeSync(call, resume, resumed),
                       other = at.sync.CountRecords(call, count, counted);
    const bool own = resume.source() == "sources/leeds";
    EXPECT_EQ(one.ok(), own) << one;
    EXPECT_EQ(other.ok(), own) << other;
    return resumed.ShortDebugString() + counted.ShortDebugString() + Words(one) + Words(other);
  }

  std::string Cursor(std::string& last) {
    switch (Below(5)) {
      case 0:
        return "";
      case 1:
        return york_cursor_;
      case 2: {
        std::string changed = last;
        if (!changed.empty()) changed[random_() % changed.size()] = '7';
        return changed;
      }
      default:
        return last;
    }
  }
  // Everybody and what changed meanwhile, or one look at the changes: it does not wait for more.
  static int LooksOf(const std::string& cursor) { return cursor.empty() ? 2 : 1; }
  std::string Changes() {
    v1::FollowChangesRequest request;
    request.set_agreement(Agreement());
    request.set_cursor(Cursor(changes_cursor_));
    ShortCall call(LooksOf(request.cursor()));
    Heard<v1::FollowChangesResponse> heard;
    const absl::Status status = at.sync.FollowChanges(call, request, heard);
    changes_cursor_ = heard.cursor.empty() ? changes_cursor_ : heard.cursor;
    EXPECT_TRUE(request.agreement() == "agreements/leeds" || heard.text.empty());
    return heard.text + Words(status);
  }
  std::string Consents() {
    v1::FollowConsentsRequest request;
    request.set_agreement(Agreement());
    request.set_cursor(Cursor(consents_cursor_));
    ShortCall call(LooksOf(request.cursor()));
    Heard<v1::FollowConsentsResponse> heard;
    const absl::Status status = at.sync.FollowConsents(call, request, heard);
    consents_cursor_ = heard.cursor.empty() ? consents_cursor_ : heard.cursor;
    return heard.text + Words(status);
  }

  std::string Agreements() {
    SyncCall call = Partner();
    v1::GetAgreementRequest get;
    get.set_name(Agreement());
    v1::Agreement got;
    const absl::Status status = at.agreements.GetAgreement(call, get, got);
    v1::ListAgreementsResponse listed;
    EXPECT_TRUE(at.agreements.ListAgreements(call, {}, listed).ok());
    EXPECT_EQ(listed.agreements_size(), 1);
    return got.ShortDebugString() + listed.ShortDebugString() + Words(status);
  }

  std::string Import() {
    SyncCall call = Partner();
    FileWire wire;
    auto& header = *wire.requests.emplace_back().mutable_header();
    header.set_source(Source());
    header.set_agreement(Agreement());
    header.set_consent_purpose(Pick({"purposes/quit", "purposes/other", ""}));
    header.set_validate_only(Chance(30));
    wire.requests.emplace_back().set_data(
        Pick({"record_id,given_name\n", "record_id,role\n", "record_id,email,consent_email\n"}) +
        OwnId(Below(kPeople)) + ",own@example.org" + Pick({"", ",granted"}) + "\n");
    const absl::Status status = imports_.ImportContacts(call, wire);
    return wire.text + Words(status);
  }

  std::mt19937_64 random_;
  std::vector<int> generation_ = std::vector<int>(kPeople);
  std::set<std::string> known_, said_;
  std::string york_cursor_, changes_cursor_, consents_cursor_;
  ImportService imports_{*at.store, at.people, *at.linker, at.clock, [] {}, &at.book};
};

TEST(PartnerCanaries, NothingOutsideTheAgreementIsInAnyAnswer) {
  const int64_t calls = Option("PHAROS_PARTNER_CALLS", 2000), seed = Option("PHAROS_SEED", 1);
  SCOPED_TRACE("seed " + std::to_string(seed));
  World world(static_cast<uint64_t>(seed));
  // There is something to be seen: whoever may, sees the canaries.
  ASSERT_TRUE((*world.at.people.LoadRecord(*world.at.store->Read(),
                                           std::string("sources/york/records/") + kCanary + "0"))
                  .has_value());
  const std::regex person("people/[0-9a-z]{26}");
  size_t people_seen = 0;
  for (int64_t done = 0; done < calls && !testing::Test::HasFailure(); ++done) {
    if (world.Chance(30)) world.Happen();
    world.NotePeople();
    const std::string said = world.Call();
    world.NotePeople();
    EXPECT_EQ(said.find(kCanary), std::string::npos) << "call " << done << ": " << said;
    EXPECT_EQ(said.find(kCanaryNumber), std::string::npos) << "call " << done << ": " << said;
    for (std::sregex_iterator it(said.begin(), said.end(), person), end; it != end; ++it) {
      ++people_seen;
      EXPECT_TRUE(world.Knows(it->str())) << "call " << done << ": " << it->str();
    }
  }
  EXPECT_GT(people_seen, static_cast<size_t>(calls) / 8);  // the calls did answer
}

}  // namespace
}  // namespace pharos::customer
