// The address of a receiver, as an operator writes it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pharos::edge::hooks {

struct ReceiverUrl {
  bool tls = true;
  std::string host;      // a name in lower case, or an address without brackets
  bool literal = false;  // it is an address
  std::string port;      // "443"
  std::string header;    // as HTTP's Host has it
  std::string target;    // path and query, at least "/"
};

inline constexpr size_t kLongestUrl = 2048;  // longer than any that receivers give out

// "https://host[:port][/path][?query]", or http:// (whether that may be is for the caller to say). No names
// before the host, no fragment, no numbers in disguise ("https://2130706433/"). INVALID_ARGUMENT with words
// that follow the setting's name: what is wrong.
absl::StatusOr<ReceiverUrl> ReadReceiverUrl(std::string_view text);

}  // namespace pharos::edge::hooks
