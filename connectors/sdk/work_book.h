// What a connector knows about its work, and the rules of the stream to dispatch: which pull is live, which
// attempts may be taken, what became of every id, and what must be repeated until dispatch has it durably. No
// threads, no gRPC: `now_us` is CLOCK_BOOTTIME.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "pharos/dispatch/internal/v1/work_service.pb.h"

namespace pharos::sdk {

namespace work = ::pharos::dispatch::internal::v1;

// One attempt that was taken. Times are CLOCK_BOOTTIME of this process.
struct Task {
  work::Attempt attempt;
  int64_t pull_sent_us = 0;  // when the pull that it answers was sent
  int64_t use_by_us = 0;     // a hand-over may begin only before it
  int64_t hard_stop_us = 0;  // nothing of it leaves after this
};

inline constexpr int64_t kPullEveryUs = 250'000;    // a pull that is older is replaced
inline constexpr int64_t kPullLivesUs = 1'000'000;  // a pull that is older is dead
inline constexpr int64_t kPullGatherUs = 5'000;     // a small pull waits this long for more room
inline constexpr int64_t kRepeatUs = 1'000'000;     // what is not acknowledged is said again
inline constexpr int kMaxCredit = 1024;
inline constexpr int kMaxOutcomesPerMessage = 1024;
inline constexpr int kMaxReceiptsPerMessage = 1024;
inline constexpr int kMaxInboundPerMessage = 32;

struct WorkLimits {
  int window = 64;                        // attempts taken and not yet known
  size_t unacknowledged_outcomes = 8192;  // past it nothing is pulled
  size_t receipts = 16384;                // not yet acknowledged; past it the provider is not read
  size_t inbound = 4096;                  // likewise
  size_t remembered_least = 100'000;      // ids kept at least, and …
  int64_t remembered_us = 600'000'000;    // … kept at least so long
  size_t remembered_most =
      4'000'000;  // if so many are younger than that, nothing is pulled until some are old
};

class WorkBook {
 public:
  WorkBook(std::string life, WorkLimits limits) : life_(std::move(life)), limits_(limits) {}

  // A stream begins: no pull is live, and everything unacknowledged is due at once.
  void StreamOpened();

  // The pull to send now, if one is due. The caller sends it at once: `now_us` is its send time.
  std::optional<work::Pull> NextPull(int64_t now_us);
  // May anything be taken? (The link is up, and nobody stops.)
  void SetReady(bool ready) { ready_ = ready && !draining_; }
  // Nothing is taken from now on, whatever SetReady is told.
  void Drain() { draining_ = !(ready_ = false); }

  // Those to hand over. The others are refused (an outcome is due), or dropped when they are for another
  // life.
  std::vector<Task> Take(const work::Attempts& attempts, int64_t now_us);
  // Answers become due: the known outcome again, REFUSED for what was never taken, nothing for what is still
  // open.
  void Asked(const work::Query& query, int64_t now_us);
  // Those of a recall that were taken and whose fate is open.
  std::vector<std::string> Open(const work::Recall& recall) const;
  // What became of a task. A second call for an id changes nothing, unless the first said that there was no
  // answer and this one brings the provider's own (accepted or rejected): then it is told instead.
  void Finish(const std::string& id, work::Outcome outcome, int64_t now_us);

  // Keep until acknowledged; the result is its sequence. The same key while it is kept gives the same
  // sequence: the provider repeats itself. nullopt: full, stop reading from the provider.
  std::optional<uint64_t> AddReceipt(const std::string& key, work::Receipt receipt);
  std::optional<uint64_t> AddInbound(const std::string& key, work::InboundMessage message);
  // Forgets; returns the sequences that were still kept.
  std::vector<uint64_t> Acknowledged(const work::Acknowledgement& acknowledgement);

  // Messages to send now: what is new, and what was not acknowledged for kRepeatUs. At most one of each kind
  // a call, each within its limit; call again while it gives something.
  std::vector<work::WorkRequest> Due(int64_t now_us);

  int open() const { return open_; }  // taken, not yet known
  size_t unacknowledged() const { return outcomes_.size(); }
  size_t kept_receipts() const { return receipts_.size(); }
  size_t kept_inbound() const { return inbound_.size(); }

 private:
  struct Seen {
    std::string outcome;  // serialised; empty = still open
    int64_t at_us = 0;
    bool in_doubt = false;  // the outcome is "no answer"
    // Of the stream with number `stream`: how often an outcome of it was sent and not acknowledged, and how
    // many of those were of an outcome that was replaced since: their acknowledgements say nothing of the
    // new.
    uint32_t stream = 0;
    int owed = 0, stale = 0;
  };
  void OnThisStream(Seen& seen);
  void OutcomeAcknowledged(const std::string& id);
  template <typename T>
  struct Kept {
    T message;
    std::string key;
    int64_t sent_us = 0;  // 0 = not sent on this stream
  };
  void Refuse(const std::string& id, const char* reason, int64_t now_us);
  void Doubt(const std::string& id, int64_t now_us);
  bool Takeable(const work::Attempt& attempt, bool live, int64_t now_us, Task& task);
  void Remember(const std::string& id, std::string outcome, int64_t now_us);
  void Forget(int64_t now_us);
  int Room() const;
  void DueOutcomes(int64_t now_us, std::vector<work::WorkRequest>& out);

  const std::string life_;
  const WorkLimits limits_;
  bool ready_ = false, draining_ = false;

  uint64_t pull_number_ = 0;
  int64_t pull_sent_us_ = 0;
  int pull_credit_ = 0;
  bool pull_live_ = false;  // sent, not consumed
  int64_t consumed_us_ = 0;

  int open_ = 0;
  absl::flat_hash_map<std::string, Seen> seen_;
  std::deque<std::pair<int64_t, std::string>> seen_order_;
  uint32_t stream_ = 0;
  bool forgot_ = false;  // an id that was taken: from here on "never seen" proves nothing

  absl::flat_hash_map<std::string, int64_t> outcomes_;  // id → when sent on this stream; 0 = not yet
  std::deque<std::string> outcomes_due_;
  int64_t swept_us_ = 0;

  uint64_t next_sequence_ = 1;
  std::map<uint64_t, Kept<work::Receipt>> receipts_;
  std::map<uint64_t, Kept<work::InboundMessage>> inbound_;
  absl::flat_hash_map<std::string, uint64_t> by_key_;
  std::deque<uint64_t> receipts_due_, inbound_due_;
};

}  // namespace pharos::sdk
