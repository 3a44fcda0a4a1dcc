// What is wrong with a request, by name. The message goes to the caller: it never repeats what was sent.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace pharos::edge::errors {

absl::Status BodyWrong(std::string_view what);       // BODY_WRONG: not what the documentation says
absl::Status TokenWrong();                           // TOKEN_WRONG: no or another bearer token
absl::Status SignatureWrong(std::string_view what);  // SIGNATURE_WRONG: header, time, or signature
absl::Status SettingWrong(std::string_view what);    // CONFIG_WRONG

}  // namespace pharos::edge::errors
