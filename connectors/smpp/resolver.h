// The provider's name → its addresses, looked up on a thread of its own: a name server that is silent must
// not keep the session's thread from the connections that work.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::smpp {

// sockaddr; whether it is loopback.
using NetAddresses = std::vector<std::pair<std::string, bool>>;
// May wait. UNAVAILABLE (UNREACHABLE).
using LookUp = std::function<absl::StatusOr<NetAddresses>(const std::string& host, int port)>;
absl::StatusOr<NetAddresses> LookUpBySystem(const std::string& host, int port);

// Belongs to one thread; does not wait, its destructor neither (a look-up under way ends by itself).
class Resolver {
 public:
  static constexpr int64_t kFreshUs = 5'000'000;  // an answer serves the connections that come back together

  Resolver(std::string host, int port, LookUp look_up = {});
  // The addresses, as far as they are known; begins a look-up if the last is older than kFreshUs. Numbers are
  // known at once. A look-up that fails changes nothing about addresses that were known. Empty: not yet, ask
  // again soon. UNAVAILABLE (UNREACHABLE): none is known and the last look-up failed.
  absl::StatusOr<NetAddresses> Addresses(int64_t now_us);

 private:
  struct State;
  const std::string host_;
  const int port_;
  const LookUp look_up_;
  const std::shared_ptr<State> state_;
};

}  // namespace pharos::smpp
