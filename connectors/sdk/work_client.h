// The stream client that connectors share: keeps one stream to dispatch, pulls work, brings attempts to the
// connector and outcomes, receipts and people's messages back, each repeated until acknowledged. Comes back
// by itself, with the same life.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/sdk/work_book.h"
#include "services/base/clock.h"

namespace grpc {
class Channel;
}

namespace pharos::sdk {

struct WorkClientOptions {
  std::string connector;  // name in pharos.toml
  pharos::type::v1::Channel channel = pharos::type::v1::CHANNEL_SMS;
  bool sandbox = false;
  bool can_look_up = false;  // the provider can be asked about an attempt: WorkEvents.look_up is set
  std::string token;
  WorkLimits limits;
  int64_t reconnect_first_us = 100'000;
  int64_t reconnect_most_us = 2'000'000;
};

// Called from the client's reading thread; they must not wait.
struct WorkEvents {
  // Dispatch's answer to our hello, at every new stream and before any work: may real providers be used?
  std::function<void(bool live)> mode;                      // may be empty
  std::function<void(std::vector<Task>)> take;              // to hand over
  std::function<void(std::vector<uint64_t>)> acknowledged;  // receipts and inbound that dispatch keeps now
  // Dispatch would rather not see these handed over: Finish those that have not begun as REFUSED (RECALLED)
  // and let the others end as they would have. Only ids that were taken and are open. May be empty.
  std::function<void(std::vector<std::string>)> recall;
  // Ask the provider about these, and say Found. May be empty.
  std::function<void(std::vector<std::string>)> look_up;
};

// Thread-safe.
class WorkClient {
 public:
  WorkClient(std::shared_ptr<grpc::Channel> channel, WorkClientOptions options, WorkEvents events,
             base::Clock& clock = base::Clock::System());
  ~WorkClient();

  void Start();
  // May work be taken? False: no more from now on; the rest goes on.
  void SetReady(bool ready);
  // No more work is taken for good, whatever SetReady is told afterwards.
  void Drain();
  void Finish(const std::string& id, work::Outcome outcome);
  // As many at once: one lock, one wake-up.
  void FinishAll(std::vector<std::pair<std::string, work::Outcome>> outcomes);
  std::optional<uint64_t> AddReceipt(const std::string& key, work::Receipt receipt);
  std::optional<uint64_t> AddInbound(const std::string& key, work::InboundMessage message);
  // What the provider says about attempts that look_up named. Said once; dispatch asks again if it is lost.
  void Found(work::Findings findings);
  // Told to dispatch now and at every new stream. `problem` and `rate` as in LinkState.
  void SetLink(bool up, std::string detail, std::string problem = "", double rate = 0);

  // Attempts taken and not finished; outcomes that dispatch has not acknowledged.
  int open() const;
  size_t unacknowledged() const;
  const std::string& life() const;
  // Ends the stream and the threads. Idempotent.
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pharos::sdk
