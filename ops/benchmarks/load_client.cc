#include "ops/benchmarks/load_client.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

namespace pharos::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kThreads = 2;  // as many as the machine has cores; callers are shared out among them
constexpr int kDeadlineS = 10;

double Since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// One caller's call in the air.
struct Caller {
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  grpc::ByteBuffer answer;
  grpc::Status status;
  Clock::time_point begin;
  size_t request_bytes = 0;
};

// Some of the callers, on one thread and one connection.
class Worker {
 public:
  Worker(const Load& load, int callers, size_t first)
      : load_(load), callers_(static_cast<size_t>(callers)), next_(first) {
    grpc::ChannelArguments arguments;
    arguments.SetInt("pharos.bench.worker", static_cast<int>(first));  // a connection of its own
    stub_ = std::make_unique<grpc::GenericStub>(
        grpc::CreateCustomChannel(load.target, grpc::InsecureChannelCredentials(), arguments));
  }

  void Go() {
    begin_ = Clock::now();
    for (Caller& caller : callers_) Send(caller);
    void* tag = nullptr;
    bool ok = false;
    size_t open = callers_.size();
    while (open > 0 && queue_.Next(&tag, &ok)) {
      auto& caller = *static_cast<Caller*>(tag);
      Take(caller);
      if (Since(begin_) < load_.warm_s + load_.seconds) {
        Send(caller);
      } else {
        --open;
      }
    }
    queue_.Shutdown();
    while (queue_.Next(&tag, &ok)) {
    }
  }

  LoadResult result;

 private:
  void Send(Caller& caller) {
    const std::string& bytes = load_.requests[next_++ % load_.requests.size()];
    grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    caller.request_bytes = bytes.size();
    caller.answer.Clear();
    caller.context = std::make_unique<grpc::ClientContext>();
    caller.context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(kDeadlineS));
    if (!load_.token.empty()) caller.context->AddMetadata("authorization", "Bearer " + load_.token);
    caller.begin = Clock::now();
    caller.reader = stub_->PrepareUnaryCall(caller.context.get(), load_.method, request, &queue_);
    caller.reader->StartCall();
    caller.reader->Finish(&caller.answer, &caller.status, &caller);
  }

  void Take(Caller& caller) {
    if (Since(begin_) < load_.warm_s) return;
    if (!caller.status.ok() && result.errors++ == 0) result.first_error = caller.status.error_message();
    ++result.calls;
    result.latencies_ms.push_back(static_cast<float>(Since(caller.begin) * 1e3));
    result.request_bytes += static_cast<double>(caller.request_bytes);
    result.response_bytes += static_cast<double>(caller.answer.Length());
  }

  const Load& load_;
  std::vector<Caller> callers_;
  size_t next_;
  std::unique_ptr<grpc::GenericStub> stub_;
  grpc::CompletionQueue queue_;
  Clock::time_point begin_;
};

void Merge(const LoadResult& part, LoadResult& all) {
  all.calls += part.calls;
  all.errors += part.errors;
  if (all.first_error.empty()) all.first_error = part.first_error;
  all.request_bytes += part.request_bytes;
  all.response_bytes += part.response_bytes;
  all.latencies_ms.insert(all.latencies_ms.end(), part.latencies_ms.begin(), part.latencies_ms.end());
}

}  // namespace

double LoadResult::Percentile(double share) const {
  if (latencies_ms.empty()) return 0;
  return latencies_ms[std::min(latencies_ms.size() - 1,
                               static_cast<size_t>(share * static_cast<double>(latencies_ms.size())))];
}

LoadResult Run(const Load& load) {
  std::vector<std::unique_ptr<Worker>> workers;
  const int each = std::max(1, load.callers / kThreads);
  for (int i = 0; i < kThreads; ++i)
    workers.push_back(
        std::make_unique<Worker>(load, each, load.requests.size() * static_cast<size_t>(i) / kThreads));
  std::vector<std::thread> threads;
  for (auto& worker : workers) threads.emplace_back([&worker] { worker->Go(); });
  for (auto& thread : threads) thread.join();
  LoadResult all;
  all.seconds = load.seconds;
  for (const auto& worker : workers) Merge(worker->result, all);
  if (all.calls > 0) {
    all.request_bytes /= static_cast<double>(all.calls);
    all.response_bytes /= static_cast<double>(all.calls);
  }
  std::sort(all.latencies_ms.begin(), all.latencies_ms.end());
  return all;
}

}  // namespace pharos::bench
