#include "services/edge/hooks/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "pharos/customer/v1/agreement_service.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/log.h"

namespace pharos::edge::hooks {
namespace {

namespace v1 = customer::v1;

constexpr int64_t kTurnMs = 500;  // between looks at whether to stop
constexpr int64_t kAgreementMs = 5'000;

// In [0, 1).
double Chance() {
  const std::string bytes = base::RandomBytes16();
  uint32_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof number);
  return static_cast<double>(number) / 4'294'967'296.0;
}

std::string ReasonOf(const absl::Status& status) {
  const std::string reason = base::ReasonOf(status);
  return reason.empty() ? fmt::format("CODE_{}", static_cast<int>(status.code())) : reason;
}

bool IsOfNoUse(const absl::Status& status) {
  const std::string reason = base::ReasonOf(status);
  return reason == "CURSOR_TOO_OLD" || reason == "CURSOR_WRONG";
}

}  // namespace

Worker::Worker(Hook hook, std::unique_ptr<Sender> sender, const Backend& backend, std::string folder,
               base::Clock& clock, const Pace& pace)
    : hook_(std::move(hook)),
      sender_(std::move(sender)),
      backend_(backend),
      folder_(std::move(folder)),
      clock_(clock),
      pace_(pace),
      health_(hook_.name, clock) {}

Worker::~Worker() {
  Stop();
}

void Worker::Start() {
  base::MutexLock lock(mutex_);
  if (!stopped_ && !thread_.joinable()) thread_ = std::thread([this] { Run(); });
}

void Worker::Cancel() {
  sender_->Cancel();
  base::MutexLock lock(mutex_);
  stopped_ = true;
  wake_.NotifyAll();
}

void Worker::Stop() {
  Cancel();
  std::thread thread;
  {
    base::MutexLock lock(mutex_);
    thread.swap(thread_);
  }
  if (thread.joinable()) thread.join();
}

bool Worker::Stopped() {
  base::MutexLock lock(mutex_);
  return stopped_;
}

void Worker::Pause(int64_t micros) {
  const int64_t until_us = clock_.BootMicros() + micros;
  for (int64_t left_us = micros; left_us > 0 && !Stopped(); left_us = until_us - clock_.BootMicros()) {
    health_.Tick();
    base::MutexLock lock(mutex_);
    if (!stopped_) wake_.WaitForMicros(lock, std::min(left_us, kTurnMs * 1000));
  }
}

void Worker::Run() {
  base::Log(base::LogLevel::kInfo, "edge.webhook_started",
            {{"webhook", hook_.name},
             {"feed", std::string(NameOf(hook_.form.feed))},
             {"agreement", hook_.form.agreement},
             {"public_key", hook_.keys.front().PublicKey()}});
  while (!Stopped()) {
    const Next next = Follow();
    if (next == Next::kNever) break;
    if (next == Next::kReadLater) Pause(pause_us_);
  }
  while (!Stopped()) Pause(kTurnMs * 1000);
}

Worker::Next Worker::Later(std::string what, std::string reason, int status, int64_t at_least_us) {
  ++failures_;
  pause_us_ = std::max(RetryMicros(failures_, Chance(), pace_), at_least_us);
  health_.Failed({std::move(what), std::move(reason), status, failures_, pause_us_});
  return Next::kReadLater;
}

absl::Status Worker::OpenPlace() {
  if (file_ != nullptr) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(file_, PlaceFile::Open(folder_, hook_.name, hook_.form, clock_.WallMicros()));
  return absl::OkStatus();
}

// --- the feed

Worker::Next Worker::Follow() {
  if (const absl::Status opened = OpenPlace(); !opened.ok()) return Later("PLACE", ReasonOf(opened));
  heard_ = false;
  fresh_us_ = agreed_us_ = clock_.BootMicros();
  auto stream = backend_.Stream(hook_.partner, std::string(MethodOf(hook_.form.feed)),
                                RequestOf(hook_.form, file_->place().cursor), 0);
  if (!stream.ok()) return FeedEnded(stream.status());
  std::string message;
  while (!Stopped()) {
    const BackendStream::Next next = (*stream)->Read(kTurnMs, message);
    if (next == BackendStream::Next::kEnd) return FeedEnded((*stream)->status());
    if (next == BackendStream::Next::kNothingYet) {
      fresh_us_ = clock_.BootMicros();
      health_.Tick();
      continue;
    }
    heard_ = true;
    if (const Next then = Take(message); then != Next::kGoOn) return then;
  }
  return Next::kNever;
}

Worker::Next Worker::FeedEnded(const absl::Status& status) {
  if (IsOfNoUse(status) && !file_->place().cursor.empty()) {
    base::Log(base::LogLevel::kWarning, "edge.webhook_begins_anew",
              {{"webhook", hook_.name}, {"reason", ReasonOf(status)}});
    if (const absl::Status begun = file_->BeginAnew(clock_.WallMicros()); !begun.ok())
      return Later("PLACE", ReasonOf(begun));
    accepted_.clear();
    return Next::kReadAnew;
  }
  // Streams end by themselves after an hour, and with a service that restarts.
  if (heard_ && absl::IsUnavailable(status)) {
    pause_us_ = RetryMicros(1, Chance(), pace_);
    return Next::kReadLater;
  }
  return Later("FEED", ReasonOf(status));
}

absl::Status Worker::StillAgreed() {
  if (clock_.BootMicros() - agreed_us_ < kAgreedMicros) return absl::OkStatus();
  const int64_t asked_us = clock_.BootMicros();
  v1::GetAgreementRequest request;
  request.set_name(hook_.form.agreement);
  v1::Agreement agreement;
  PHAROS_RETURN_IF_ERROR(backend_.Call(hook_.partner, request, &agreement, kAgreementMs));
  if (agreement.end_time_us() != 0 || agreement.expire_time_us() <= clock_.WallMicros())
    return base::MakeError(absl::StatusCode::kFailedPrecondition, "AGREEMENT_ENDED",
                           "The agreement has ended: nothing is posted under it.");
  agreed_us_ = asked_us;
  return absl::OkStatus();
}

bool Worker::WasAccepted(const Event& event) const {
  const auto it = accepted_.find(event.subject);
  return it != accepted_.end() && it->second == event.id;
}

Worker::Next Worker::Take(const std::string& message) {
  health_.Behind();
  auto batch = ReadBatch(hook_.form, file_->place(), message, clock_.WallMicros());
  if (!batch.ok()) return Later("FEED", ReasonOf(batch.status()));
  if (file_->place().cursor.empty())
    batch->events.insert(batch->events.begin(), FeedStarted(hook_.form, file_->place(), clock_.WallMicros()));
  for (const Event& event : batch->events) {
    if (WasAccepted(event)) continue;
    if (clock_.BootMicros() - fresh_us_ > kMostHeldMicros) return Next::kReadAnew;
    if (const absl::Status agreed = StillAgreed(); !agreed.ok()) return Later("FEED", ReasonOf(agreed));
    if (const Next then = Post(event); then != Next::kGoOn) return then;
  }
  if (const Next then = MoveTo(batch->cursor); then != Next::kGoOn) return then;
  failures_ = 0;
  health_.CaughtUp();
  return Next::kGoOn;
}

// Nothing that comes later is posted before this is on disk, so that ids stay what they were.
Worker::Next Worker::MoveTo(const std::string& cursor) {
  if (cursor.empty() || cursor == file_->place().cursor) return Next::kGoOn;
  if (const absl::Status moved = file_->MoveTo(cursor); !moved.ok()) return Later("PLACE", ReasonOf(moved));
  accepted_.clear();
  return Next::kGoOn;
}

// --- the receiver

Worker::Next Worker::Post(const Event& event) {
  const Answer answer = sender_->Send(event);
  if (Stopped()) return Next::kNever;
  switch (VerdictOf(answer.status)) {
    case Verdict::kAccepted:
      accepted_[event.subject] = event.id;
      failures_ = 0;
      health_.Accepted();
      return Next::kGoOn;
    case Verdict::kGone:
      health_.Gone();
      return Next::kNever;
    case Verdict::kAgain:
      break;
  }
  return Later("RECEIVER", answer.status == 0 ? std::string(answer.problem) : "STATUS", answer.status,
               answer.retry_after_us);
}

}  // namespace pharos::edge::hooks
