// Posts events to one receiver over HTTPS, one at a time, on a connection that is kept while both sides like.
// The receiver's certificate must be trusted and bear its name. Nothing is followed, and nothing that the
// receiver says goes further than its status and Retry-After. Each connection is made to an address that was
// looked at first (address_guard.h), and to no other.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/edge/hooks/event.h"
#include "services/edge/hooks/hook_settings.h"

namespace pharos::edge::hooks {

struct Answer {
  int status = 0;              // of HTTP; 0 = none came
  int64_t retry_after_us = 0;  // what the receiver asks for; 0 = nothing
  std::string_view problem;    // why none came: a word of ours, one of those below
};
inline constexpr std::string_view kNameUnknown = "NAME_UNKNOWN";  // no address
inline constexpr std::string_view kAddressRefused =
    "ADDRESS_REFUSED";  // none but those that we do not post to
inline constexpr std::string_view kUnreachable = "UNREACHABLE";
inline constexpr std::string_view kCertificateWrong = "CERTIFICATE_WRONG";
inline constexpr std::string_view kTlsFailed = "TLS_FAILED";
inline constexpr std::string_view kCutOff =
    "CUT_OFF";  // ended without an answer, or with one that is no HTTP
inline constexpr std::string_view kTimedOut = "TIMED_OUT";

struct SendLimits {
  int64_t whole_us = 20'000'000;   // one post, from the name to the answer; the specification says 15 to 30 s
  int64_t connect_us = 5'000'000;  // one address: another may be better
  int64_t idle_us = 30'000'000;    // servers give up connections about then; later ones are made anew
};

class Sender {
 public:
  // INVALID_ARGUMENT (CONFIG_WRONG): the CA file.
  static absl::StatusOr<std::unique_ptr<Sender>> Make(const Hook& hook, base::Clock& clock,
                                                      const SendLimits& limits = {});
  virtual ~Sender() = default;
  // Signed anew each time. Of one thread. Waits at most whole_us (again, where a kept connection turns out to
  // have ended), and a name server's own patience.
  virtual Answer Send(const Event& event) = 0;
  // What is under way ends, and so does everything from now on. Any thread.
  virtual void Cancel() = 0;
};

}  // namespace pharos::edge::hooks
