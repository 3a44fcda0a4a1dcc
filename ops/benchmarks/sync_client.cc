#include "ops/benchmarks/sync_client.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/rpc_method.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "pharos/customer/v1/sync_service.pb.h"

namespace pharos::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Stream = grpc::ClientReaderWriter<grpc::ByteBuffer, customer::v1::SyncResponse>;

constexpr char kMethod[] = "/pharos.customer.v1.SyncService/Sync";
constexpr uint8_t kBatchField = 3 << 3 | 2;  // SyncRequest.batch
constexpr uint8_t kItemsField = 1 << 3 | 2;  // SyncBatch.items

void PutLength(std::string& to, size_t length) {
  for (; length >= 0x80; length >>= 7) to.push_back(static_cast<char>(length | 0x80));
  to.push_back(static_cast<char>(length));
}

grpc::ByteBuffer BufferOf(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

std::string RequestOf(const Feed& feed, size_t begin, size_t end) {
  std::string batch;
  for (size_t at = begin; at < end; ++at) {
    batch.push_back(static_cast<char>(kItemsField));
    PutLength(batch, feed.items[at].size());
    batch += feed.items[at];
  }
  std::string request(1, static_cast<char>(kBatchField));
  PutLength(request, batch.size());
  return request + batch;
}

double MillisSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

class Partner {
 public:
  Partner(const SyncLoad& load, const Feed& feed, double share)
      : load_(load), feed_(feed), rate_(load.rate * share) {}

  void Go() {
    grpc::ChannelArguments arguments;
    arguments.SetString("pharos.bench.feed", feed_.source);  // a connection of its own
    arguments.SetMaxReceiveMessageSize(64 << 20);
    const auto channel =
        grpc::CreateCustomChannel(load_.target, grpc::InsecureChannelCredentials(), arguments);
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + load_.token);
    const grpc::internal::RpcMethod method(kMethod, grpc::internal::RpcMethod::BIDI_STREAMING, channel);
    stream_.reset(
        grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, customer::v1::SyncResponse>::Create(
            channel.get(), method, &context));
    std::thread reader([this] { Read(); });
    Write();
    reader.join();
    const grpc::Status status = stream_->Finish();
    if (!status.ok()) result.first_error = status.error_message();
  }
  SyncResult result;

 private:
  void Write() {
    customer::v1::SyncRequest header;
    header.mutable_header()->set_source(feed_.source);
    header.mutable_header()->set_bulk(load_.bulk);
    if (!stream_->Write(BufferOf(header.SerializeAsString()))) return;
    const Clock::time_point begin = Clock::now();
    for (size_t at = 0; at < feed_.items.size();) {
      const size_t end = std::min(feed_.items.size(), at + load_.batch);
      const std::string request = RequestOf(feed_, at, end);
      Clock::time_point due = Clock::now();
      if (rate_ > 0) {
        due = begin + std::chrono::microseconds(static_cast<int64_t>(static_cast<double>(at) * 1e6 / rate_));
        std::this_thread::sleep_until(due);
      }
      if (!AwaitRoom(end - at, due)) return;
      if (!stream_->Write(BufferOf(request))) return;
      at = end;
    }
    stream_->WritesDone();
  }

  bool AwaitRoom(size_t items, Clock::time_point due) {
    std::unique_lock<std::mutex> lock(mutex_);
    room_.wait(lock, [&] { return over_ || unanswered_ + items <= load_.unanswered; });
    unanswered_ += items;
    sent_.push_back({items, due});  // when it was to be sent: waiting for room is waiting, too
    return !over_;
  }

  void Read() {
    customer::v1::SyncResponse response;
    while (stream_->Read(&response)) {
      const auto items = static_cast<size_t>(response.results_size());
      for (const auto& each : response.results()) {
        ++result.outcomes[customer::v1::SyncResult::Outcome_Name(each.outcome())];
        if (load_.keep_people)
          result.people.emplace_back(feed_.source + "/records/" + each.record_id(), each.person());
      }
      result.items += static_cast<int64_t>(items);
      std::lock_guard<std::mutex> lock(mutex_);
      unanswered_ -= items;
      for (size_t left = items; left > 0 && !sent_.empty();) {
        const size_t some = std::min(left, sent_.front().items);
        sent_.front().items -= some;
        left -= some;
        if (sent_.front().items > 0) break;
        result.latencies_ms.push_back(static_cast<float>(MillisSince(sent_.front().due)));
        sent_.pop_front();
      }
      room_.notify_all();
    }
    std::lock_guard<std::mutex> lock(mutex_);
    over_ = true;
    room_.notify_all();
  }

  struct Sent {
    size_t items;
    Clock::time_point due;
  };
  const SyncLoad& load_;
  const Feed& feed_;
  const double rate_;
  std::unique_ptr<Stream> stream_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::deque<Sent> sent_;
  size_t unanswered_ = 0;
  bool over_ = false;
};

}  // namespace

double SyncResult::Percentile(double share) const {
  if (latencies_ms.empty()) return 0;
  return latencies_ms[std::min(latencies_ms.size() - 1, static_cast<size_t>(share * latencies_ms.size()))];
}

SyncResult Run(const SyncLoad& load, const std::vector<Feed>& feeds) {
  size_t all = 0;
  for (const auto& feed : feeds) all += feed.items.size();
  std::deque<Partner> partners;
  for (const auto& feed : feeds)
    partners.emplace_back(load, feed, static_cast<double>(feed.items.size()) / static_cast<double>(all));
  const Clock::time_point begin = Clock::now();
  std::vector<std::thread> threads;
  for (auto& partner : partners) threads.emplace_back([&partner] { partner.Go(); });
  for (auto& thread : threads) thread.join();
  SyncResult sum;
  sum.seconds = MillisSince(begin) / 1e3;
  for (const auto& partner : partners) {
    sum.items += partner.result.items;
    for (const auto& [outcome, count] : partner.result.outcomes) sum.outcomes[outcome] += count;
    sum.latencies_ms.insert(sum.latencies_ms.end(), partner.result.latencies_ms.begin(),
                            partner.result.latencies_ms.end());
    sum.people.insert(sum.people.end(), partner.result.people.begin(), partner.result.people.end());
    if (sum.first_error.empty()) sum.first_error = partner.result.first_error;
  }
  std::sort(sum.latencies_ms.begin(), sum.latencies_ms.end());
  return sum;
}

}  // namespace pharos::bench
