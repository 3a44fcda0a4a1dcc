// The API of the simulated GOV.UK Notify: requests to answers, and what it keeps. No sockets; time is given.
// The form is that of https://docs.notifications.service.gov.uk/rest-api.html; limits and the order of checks
// are as there and in its source (token, rate, form, daily limit).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "connectors/sandbox/notify_http.h"
#include "connectors/sandbox/notify_rules.h"

namespace pharos::sandbox {

struct NotifyApiOptions {
  // "{name}-{issuer uuid}-{secret uuid}"; this one is known to everybody.
  std::string key = "sandbox-11111111-1111-4111-8111-111111111111-22222222-2222-4222-8222-222222222222";
  double per_second = 50,
         burst = 1'001;     // the provider's bucket: 3,000 a minute, a third of it and one at once
  int64_t daily = 250'000;  // messages a UTC day
  double fault_percent = 0;
  Rules rules;
};

// Templates that hand through ((subject)) and ((body)).
inline constexpr char kNotifySmsTemplate[] = "aaaaaaaa-0000-4000-8000-000000000001";
inline constexpr char kNotifyEmailTemplate[] = "aaaaaaaa-0000-4000-8000-000000000002";
inline constexpr char kNotifyLetterTemplate[] = "aaaaaaaa-0000-4000-8000-000000000003";

struct NotifyMessage {
  std::string id, reference, channel, to, subject, text, template_id;
  int64_t created_us = 0;  // wall time
  NotifyFate fate;
  std::string StatusAt(int64_t wall_us) const;
};

struct NotifyReply {
  int status = 200;
  std::string json;
  NotifyFault fault = NotifyFault::kNone;
  // What was kept, or only said to be (smoke); for the journal.
  std::optional<NotifyMessage> message;
  std::string reason;  // of a refusal of a message: error's name
};

struct NotifyCounts {
  int64_t requests = 0, accepted = 0, refused = 0, smoke = 0, throttled = 0, over_daily = 0, bad_tokens = 0,
          asked = 0;
};

// Of one thread.
class NotifyApi {
 public:
  explicit NotifyApi(NotifyApiOptions options);

  NotifyReply Answer(const HttpRequest& request, int64_t boot_us, int64_t wall_us);
  // For a test: the next message of anybody meets this.
  void Next(NotifyFault fault) { next_faults_.push_back(fault); }
  void SetKey(std::string key) { options_.key = std::move(key); }
  void SetDaily(int64_t daily) { options_.daily = daily; }
  // Messages whose reference this is.
  int Kept(std::string_view reference) const;
  // The JSON of a delivery receipt callback.
  std::string CallbackJson(const NotifyMessage& message, int64_t wall_us) const;
  const NotifyCounts& counts() const { return counts_; }

 private:
  std::optional<NotifyReply> CheckToken(const HttpRequest& request, int64_t wall_us);
  bool TakeFromBucket(int64_t boot_us);
  NotifyReply Send(const HttpRequest& request, const std::string& channel, int64_t wall_us);
  NotifyReply Keep(NotifyMessage message, int64_t wall_us);
  NotifyReply GetOne(const std::string& id, int64_t wall_us);
  NotifyReply List(const HttpRequest& request, int64_t wall_us);
  NotifyReply Templates(const HttpRequest& request);
  NotifyFault FaultFor(const NotifyMessage& message);
  std::string NewId();

  NotifyApiOptions options_;
  NotifyCounts counts_;
  std::deque<NotifyMessage> messages_;  // oldest first
  std::unordered_map<std::string, size_t> by_id_;
  std::unordered_multimap<std::string, size_t> by_reference_;
  std::unordered_set<std::string> faulted_;
  std::deque<NotifyFault> next_faults_;
  double tokens_;
  int64_t refilled_us_ = 0, day_ = 0, today_ = 0;
  uint64_t next_id_ = 1;
};

// Checks a token as the provider does; "" = good, else the AuthError's message.
std::string WrongWithToken(std::string_view authorization, std::string_view key, int64_t wall_s);

}  // namespace pharos::sandbox
