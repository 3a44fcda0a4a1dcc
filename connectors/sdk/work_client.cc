#include "connectors/sdk/work_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
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
  bool dirty ABSL_GUARDED_BY(mutex) = false;  // something to send besides pulls
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

// Everything that is due, pull last: its send time must not be older than the write itself, so it is made by
// the caller.
std::vector<work::WorkRequest> WorkClient::Impl::NextMessages() {
  base::MutexLock lock(mutex);
  if (stream_open && !dirty && !stopping) wake.WaitForMicros(lock, kWriterTickUs);
  std::vector<work::WorkRequest> messages;
  if (!stream_open) return messages;
  if (link_due) {
    link_due = false;
    *messages.emplace_back().mutable_link() = link;
  }
  auto due = book.Due(clock.BootMicros());
  dirty = !due.empty();  // there may be more
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
  {
    base::MutexLock lock(mutex);
    int64_t now = clock.BootMicros();
    if (response.has_attempts()) tasks = book.Take(response.attempts(), now);
    if (response.has_query()) book.Asked(response.query(), now);
    if (response.has_acknowledgement()) acknowledged = book.Acknowledged(response.acknowledgement());
    if (!response.has_acknowledgement()) dirty = true;
    wake.NotifyAll();
  }
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
  impl_->wake.NotifyAll();
}

void WorkClient::Finish(const std::string& id, work::Outcome outcome) {
  base::MutexLock lock(impl_->mutex);
  impl_->book.Finish(id, std::move(outcome), impl_->clock.BootMicros());
  impl_->dirty = true;
  impl_->wake.NotifyAll();
}

std::optional<uint64_t> WorkClient::AddReceipt(const std::string& key, work::Receipt receipt) {
  base::MutexLock lock(impl_->mutex);
  impl_->dirty = true;
  impl_->wake.NotifyAll();
  return impl_->book.AddReceipt(key, std::move(receipt));
}

std::optional<uint64_t> WorkClient::AddInbound(const std::string& key, work::InboundMessage message) {
  base::MutexLock lock(impl_->mutex);
  impl_->dirty = true;
  impl_->wake.NotifyAll();
  return impl_->book.AddInbound(key, std::move(message));
}

void WorkClient::SetLink(bool up, std::string detail) {
  base::MutexLock lock(impl_->mutex);
  impl_->link.set_up(up);
  impl_->link.set_detail(std::move(detail));
  impl_->link_due = true;
  impl_->dirty = true;
  impl_->wake.NotifyAll();
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
