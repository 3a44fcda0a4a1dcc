// Delivery receipts of the simulated GOV.UK Notify: a POST to one URL with a bearer token, answered within 5
// s, else again, five times, as the provider does (on 5xx, 429 or no answer; other refusals are final).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "connectors/sandbox/loop.h"

namespace pharos::sandbox {

struct CallbackTarget {
  std::string host, path, token;
  int port = 0;
  int64_t retry_us = 300'000'000;
};
// "http://host:port/path", host an IPv4 address or localhost. INVALID_ARGUMENT (FLAG_WRONG).
absl::StatusOr<CallbackTarget> ReadCallbackUrl(const std::string& url);

struct Callback {
  std::string json;
  int tries = 0;
  std::function<void(int)> on_sending;  // for the n-th time
  std::function<void(int)> on_accepted;
};

// Belongs to the loop's thread.
class NotifyCallbacks {
 public:
  NotifyCallbacks(Loop& loop, CallbackTarget target) : loop_(loop), target_(std::move(target)) {}
  ~NotifyCallbacks();

  // False: too many wait; it is lost, as a provider's would be after its tries.
  bool Send(Callback callback);

 private:
  using CallbackPtr = std::shared_ptr<Callback>;
  struct Line {
    std::string in, out;
    CallbackPtr callback;
    uint64_t number = 0;
  };
  void Pump();
  void Open(CallbackPtr callback);
  void OnEvent(int fd, uint32_t events);
  void OnAnswer(int fd, int status);
  void Drop(int fd);
  void Retry(CallbackPtr callback);

  Loop& loop_;
  const CallbackTarget target_;
  std::deque<CallbackPtr> waiting_;
  std::map<int, std::unique_ptr<Line>> lines_;
  size_t held_ = 0;  // waiting for their next try
  uint64_t next_number_ = 1;
};

}  // namespace pharos::sandbox
