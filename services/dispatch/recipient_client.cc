#include "services/dispatch/recipient_client.h"

#include <grpcpp/grpcpp.h>

#include "services/base/clock.h"
#include "services/dispatch/errors.h"
#include "services/rpc/channel.h"

namespace pharos::dispatch {

namespace inner = customer::internal::v1;

namespace {

constexpr int64_t kTimeoutMs = 5'000;  // a batch takes milliseconds; past this customer is in trouble
constexpr int64_t kIdleMicros = 100'000;

}  // namespace

void RecipientClient::Start(const rpc::Peers& peers) {
  token_ = peers.token;
  stub_ = inner::RecipientService::NewStub(peers.customer);
  base::MutexLock lock(mutex_);
  running_ = true;
  for (int i = 0; i < kCalls; ++i) threads_.emplace_back([this] { Work(); });
}

void RecipientClient::Stop() {
  {
    base::MutexLock lock(mutex_);
    running_ = false;
    filled_.NotifyAll();
    for (const auto& one : waiting_) one->woken.NotifyOne();
  }
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

std::vector<RecipientClient::Answer> RecipientClient::Resolve(std::vector<Question> questions,
                                                              int64_t wait_us) {
  base::Clock& clock = base::Clock::System();
  const int64_t end_us = clock.BootMicros() + wait_us;
  std::vector<WaitingPtr> mine;
  for (Question& question : questions) {
    mine.push_back(std::make_shared<Waiting>());
    mine.back()->question = std::move(question);
  }
  std::vector<Answer> answers;
  base::MutexLock lock(mutex_);
  if (!running_ || waiting_.size() + mine.size() > kMostWaiting)
    return std::vector<Answer>(mine.size(), DispatchErrors::CustomerAway());
  waiting_.insert(waiting_.end(), mine.begin(), mine.end());
  filled_.NotifyOne();
  for (const WaitingPtr& one : mine) {
    while (!one->done && running_) {
      const int64_t left_us = end_us - clock.BootMicros();
      if (left_us <= 0) break;
      one->woken.WaitForMicros(lock, left_us);
    }
    answers.push_back(one->done ? one->answer : DispatchErrors::CustomerAway());
  }
  return answers;
}

void RecipientClient::Work() {
  for (;;) {
    const std::vector<WaitingPtr> batch = Take();
    if (!batch.empty()) Ask(batch);
    base::MutexLock lock(mutex_);
    if (!running_) return;
  }
}

// The first, and all others that may share its call.
std::vector<RecipientClient::WaitingPtr> RecipientClient::Take() {
  base::MutexLock lock(mutex_);
  if (waiting_.empty() && running_) filled_.WaitForMicros(lock, kIdleMicros);
  std::vector<WaitingPtr> batch;
  std::deque<WaitingPtr> others;
  for (auto& one : waiting_) {
    const bool fits = batch.empty() || (batch.size() < kMostInCall &&
                                        one->question.channel == batch.front()->question.channel &&
                                        one->question.source == batch.front()->question.source);
    if (fits) {
      batch.push_back(std::move(one));
    } else {
      others.push_back(std::move(one));
    }
  }
  waiting_ = std::move(others);
  return batch;
}

void RecipientClient::Ask(const std::vector<WaitingPtr>& batch) {
  inner::ResolveRecipientsRequest request;
  request.set_channel(batch.front()->question.channel);
  request.set_source(batch.front()->question.source);
  for (const auto& one : batch) request.add_addresses(one->question.address);
  grpc::ClientContext context;
  rpc::Prepare(context, {.token = token_, .timeout_ms = kTimeoutMs});
  inner::ResolveRecipientsResponse response;
  absl::Status status = rpc::FromGrpc(stub_->ResolveRecipients(&context, request, &response));
  if (status.ok() && response.recipients_size() != static_cast<int>(batch.size()))
    status = DispatchErrors::CustomerAway();
  base::MutexLock lock(mutex_);
  for (size_t i = 0; i < batch.size(); ++i) {
    batch[i]->done = true;
    if (status.ok()) {
      batch[i]->answer = response.recipients(static_cast<int>(i));
    } else {
      batch[i]->answer = status;
    }
    batch[i]->woken.NotifyOne();
  }
}

}  // namespace pharos::dispatch
