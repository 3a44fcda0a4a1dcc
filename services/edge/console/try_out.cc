#include "services/edge/console/try_out.h"

#include <fmt/format.h>

#include "services/base/errors.h"

namespace pharos::edge::console {
namespace {

absl::Status TooOften() {
  return base::MakeError(
      absl::StatusCode::kResourceExhausted, "TRY_OUT_TOO_OFTEN",
      fmt::format("You have sent yourself {} messages within an hour. Wait some minutes, then try again.",
                  static_cast<int>(TryOut::kAnHour)));
}

// What whoever tries out cannot know: it is the set-up that is wrong. Nor is a key that is refused theirs.
absl::Status InWords(const absl::Status& status) {
  if (status.ok()) return status;
  const std::string reason = base::ReasonOf(status);
  if (reason != "CAMPAIGN_NOT_STANDING" && reason != "CAMPAIGN_HALTED" && reason != "TEMPLATE_NOT_APPROVED" &&
      reason != "CAMPAIGN_NOT_FOUND" && !absl::IsUnauthenticated(status))
    return status;
  return base::MakeError(absl::StatusCode::kFailedPrecondition, "TRY_OUT_NOT_SET_UP",
                         fmt::format("The campaign that these messages go through does not run ({}). Tell "
                                     "whoever keeps Pharos running: [edge.try_out] of the configuration.",
                                     reason));
}

}  // namespace

bool TryOut::Admit(std::string_view principal) {
  base::MutexLock lock(mutex_);
  return rate_.Admit(std::string(principal), clock_.BootMicros());
}

absl::StatusOr<std::string> TryOut::Send(std::string_view principal, type::v1::Channel channel,
                                         const std::string& address, const SampleMessage& sample,
                                         const std::string& request_id) {
  if (!Admit(principal)) return TooOften();
  dispatch::v1::SendMessageRequest request;
  request.set_campaign(settings_.campaign);
  request.set_channel(channel);
  request.set_address(address);
  request.set_template_(channel == type::v1::CHANNEL_SMS ? settings_.sms : settings_.email);
  (*request.mutable_personalisation())["message"] = sample.text;
  if (channel == type::v1::CHANNEL_EMAIL) (*request.mutable_personalisation())["subject"] = sample.subject;
  request.set_reference(std::string(principal));
  request.set_request_id(request_id);
  dispatch::v1::Message message;
  const absl::Status sent = backend_.Call({settings_.token, ""}, request, &message);
  if (!sent.ok()) return InWords(sent);
  return message.name();
}

absl::StatusOr<dispatch::v1::Message> TryOut::Get(std::string_view principal, const std::string& name) const {
  dispatch::v1::GetMessageRequest request;
  request.set_name(name);
  dispatch::v1::Message message;
  PHAROS_RETURN_IF_ERROR(InWords(backend_.Call({settings_.token, ""}, request, &message)));
  if (message.campaign() == settings_.campaign && message.reference() == principal) return message;
  return base::MakeError(absl::StatusCode::kNotFound, "MESSAGE_NOT_FOUND",
                         "You have sent yourself no such message, or it is not kept any more.");
}

}  // namespace pharos::edge::console
