#include "connectors/sdk/work_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <deque>
#include <thread>

#include "pharos/dispatch/internal/v1/work_service.grpc.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/log.h"
#include "services/base/mutex.h"
#include "services/rpc/channel.h"

namespace pharos::sdk {
namespace {

using WorkStream = grpc::ClientReaderWriter<work::WorkRequest, work::WorkResponse>;
constexpr int64_t kWriterTickUs = 5'000;  // how late a pull or a repeat may be
constexpr int64_t kGatherUs = 1'500;      // outcomes and receipts wait so long for company …
constexpr int kGatherMost = 256;          // … unless so many are there
constexpr size_t kMostFindings = 64;      // messages

}  // namespace

struct WorkClient::Impl {
  Impl(std::shared_ptr<grpc::Channel> channel, WorkClientOptions options, WorkEvents events,
       base::Clock& clock)
      : options(std::move(options)),
        events(std::move(events)),
        clock(clock),
        life(base::RandomBytes16()),
        stub(work::WorkService::NewStub(channel)),
        book(life, this->options.limits) {}

  void Run();
  void RunStream();
  void WriteLoop(WorkStream& stream);
  void Receive(const work::WorkResponse& response);
  std::vector<work::WorkRequest> NextMessages();
  bool Wait(int64_t micros);
  void Said(bool urgent) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void AwaitSomething(base::MutexLock& lock) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  const WorkClientOptions options;
  const WorkEvents events;
  base::Clock& clock;
  const std::string life;
  const std::unique_ptr<work::WorkService::Stub> stub;
  std::thread reader;

  base::Mutex mutex;
  base::CondVar wake;
  WorkBook book ABSL_GUARDED_BY(mutex);
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  bool stream_open ABSL_GUARDED_BY(mutex) = false;
  int said ABSL_GUARDED_BY(mutex) = 0;         // things to send besides pulls, about
  int64_t said_us ABSL_GUARDED_BY(mutex) = 0;  // when the first of them was said
  bool urgent ABSL_GUARDED_BY(mutex) = false;  // one of them must not wait
  std::deque<work::Findings> findings ABSL_GUARDED_BY(mutex);
  bool welcomed ABSL_GUARDED_BY(mutex) = false;
  bool link_due ABSL_GUARDED_BY(mutex) = false;
  work::LinkState link ABSL_GUARDED_BY(mutex);
  grpc::ClientContext* context ABSL_GUARDED_BY(mutex) = nullptr;
};

// False once the client stops.
bool WorkClient::Impl::Wait(int64_t micros) {
  int64_t until = clock.BootMicros() + micros;
  base::MutexLock lock(mutex);
  while (!stopping) {
    int64_t left = until - clock.BootMicros();
    if (left <= 0) return true;
    wake.WaitForMicros(lock, left);
  }
  return false;
}

void WorkClient::Impl::Run() {
  int64_t backoff = options.reconnect_first_us;
  do {
    int64_t begun = clock.BootMicros();
    RunStream();
    bool lasted = clock.BootMicros() - begun > 2 * options.reconnect_most_us;
    backoff = lasted ? options.reconnect_first_us : std::min(options.reconnect_most_us, backoff * 2);
    {
      base::MutexLock lock(mutex);
      if (welcomed) backoff = options.reconnect_first_us;
      welcomed = false;
    }
  } while (Wait(backoff));
}

void WorkClient::Impl::RunStream() {
  grpc::ClientContext stream_context;
  rpc::CallOptions call;
  call.token = options.token;
  rpc::Prepare(stream_context, call);
  stream_context.set_deadline(
      std::chrono::system_clock::time_point::max());  // it lasts as long as both sides live
  {
    base::MutexLock lock(mutex);
    if (stopping) return;
    context = &stream_context;
  }
  auto stream = stub->Work(&stream_context);
  work::WorkRequest hello;
  hello.mutable_hello()->set_connector(options.connector);
  hello.mutable_hello()->set_life(life);
  hello.mutable_hello()->set_channel(options.channel);
  hello.mutable_hello()->set_window(options.limits.window);
  hello.mutable_hello()->set_sandbox(options.sandbox);
  hello.mutable_hello()->set_can_look_up(options.can_look_up);
  work::WorkResponse response;
  const bool answered = stream->Write(hello) && stream->Read(&response);  // if not, Finish says why
  if (answered && response.has_welcome()) {
    {
      base::MutexLock lock(mutex);
      book.StreamOpened();
      stream_open = true;
      welcomed = true;
      link_due = true;
    }
    if (events.mode) events.mode(response.welcome().live());
    std::thread writer([&] { WriteLoop(*stream); });
    // A second Welcome says that the first no longer holds: the deployment went live or back to trial. Come
    // back anew.
    while (stream->Read(&response) && !response.has_welcome()) Receive(response);
    {
      base::MutexLock lock(mutex);
      stream_open = false;
      wake.NotifyAll();
    }
    stream_context.TryCancel();  // a write that waits for the other side's window ends
    writer.join();
  } else if (answered) {
    stream_context.TryCancel();
  }
  grpc::Status status = stream->Finish();
  base::MutexLock lock(mutex);
  context = nullptr;
  if (!stopping)
    base::Log(base::LogLevel::kWarning, "work_stream_ended",
              {{"code", int64_t{status.error_code()}},
               {"reason", base::ReasonOf(rpc::FromGrpc(status))},
               {"message", status.error_message()}});
}

// Wakes the writer when a message is worth writing: at once for what people say, else in company.
void WorkClient::Impl::Said(bool at_once) {
  if (said++ == 0) said_us = clock.BootMicros();
  const bool first = said == 1, full = said == kGatherMost;
  if (at_once) urgent = true;
  if (first || full || at_once) wake.NotifyAll();
}

// Until there is enough to send, or a pull may be due.
void WorkClient::Impl::AwaitSomething(base::MutexLock& lock) {
  const int64_t until = clock.BootMicros() + kWriterTickUs;
  while (stream_open && !stopping && !urgent && said < kGatherMost) {
    const int64_t now = clock.BootMicros();
    const int64_t end = said > 0 ? std::min(until, said_us + kGatherUs) : until;
    if (now >= end) return;
    wake.WaitForMicros(lock, end - now);
  }
}

// Everything that is due, pull last: its send time must not be older than the write itself, so it is made by
// the caller.
std::vector<work::WorkRequest> WorkClient::Impl::NextMessages() {
  base::MutexLock lock(mutex);
  AwaitSomething(lock);
  std::vector<work::WorkRequest> messages;
  if (!stream_open) return messages;
  if (link_due) {
    link_due = false;
    *messages.emplace_back().mutable_link() = link;
  }
  for (auto& found : std::exchange(findings, {}))
    *messages.emplace_back().mutable_findings() = std::move(found);
  auto due = book.Due(clock.BootMicros());
  said = 0;
  urgent = !due.empty();  // there may be more
  for (auto& message : due) messages.push_back(std::move(message));
  return messages;
}

void WorkClient::Impl::WriteLoop(WorkStream& stream) {
  for (;;) {
    for (const auto& message : NextMessages())
      if (!stream.Write(message)) return;
    work::WorkRequest pull;
    {
      base::MutexLock lock(mutex);
      if (!stream_open) return;
      auto next = book.NextPull(clock.BootMicros());
      if (!next) continue;
      *pull.mutable_pull() = *next;
    }
    if (!stream.Write(pull)) return;
  }
}

void WorkClient::Impl::Receive(const work::WorkResponse& response) {
  std::vector<Task> tasks;
  std::vector<uint64_t> acknowledged;
  std::vector<std::string> recalled;
  {
    base::MutexLock lock(mutex);
    int64_t now = clock.BootMicros();
    if (response.has_attempts()) tasks = book.Take(response.attempts(), now);
    if (response.has_query()) book.Asked(response.query(), now);
    if (response.has_acknowledgement()) acknowledged = book.Acknowledged(response.acknowledgement());
    if (response.has_recall()) recalled = book.Open(response.recall());
    if (!response.has_acknowledgement()) Said(true);
  }
  if (!recalled.empty() && events.recall) events.recall(std::move(recalled));
  if (response.has_look_up() && events.look_up)
    events.look_up({response.look_up().ids().begin(), response.look_up().ids().end()});
  if (!tasks.empty()) events.take(std::move(tasks));
  if (!acknowledged.empty()) events.acknowledged(std::move(acknowledged));
}

WorkClient::WorkClient(std::shared_ptr<grpc::Channel> channel, WorkClientOptions options, WorkEvents events,
                       base::Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(channel), std::move(options), std::move(events), clock)) {}

WorkClient::~WorkClient() {
  Stop();
}

void WorkClient::Start() {
  impl_->reader = std::thread([this] { impl_->Run(); });
}

void WorkClient::SetReady(bool ready) {
  base::MutexLock lock(impl_->mutex);
  impl_->book.SetReady(ready);
  impl_->Said(true);
}

void WorkClient::Drain() {
  base::MutexLock lock(impl_->mutex);
  impl_->book.Drain();
  impl_->Said(true);
}

void WorkClient::Finish(const std::string& id, work::Outcome outcome) {
  base::MutexLock lock(impl_->mutex);
  impl_->book.Finish(id, std::move(outcome), impl_->clock.BootMicros());
  impl_->Said(false);
}

void WorkClient::FinishAll(std::vector<std::pair<std::string, work::Outcome>> outcomes) {
  base::MutexLock lock(impl_->mutex);
  const int64_t now = impl_->clock.BootMicros();
  for (auto& [id, outcome] : outcomes) {
    impl_->book.Finish(id, std::move(outcome), now);
    impl_->Said(false);
  }
}

void WorkClient::Found(work::Findings findings) {
  base::MutexLock lock(impl_->mutex);
  if (impl_->findings.size() >= kMostFindings) return;  // dispatch asks again
  impl_->findings.push_back(std::move(findings));
  impl_->Said(true);
}

std::optional<uint64_t> WorkClient::AddReceipt(const std::string& key, work::Receipt receipt) {
  base::MutexLock lock(impl_->mutex);
  impl_->Said(false);
  return impl_->book.AddReceipt(key, std::move(receipt));
}

std::optional<uint64_t> WorkClient::AddInbound(const std::string& key, work::InboundMessage message) {
  base::MutexLock lock(impl_->mutex);
  impl_->Said(true);
  return impl_->book.AddInbound(key, std::move(message));
}

void WorkClient::SetLink(bool up, std::string detail, std::string problem, double rate) {
  base::MutexLock lock(impl_->mutex);
  impl_->link.set_up(up);
  impl_->link.set_detail(std::move(detail));
  impl_->link.set_problem(std::move(problem));
  impl_->link.set_rate(rate);
  impl_->link_due = true;
  impl_->Said(true);
}

int WorkClient::open() const {
  base::MutexLock lock(impl_->mutex);
  return impl_->book.open();
}

size_t WorkClient::unacknowledged() const {
  base::MutexLock lock(impl_->mutex);
  return impl_->book.unacknowledged();
}

const std::string& WorkClient::life() const {
  return impl_->life;
}

void WorkClient::Stop() {
  {
    base::MutexLock lock(impl_->mutex);
    impl_->stopping = true;
    if (impl_->context) impl_->context->TryCancel();
    impl_->wake.NotifyAll();
  }
  if (impl_->reader.joinable()) impl_->reader.join();
}

}  // namespace pharos::sdk
