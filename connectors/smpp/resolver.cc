#include "connectors/smpp/resolver.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>
#include <thread>

#include "services/base/errors.h"
#include "services/base/mutex.h"

namespace pharos::smpp {
namespace {

bool IsLoopback(const sockaddr* address) {
  if (address->sa_family == AF_INET)
    return (ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr) >> 24) == 127;
  if (address->sa_family == AF_INET6)
    return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
  return false;
}

absl::StatusOr<NetAddresses> Ask(const std::string& host, int port, int flags) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0)
    return base::MakeError(
        absl::StatusCode::kUnavailable, "UNREACHABLE",
        fmt::format("cannot resolve {}: {}; check --host and the name server", host, gai_strerror(error)));
  NetAddresses addresses;
  for (auto* a = found; a; a = a->ai_next)
    addresses.emplace_back(std::string(reinterpret_cast<char*>(a->ai_addr), a->ai_addrlen),
                           IsLoopback(a->ai_addr));
  freeaddrinfo(found);
  return addresses;
}

}  // namespace

absl::StatusOr<NetAddresses> LookUpBySystem(const std::string& host, int port) {
  return Ask(host, port, 0);
}

// Shared with the look-up under way, which may outlive the resolver.
struct Resolver::State {
  base::Mutex mutex;
  bool running ABSL_GUARDED_BY(mutex) = false;
  std::optional<absl::StatusOr<NetAddresses>> fresh ABSL_GUARDED_BY(mutex);  // not yet seen
  // The rest belongs to the asking thread.
  NetAddresses known;
  absl::Status failed;   // of the last look-up
  int64_t asked_us = 0;  // when it was over; 0 = never
};

Resolver::Resolver(std::string host, int port, LookUp look_up)
    : host_(std::move(host)),
      port_(port),
      look_up_(look_up ? std::move(look_up) : LookUp(LookUpBySystem)),
      state_(std::make_shared<State>()) {
  if (auto number = Ask(host_, port_, AI_NUMERICHOST); number.ok()) {  // asks nobody
    state_->known = *std::move(number);
    state_->asked_us = INT64_MAX;
  }
}

absl::StatusOr<NetAddresses> Resolver::Addresses(int64_t now_us) {
  State& state = *state_;
  if (state.asked_us == INT64_MAX) return state.known;
  bool begin = false;
  {
    base::MutexLock lock(state.mutex);
    if (auto fresh = std::exchange(state.fresh, std::nullopt)) {
      state.failed = fresh->status();
      if (fresh->ok()) state.known = **std::move(fresh);
      state.asked_us = now_us;
    }
    const bool old = state.asked_us == 0 || now_us - state.asked_us > kFreshUs;
    begin = old && !state.running;
    if (begin) state.running = true;
  }
  if (begin) {
    state.failed = absl::OkStatus();
    std::thread([shared = state_, look_up = look_up_, host = host_, port = port_] {
      auto found = look_up(host, port);
      base::MutexLock lock(shared->mutex);
      shared->fresh = std::move(found);
      shared->running = false;
    }).detach();
  }
  if (state.known.empty() && !state.failed.ok()) return state.failed;
  return state.known;
}

}  // namespace pharos::smpp
