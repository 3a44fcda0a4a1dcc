// What the connections of one account share: the queue of what is to be handed over, the hard stop, the
// rates, the ids of receipts, parts of people's messages, and who is to be answered. Belongs to the session's
// thread.
#pragma once

#include <deque>
#include <memory>
#include <random>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "connectors/sdk/hard_stop.h"
#include "connectors/smpp/assembly.h"
#include "connectors/smpp/rate.h"
#include "connectors/smpp/resolver.h"
#include "connectors/smpp/session_options.h"
#include "services/base/clock.h"

namespace pharos::smpp {

using Owned = std::shared_ptr<Submission>;

// One part of a submission.
struct Begun {
  Owned submission;
  size_t index = 0;
  Part& part() const { return submission->parts[index]; }
};

class Account {
 public:
  Account(SessionOptions options, std::unique_ptr<sdk::HardStop> hard_stop, SessionEvents events,
          base::Clock& clock);

  int64_t Now() const { return clock.BootMicros(); }

  // Takes a task; refuses it at once if `sending` is false or it cannot be encoded.
  void Take(sdk::Task task, bool sending);
  // What has not begun is refused as RECALLED.
  void Recall(const std::vector<std::string>& ids);
  // Nobody can send any more: what waits is refused.
  void RefuseWaiting(const char* reason);
  // Those whose use-by passed while they waited.
  void DropOverdue(int64_t now_us);
  // Puts a part back, in front of all others.
  void PutBack(const Owned& submission);
  // The first that has a part to begin, or nullptr.
  Owned Front();
  void PopFront();

  // Opens the hard stop for a part, before its use-by is looked at; and closes it.
  void Open(const Begun& begun);
  void Close(const Begun& begun);
  // If its fate is known it is told at the end of this turn: once, and once more if it was in doubt and a
  // late answer says what became of it.
  void Settle(const Owned& submission);
  void Give(std::string id, work::Outcome outcome);
  void TellOutcomes();

  // A message in parts may be whole, or has waited long enough. False: it cannot be kept now.
  bool TellParts(const std::string& group);
  void TellDueParts(int64_t now_us);

  uint32_t NextSequence() { return sequence_ = sequence_ >= kMaxSequence ? 1 : sequence_ + 1; }
  // More than `wait_us`, by up to a quarter: connectors must not come back in step.
  int64_t Jittered(int64_t wait_us);

  const SessionOptions options;
  const std::unique_ptr<sdk::HardStop> hard_stop;
  const SessionEvents events;
  base::Clock& clock;
  std::deque<Owned> waiting;
  Bucket own_rate;
  Aimd provider_rate;
  ReceiptIds receipt_ids;
  Resolver resolver;
  RouteBlame blame;
  Assembler parts;
  std::unordered_map<uint64_t, std::vector<Ticket>> unanswered;  // by our sequence
  std::optional<bool> live;
  bool stopping = false;
  bool stalled = false;  // some connection's receipts or messages cannot be kept now: nothing new begins
  bool news = true;      // something about the link has changed
  bool put_off = false;  // some receipt, because the form of its id is not known yet; said once
  int64_t throttled_us = 0;

 private:
  std::vector<Finished> outbox_;
  uint32_t sequence_ = 0;
  uint16_t reference_ = 0;
  std::mt19937 jitter_;
};

}  // namespace pharos::smpp
