// Evaluates a filter, and the gate if asked, over everybody. The count and the pin go through here, so that
// they cannot differ.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/type/v1/types.pb.h"
#include "services/audience/feed_client.h"
#include "services/audience/people_index.h"

namespace pharos::audience {

struct Question {
  std::string filter;
  std::string purpose;  // "purposes/…"; empty: count only
  std::vector<type::v1::Channel> channels;
  bool keep_people = false;   // fill `members` and `left_out`
  uint64_t min_position = 0;  // 0: as fresh as the last commit when the call came
};

// Another way to the same member.
struct Alternative {
  type::v1::Channel channel = type::v1::CHANNEL_UNSPECIFIED;
  std::string endpoint;
};
struct Member {
  std::string person;  // id without "people/"
  type::v1::Channel channel = type::v1::CHANNEL_UNSPECIFIED;
  std::string endpoint;
  std::vector<Alternative> alternatives;  // on later channels of the question, in its order
};
struct LeftOut {
  std::string person;
  type::v1::GateReason reason = type::v1::GATE_REASON_UNSPECIFIED;
};

// With a purpose: matched = member_count + sum(excluded).
struct Outcome {
  int64_t matched = 0;
  int64_t member_count = 0;
  std::map<std::string, int64_t> excluded;  // by GateReason name
  uint64_t position = 0;
  std::vector<Member> members;    // sorted by person
  std::vector<LeftOut> left_out;  // sorted by person
};

// At least as fresh as the customer service's last commit when the call came; waits for that until `micros`
// have passed. INVALID_ARGUMENT: FILTER_WRONG, CHANNELS_MISSING, CHANNEL_UNKNOWN, CHANNEL_REPEATED.
// NOT_FOUND: PURPOSE_NOT_FOUND, also for a purpose that the filter names. FAILED_PRECONDITION:
// PURPOSE_RETIRED for the question's own. UNAVAILABLE: AUDIENCE_LOADING, AUDIENCE_BEHIND.
absl::StatusOr<Outcome> Evaluate(const Question& question, const PeopleIndex& index, const AskFreshness& ask,
                                 int64_t now_us, int64_t micros);

}  // namespace pharos::audience
