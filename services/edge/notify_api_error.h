// Errors of GOV.UK Notify's API: {"status_code", "errors": [{"error", "message"}]}. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "pharos/type/v1/types.pb.h"
#include "services/edge/request.h"

namespace pharos::edge {

struct NotifyError {
  int status = 400;
  std::string error;                  // its class: "BadRequestError", "ValidationError", …
  std::vector<std::string> messages;  // at least one
};

NotifyError BadRequest(std::string message);
NotifyError Invalid(std::vector<std::string> messages);
NotifyError NotFound();
NotifyError RateLimited();

Response OfError(const NotifyError& error);

// What Notify says where one of our services said `status` to a message on this channel.
NotifyError ErrorOf(const absl::Status& status, type::v1::Channel channel);

}  // namespace pharos::edge
