// Asks customer whom an address reaches, for many senders of single messages at once. Thread-safe.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/customer/internal/v1/recipient_service.grpc.pb.h"
#include "services/base/mutex.h"
#include "services/rpc/peers.h"

namespace pharos::dispatch {

class RecipientClient {
 public:
  RecipientClient() = default;
  ~RecipientClient() { Stop(); }
  void Start(const rpc::Peers& peers);
  void Stop();

  struct Question {
    type::v1::Channel channel = type::v1::CHANNEL_UNSPECIFIED;
    std::string source, address;
  };
  using Answer = absl::StatusOr<customer::internal::v1::Recipient>;
  // Answers in order. Whoever waits at the same time for the same channel and source shares a call.
  // UNAVAILABLE (CUSTOMER_AWAY) after `wait_us`, when too many wait already, and until Start.
  std::vector<Answer> Resolve(std::vector<Question> questions, int64_t wait_us);

  static constexpr size_t kMostWaiting = 8'192;  // seconds of work; past it the caller may as well try again
  static constexpr size_t kMostInCall = 1'024;   // ResolveRecipientsRequest
  static constexpr int kCalls = 2;               // on their way at once: one is linked while one is read

 private:
  struct Waiting {
    Question question;
    bool done = false;
    base::CondVar woken;  // one each: who is not meant sleeps on
    Answer answer = absl::UnknownError("");
  };
  using WaitingPtr = std::shared_ptr<Waiting>;
  void Work();
  std::vector<WaitingPtr> Take();
  void Ask(const std::vector<WaitingPtr>& batch);

  std::string token_;
  std::unique_ptr<customer::internal::v1::RecipientService::Stub> stub_;
  std::vector<std::thread> threads_;

  base::Mutex mutex_;
  base::CondVar filled_;
  std::deque<WaitingPtr> waiting_ ABSL_GUARDED_BY(mutex_);
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace pharos::dispatch
