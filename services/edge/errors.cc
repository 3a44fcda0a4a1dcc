#include "services/edge/errors.h"

#include <fmt/format.h>

#include "services/base/errors.h"

namespace pharos::edge::errors {

using base::MakeError;

absl::Status BodyWrong(std::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BODY_WRONG",
                   fmt::format("The body is not what is expected: {}.", what));
}

absl::Status TokenWrong() {
  return MakeError(absl::StatusCode::kUnauthenticated, "TOKEN_WRONG",
                   "Send the bearer token that was agreed for this address.");
}

absl::Status SignatureWrong(std::string_view what) {
  return MakeError(
      absl::StatusCode::kUnauthenticated, "SIGNATURE_WRONG",
      fmt::format("The signature does not hold: {}. Sign the raw body with the key that was agreed.", what));
}

absl::Status SettingWrong(std::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "CONFIG_WRONG", fmt::format("{}", what));
}

}  // namespace pharos::edge::errors
