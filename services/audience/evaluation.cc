#include "services/audience/evaluation.h"

#include <algorithm>
#include <array>

#include "services/audience/asking.h"
#include "services/base/errors.h"

namespace pharos::audience {
namespace {

// Counts, and keeps if asked.
class Tally {
 public:
  explicit Tally(const JudgeQuestion& question) : question_(question) {}

  void Add(std::string_view id, const type::v1::GateFacts& facts) {
    gate::Verdict verdict = gate::Choose(facts, question_.purpose, question_.channels);
    if (verdict.reason == type::v1::ALLOW) {
      Keep(id, facts, verdict);
    } else {
      outcome_.left_out.push_back({std::string(id), verdict.reason});
    }
  }
  void Count(const std::map<type::v1::GateReason, int64_t>& verdicts) {
    for (const auto& [reason, people] : verdicts) {
      if (reason == type::v1::ALLOW) {
        outcome_.member_count = people;
      } else {
        outcome_.excluded[type::v1::GateReason_Name(reason)] = people;
      }
    }
  }

  Outcome Finish(int64_t matched, uint64_t position) {
    outcome_.matched = matched;
    outcome_.position = position;
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
        if (gate::Judge(facts, question_.purpose, *later, &endpoint).reason != type::v1::ALLOW) continue;
        member.alternatives.push_back({*later, endpoint.endpoint()});
        break;
      }
    }
    outcome_.members.push_back(std::move(member));
  }

  const JudgeQuestion& question_;
  Outcome outcome_;
};

Outcome Answer(const PeopleIndex::Reader& reader, const Question& question, const Asked& asked) {
  const PeopleSet people = reader.Match(asked.predicate);
  const auto matched = static_cast<int64_t>(people.Count());
  if (!asked.judge) return Tally({}).Finish(matched, reader.position());
  Tally tally(*asked.judge);
  tally.Count(reader.Verdicts(people, *asked.judge));
  if (question.keep_people) {
    reader.ForEachId(people, [&](PersonNo person, std::string_view id) {
      tally.Add(id, reader.Facts(person));
      return true;
    });
  }
  return tally.Finish(matched, reader.position());
}

}  // namespace

absl::StatusOr<Outcome> Evaluate(const Question& question, const PeopleIndex& index, const AskFreshness& ask,
                                 int64_t now_us, int64_t micros) {
  Asking asking;
  asking.filter = question.filter;
  asking.purpose = question.purpose;
  asking.channels = question.channels;
  asking.min_position = question.min_position;
  PHAROS_ASSIGN_OR_RETURN(const Asked asked, CheckAsking(asking, ask, micros));
  Outcome outcome;
  PHAROS_RETURN_IF_ERROR(
      ReadAt(index, asked.position, now_us, micros, [&](const PeopleIndex::Reader& reader) {
        outcome = Answer(reader, question, asked);
        return absl::OkStatus();
      }));
  return outcome;
}

}  // namespace pharos::audience
