#include "services/audience/evaluation.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include "services/audience/errors.h"
#include "services/audience/filter_eval.h"
#include "services/base/errors.h"

namespace pharos::audience {
namespace {

using std::chrono::steady_clock;

constexpr int64_t kMaxWaitUs = 15'000'000;  // longer than that the index will not catch up soon: say so
constexpr int kMaxAttempts = 4;             // of finding the index whole after the wait

absl::Status CheckChannels(const Question& question) {
  if (!question.purpose.empty() && question.channels.empty()) return AudienceErrors::ChannelsMissing();
  for (size_t i = 0; i < question.channels.size(); ++i) {
    const auto channel = question.channels[i];
    if (channel != type::v1::CHANNEL_SMS && channel != type::v1::CHANNEL_EMAIL)
      return AudienceErrors::ChannelWrong(i);
    if (std::count(question.channels.begin(), question.channels.end(), channel) > 1)
      return AudienceErrors::ChannelRepeated(i);
  }
  return absl::OkStatus();
}

// Counts, and keeps if asked.
class Tally {
 public:
  Tally(const Question& question, std::optional<gate::Purpose> purpose)
      : question_(question), purpose_(std::move(purpose)) {}

  void Add(std::string_view id, FactsReader& facts) {
    ++outcome_.matched;
    if (!purpose_) return;
    gate::Verdict verdict = gate::Choose(facts.Facts(), *purpose_, question_.channels);
    if (verdict.reason == type::v1::ALLOW) {
      ++outcome_.member_count;
      if (question_.keep_people) Keep(id, facts.Facts(), verdict);
    } else {
      ++by_reason_[verdict.reason];
      if (question_.keep_people) outcome_.left_out.push_back({std::string(id), verdict.reason});
    }
  }

  Outcome Finish(uint64_t position) {
    outcome_.position = position;
    for (int reason = 0; reason <= type::v1::GateReason_MAX; ++reason) {
      if (by_reason_[reason] == 0) continue;
      outcome_.excluded[type::v1::GateReason_Name(static_cast<type::v1::GateReason>(reason))] =
          by_reason_[reason];
    }
    const auto by_person = [](const auto& a, const auto& b) { return a.person < b.person; };
    std::sort(outcome_.members.begin(), outcome_.members.end(), by_person);
    std::sort(outcome_.left_out.begin(), outcome_.left_out.end(), by_person);
    return std::move(outcome_);
  }

 private:
  void Keep(std::string_view id, const type::v1::GateFacts& facts, const gate::Verdict& chosen) {
    Member member{std::string(id), chosen.channel, chosen.endpoint, {}};
    const auto& channels = question_.channels;
    for (auto later = std::find(channels.begin(), channels.end(), chosen.channel) + 1;
         later != channels.end(); ++later) {
      for (const auto& endpoint : facts.endpoints()) {
        if (endpoint.channel() != *later) continue;
        if (gate::Judge(facts, *purpose_, *later, &endpoint).reason != type::v1::ALLOW) continue;
        member.alternatives.push_back({*later, endpoint.endpoint()});
        break;
      }
    }
    outcome_.members.push_back(std::move(member));
  }

  const Question& question_;
  const std::optional<gate::Purpose> purpose_;
  Outcome outcome_;
  std::array<int64_t, type::v1::GateReason_MAX + 1> by_reason_{};
};

absl::StatusOr<std::optional<gate::Purpose>> FindPurposes(const Question& question,
                                                          const Predicate& predicate,
                                                          const Freshness& fresh) {
  for (const std::string& named : PurposesIn(predicate)) {
    if (!fresh.purposes.contains(named)) return AudienceErrors::PurposeNotFound(named);
  }
  if (question.purpose.empty()) return std::optional<gate::Purpose>();
  const auto found = fresh.purposes.find(question.purpose);
  if (found == fresh.purposes.end()) return AudienceErrors::PurposeNotFound(question.purpose);
  if (fresh.retired.contains(question.purpose)) return AudienceErrors::PurposeRetired(question.purpose);
  return std::optional<gate::Purpose>(found->second);
}

absl::StatusOr<Outcome> EvaluateNow(const Question& question, const Predicate& predicate,
                                    const std::optional<gate::Purpose>& purpose, const PeopleIndex& index,
                                    uint64_t wanted, int64_t now_us) {
  Tally tally(question, purpose);
  FactsReader facts;
  std::optional<BoundFilter> filter;
  uint64_t seen = 0;
  PHAROS_RETURN_IF_ERROR(index.ForEach(
      [&](const StringPool& pool, uint64_t position) {
        if (position < wanted) return AudienceErrors::Loading();  // it began anew after the wait
        seen = position;
        filter.emplace(predicate, pool, LondonDate(now_us));
        return absl::OkStatus();
      },
      [&](std::string_view id, const CompactPerson& person) {
        facts.Start(person);
        if (filter->Matches(id, person, facts)) tally.Add(id, facts);
      }));
  return tally.Finish(seen);
}

}  // namespace

absl::StatusOr<Outcome> Evaluate(const Question& question, const PeopleIndex& index, const AskFreshness& ask,
                                 int64_t now_us, int64_t micros) {
  const auto until = steady_clock::now() + std::chrono::microseconds(std::min(micros, kMaxWaitUs));
  const auto left_us = [&] {
    return std::chrono::duration_cast<std::chrono::microseconds>(until - steady_clock::now()).count();
  };
  PHAROS_RETURN_IF_ERROR(CheckChannels(question));
  PHAROS_ASSIGN_OR_RETURN(const Predicate predicate, CompileFilter(question.filter));
  const bool with_purposes = !question.purpose.empty() || !PurposesIn(predicate).empty();
  PHAROS_ASSIGN_OR_RETURN(const Freshness fresh, ask(with_purposes, left_us()));
  PHAROS_ASSIGN_OR_RETURN(const auto purpose, FindPurposes(question, predicate, fresh));
  for (int attempt = 1;; ++attempt) {
    PHAROS_RETURN_IF_ERROR(index.WaitForPosition(fresh.position, left_us()));
    auto outcome = EvaluateNow(question, predicate, purpose, index, fresh.position, now_us);
    if (outcome.ok() || attempt == kMaxAttempts) return outcome;
  }
}

}  // namespace pharos::audience
