// The change log's batches add up to the tally, at every prefix, whatever happens in whatever order.
#include <random>

#include "pharos/record/v1/change.pb.h"
#include "pharos/type/v1/event.pb.h"
#include "services/dispatch/desk_fixture.h"

namespace pharos::dispatch {
namespace {

using customer::internal::v1::IssuePermitsResponse;
using Terms = google::protobuf::Map<std::string, int64_t>;

void AddTerms(const Terms& more, Terms& sum) {
  for (const auto& [name, count] : more) {
    if ((sum[name] += count) == 0) sum.erase(name);
  }
}

void Add(const type::v1::TallyChange& change, record::v1::TallyRow& sum) {
  sum.set_declared(sum.declared() + change.declared());
  sum.set_intents(sum.intents() + change.intents());
  sum.set_pending(sum.pending() + change.pending());
  sum.set_in_flight(sum.in_flight() + change.in_flight());
  sum.set_sent(sum.sent() + change.sent());
  sum.set_delivered(sum.delivered() + change.delivered());
  sum.set_unconfirmed(sum.unconfirmed() + change.unconfirmed());
  sum.set_bounced(sum.bounced() + change.bounced());
  sum.set_opted_out(sum.opted_out() + change.opted_out());
  AddTerms(change.failed(), *sum.mutable_failed());
  AddTerms(change.withheld(), *sum.mutable_withheld());
  AddTerms(change.accepted_by_channel(), *sum.mutable_accepted_by_channel());
}

std::string Text(const record::v1::TallyRow& row) {
  std::map<std::string, int64_t> failed(row.failed().begin(), row.failed().end());
  std::map<std::string, int64_t> withheld(row.withheld().begin(), row.withheld().end());
  std::string text = fmt::format(
      "intents {} pending {} in_flight {} sent {} delivered {} unconfirmed {} bounced {}", row.intents(),
      row.pending(), row.in_flight(), row.sent(), row.delivered(), row.unconfirmed(), row.bounced());
  for (const auto& [name, count] : failed) text += fmt::format(" failed {} {}", name, count);
  for (const auto& [name, count] : withheld) text += fmt::format(" withheld {} {}", name, count);
  return text;
}

class DeskFeedTest : public DeskTest, public testing::WithParamInterface<int> {
 protected:
  DeskFeedTest() {
    WriteEmailToo();
    manifest_.set_fallback(true);
  }

  int Below(int most) { return std::uniform_int_distribution<int>(0, most - 1)(random_); }

  void FollowLog() {
    auto changes = store_->ReadChanges(position_, 10'000);
    ASSERT_TRUE(changes.ok());
    for (const auto& change : *changes) {
      position_ = change.position;
      record::v1::ChangeEntry entry;
      ASSERT_TRUE(entry.ParseFromString(change.entry));
      if (entry.kind() != "intents.changed") continue;
      type::v1::EventBatch batch;
      ASSERT_TRUE(batch.ParseFromString(entry.facts()));
      auto& sum = sums_[batch.campaign()];
      Add(batch.changes(), sum);
      ASSERT_EQ(SumOf(sum), sum.intents()) << "at position " << position_;
    }
  }

  record::v1::TallyRow Recount(const std::string& campaign) {
    record::v1::TallyRow count;
    const auto prefix = storage::PrefixRange(storage::KeyWriter(kIntent).String(campaign).str());
    EXPECT_TRUE(store_->Read()
                    ->Scan(prefix,
                           [&](std::string_view, std::string_view value) {
                             record::v1::IntentRow row;
                             EXPECT_TRUE(storage::DecodeRecord(value, row).ok());
                             CountIn(row, count);
                             return true;
                           })
                    .ok());
    return count;
  }
  static void CountIn(const record::v1::IntentRow& row, record::v1::TallyRow& count) {
    count.set_intents(count.intents() + 1);
    switch (StateOf(row)) {
      case State::kPending:
        return count.set_pending(count.pending() + 1);
      case State::kInFlight:
        return count.set_in_flight(count.in_flight() + 1);
      case State::kSent:
        return count.set_sent(count.sent() + 1);
      case State::kDelivered:
        return count.set_delivered(count.delivered() + 1);
      case State::kUnconfirmed:
        return count.set_unconfirmed(count.unconfirmed() + 1);
      case State::kWithheld:
        ++(*count.mutable_withheld())[row.reason()];
        return;
      case State::kFailed:
        ++(*count.mutable_failed())[row.reason()];
        const bool bounced = row.reason() == "UNDELIVERABLE" || row.reason() == "INVALID_NUMBER" ||
                             row.reason() == "HARD_BOUNCE";
        if (bounced) count.set_bounced(count.bounced() + 1);
    }
  }

  void Check() {
    FollowLog();
    for (const auto& [campaign, sum] : sums_) {
      const auto tally = Tally(campaign);
      ASSERT_EQ(Text(sum), Text(tally)) << campaign;
      ASSERT_EQ(sum.declared(), tally.declared());
      ASSERT_EQ(sum.opted_out(), tally.opted_out());
      for (const char* channel : {"CHANNEL_SMS", "CHANNEL_EMAIL"}) {
        const auto& summed = sum.accepted_by_channel();
        const auto& stands = tally.accepted_by_channel();
        ASSERT_EQ(summed.contains(channel) ? summed.at(channel) : 0,
                  stands.contains(channel) ? stands.at(channel) : 0);
      }
      ASSERT_EQ(Text(Recount(campaign)), Text(tally)) << campaign;
    }
  }

  void NewCampaign() {
    if (campaigns_ == 6) return;
    campaign_ = "campaigns/c" + std::to_string(++campaigns_);
    Plan(Below(2) == 0 ? EitherMembers(1 + Below(9)) : EmailMembers(1 + Below(9)));
    Steer(internal::v1::GO);
  }
  void SteerOne() {
    if (campaigns_ == 0) return;
    const int number = 1 + Below(campaigns_);
    campaign_ = "campaigns/c" + std::to_string(number);
    const auto steering =
        std::array{internal::v1::GO, internal::v1::GO, internal::v1::HOLD, internal::v1::HALT}[Below(4)];
    internal::v1::SteerCampaignRequest request;
    request.set_campaign(campaign_);
    request.set_steering(steering);
    internal::v1::SteerCampaignResponse response;
    Turned([&](Turn& turn) { (void)desk_->Steer(turn, request, response); });
  }
  void PullOne() {
    Pull(sessions_[Below(2)], ++pulls_, 1 + Below(6));
    Ticks();
  }
  void AnswerAll() {
    auto questions = std::exchange(customer_->asked, {});
    for (auto& question : questions) {
      if (Below(10) == 0) {
        Answer(question, absl::UnavailableError("away"));
        continue;
      }
      IssuePermitsResponse response;
      for (const auto& request : question.request.requests()) {
        auto* answer = response.add_answers();
        answer->set_id(request.id());
        if (Below(6) == 0) {
          answer->set_denied(type::v1::OPTED_OUT);
          continue;
        }
        answer->mutable_granted()->set_person(request.person());
        answer->mutable_granted()->set_address("447700900100");
        (*answer->mutable_granted()->mutable_fields())["given_name"] = "Ada";
      }
      Answer(question, response);
    }
    for (int i = 0; i < 2; ++i) {
      for (const auto& attempt : Attempts(sessions_[i])) held_.push_back({i, attempt.id()});
    }
  }
  void OutcomeOfOne() {
    if (held_.empty()) return;
    const auto [which, id] = held_[Below(static_cast<int>(held_.size()))];  // may be told twice
    internal::v1::Outcome outcome;
    outcome.set_id(id);
    switch (Below(6)) {
      case 0:
        outcome = Refused(id);
        break;
      case 1:
        outcome.mutable_no_answer()->set_reason("LINK_LOST");
        break;
      case 2:
        outcome = Rejected(id, "INVALID_NUMBER");
        outcome.mutable_rejected()->set_hard_bounce(Below(2) == 0);
        break;
      case 3:
        outcome = Rejected(id, "THROTTLED");
        outcome.mutable_rejected()->set_transient(true);
        break;
      default:
        outcome = Accepted(id, base::ToHex(id));
        if (Below(2) == 0) outcome.mutable_accepted()->add_provider_ids(base::ToHex(id) + "b");
    }
    Report(sessions_[which], outcome);
  }
  void ReceiptForOne() {
    if (held_.empty()) return;
    const auto [which, id] = held_[Below(static_cast<int>(held_.size()))];
    auto receipt = Receipt(base::ToHex(id) + (Below(3) == 0 ? "b" : ""),
                           static_cast<internal::v1::ReceiptState>(1 + Below(8)));
    receipt.set_hard_bounce(Below(4) == 0);
    Receive(sessions_[which], receipt);
  }
  void NewLife() {
    Restart();
    sessions_ = {Connect(), ConnectEmail()};
  }

  std::mt19937 random_{static_cast<uint32_t>(GetParam())};
  uint64_t position_ = 0, pulls_ = 0;
  int campaigns_ = 0;
  std::map<std::string, record::v1::TallyRow> sums_;
  std::array<SessionPtr, 2> sessions_;
  std::vector<std::pair<int, std::string>> held_;
};

TEST_P(DeskFeedTest, AddsUpAtEveryPrefix) {
  NewLife();
  for (int turn = 0; turn < 400; ++turn) {
    const int what = Below(40);
    if (what < 3)
      NewCampaign();
    else if (what == 3)
      SteerOne();
    else if (what < 12)
      PullOne();
    else if (what < 20)
      AnswerAll();
    else if (what < 30)
      OutcomeOfOne();
    else if (what < 37)
      ReceiptForOne();
    else if (what < 39)
      clock_.Advance(Below(3'000'000));
    else
      NewLife();
    Ticks();
    ASSERT_FALSE(loop_->halted());
    ASSERT_NO_FATAL_FAILURE(Check()) << "seed " << GetParam() << ", turn " << turn;
  }
  EXPECT_FALSE(held_.empty());  // it did come to sending
}

INSTANTIATE_TEST_SUITE_P(Seeds, DeskFeedTest, testing::Range(1, 9));

}  // namespace
}  // namespace pharos::dispatch
