// "Send it to yourself": a text with made-up values to one address, as a single message of a standing
// campaign that two people approved for it. So the gate, opt-outs, caps and sandbox hold for it as for any
// message.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "pharos/dispatch/v1/message_service.pb.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/edge/backend_client.h"
#include "services/edge/console/console.h"
#include "services/edge/console/template_pages.h"
#include "services/edge/request_rate.h"

namespace pharos::edge::console {

// Thread-safe. It calls as the principal of the settings: who works with texts does not send messages
// otherwise. What it sends carries the name of who asked, who alone is shown it.
class TryOut {
 public:
  static constexpr double kAnHour = 10;  // messages of one principal

  TryOut(TryOutSettings settings, const Backend& backend, base::Clock& clock)
      : settings_(std::move(settings)), backend_(backend), clock_(clock) {}

  bool offered() const { return !settings_.campaign.empty(); }
  bool by_sms() const { return !settings_.sms.empty(); }
  bool by_email() const { return !settings_.email.empty(); }

  // The message's name. TRY_OUT_TOO_OFTEN; else as SendMessage, and TRY_OUT_NOT_SET_UP where the campaign
  // does not run.
  absl::StatusOr<std::string> Send(std::string_view principal, type::v1::Channel channel,
                                   const std::string& address, const SampleMessage& sample,
                                   const std::string& request_id);
  // MESSAGE_NOT_FOUND if it is somebody else's.
  absl::StatusOr<dispatch::v1::Message> Get(std::string_view principal, const std::string& name) const;

 private:
  bool Admit(std::string_view principal) ABSL_LOCKS_EXCLUDED(mutex_);

  const TryOutSettings settings_;
  const Backend& backend_;
  base::Clock& clock_;
  base::Mutex mutex_;
  RequestRate rate_ ABSL_GUARDED_BY(mutex_){kAnHour / 3600, kAnHour};
};

}  // namespace pharos::edge::console
