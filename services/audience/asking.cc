#include "services/audience/asking.h"

#include <algorithm>
#include <chrono>

#include "services/audience/errors.h"
#include "services/base/errors.h"

namespace pharos::audience {
namespace {

using std::chrono::steady_clock;

constexpr int64_t kMaxWaitUs = 15'000'000;  // longer than that the index will not catch up soon: say so
constexpr int kMaxAttempts = 4;             // of finding the index whole after the wait

absl::Status CheckChannels(const Asking& asking) {
  if (!asking.purpose.empty() && asking.channels.empty()) return AudienceErrors::ChannelsMissing();
  for (size_t i = 0; i < asking.channels.size(); ++i) {
    const auto channel = asking.channels[i];
    if (channel != type::v1::CHANNEL_SMS && channel != type::v1::CHANNEL_EMAIL)
      return AudienceErrors::ChannelWrong(i);
    if (std::count(asking.channels.begin(), asking.channels.end(), channel) > 1)
      return AudienceErrors::ChannelRepeated(i);
  }
  return absl::OkStatus();
}

absl::Status CheckPurposes(const Asking& asking, const std::vector<std::string>& named,
                           const Freshness& fresh, Asked& asked) {
  for (const std::string& purpose : named) {
    if (!fresh.purposes.contains(purpose)) return AudienceErrors::PurposeNotFound(purpose);
  }
  if (asking.purpose.empty()) return absl::OkStatus();
  const auto found = fresh.purposes.find(asking.purpose);
  if (found == fresh.purposes.end()) return AudienceErrors::PurposeNotFound(asking.purpose);
  if (fresh.retired.contains(asking.purpose)) return AudienceErrors::PurposeRetired(asking.purpose);
  if (!asking.channels.empty()) asked.judge = JudgeQuestion{found->second, asking.channels};
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Asked> CheckAsking(const Asking& asking, const AskFreshness& ask, int64_t micros) {
  PHAROS_RETURN_IF_ERROR(CheckChannels(asking));
  Asked asked;
  PHAROS_ASSIGN_OR_RETURN(asked.predicate, CompileFilter(asking.filter));
  std::vector<std::string> named = PurposesIn(asked.predicate), campaigns = CampaignsIn(asked.predicate);
  for (const std::string& measure : asking.measures) {
    PHAROS_ASSIGN_OR_RETURN(Predicate predicate, CompileFilter(measure));
    for (std::string& purpose : PurposesIn(predicate)) named.push_back(std::move(purpose));
    for (std::string& campaign : CampaignsIn(predicate)) campaigns.push_back(std::move(campaign));
    asked.measures.push_back(std::move(predicate));
  }
  PHAROS_RETURN_IF_ERROR(ask.OfEngagement(campaigns, std::min(micros, kMaxWaitUs)));
  asked.position = asking.min_position;
  const bool with_purposes = !asking.purpose.empty() || !named.empty();
  if (asked.position != 0 && !with_purposes) return asked;
  PHAROS_ASSIGN_OR_RETURN(const Freshness fresh, ask(with_purposes, std::min(micros, kMaxWaitUs)));
  PHAROS_RETURN_IF_ERROR(CheckPurposes(asking, named, fresh, asked));
  if (asked.position == 0) asked.position = fresh.position;
  return asked;
}

absl::Status ReadAt(const PeopleIndex& index, uint64_t position, int64_t now_us, int64_t micros,
                    const std::function<absl::Status(const PeopleIndex::Reader&)>& read) {
  const auto until = steady_clock::now() + std::chrono::microseconds(std::min(micros, kMaxWaitUs));
  for (int attempt = 1;; ++attempt) {
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(until - steady_clock::now());
    PHAROS_RETURN_IF_ERROR(index.WaitForPosition(position, left.count()));
    bool began_anew = false;  // the feed, after the wait
    const absl::Status status = index.Read(now_us, [&](const PeopleIndex::Reader& reader) -> absl::Status {
      began_anew = reader.position() < position;
      return began_anew ? AudienceErrors::Loading() : read(reader);
    });
    if (!began_anew || attempt == kMaxAttempts) return status;
  }
}

}  // namespace pharos::audience
