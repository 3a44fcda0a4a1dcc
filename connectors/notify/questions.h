// What the provider has to be asked: whether it has messages whose hand-over is in doubt, and what became of
// those that have been silent for long. Decides what to ask next and what an answer means; no sockets, no
// clock. Of one thread.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "connectors/notify/notify_answer.h"
#include "connectors/notify/request.h"

namespace pharos::notify {

struct QuestionOptions {
  MessageKind kind = MessageKind::kSms;
  // "Not there" is final when two empty lists say so: one asked so long after we were first asked (which is
  // after the hard stop), and one asked as long again after the answer to that. The provider may take a
  // message into a queue of its own before it lists it, so one empty list proves nothing.
  int64_t lag_us = 30'000'000;
  int64_t poll_after_us = 3'600'000'000;  // a message that has been silent so long is asked about
  bool at_start = true;                   // ask once about all that the provider still lists
};

struct Question {
  enum class Kind { kReference, kPage } kind = Kind::kReference;
  std::string path;
  std::string id;  // attempt, 16 bytes (kReference)
  int64_t asked_us = 0;
};

struct Learned {
  std::vector<work::Finding> findings;
  std::vector<work::Receipt> receipts;  // say Settled() for each that was kept
};

class Questions {
 public:
  explicit Questions(QuestionOptions options);

  // Dispatch asks about these (16 bytes each), after their hard stop. Boot time.
  void LookUp(const std::vector<std::string>& ids, int64_t now_us);
  // The provider accepted this one. Wall time.
  void Sent(std::string_view id, std::string_view notify_id, int64_t wall_us);
  // Its receipt is kept.
  void Settled(std::string_view reference);

  // The next to ask now; one of each kind is out at a time, until Answered or Failed. `ask_pages` false: only
  // those in doubt.
  std::optional<Question> Next(int64_t now_us, int64_t wall_us, bool ask_pages);
  // A 200. `is_open`: this attempt is still being handed over here, so "not there" means nothing yet.
  Learned Answered(const Question& question, std::string_view body, int64_t now_us, int64_t wall_us,
                   const std::function<bool(const std::string&)>& is_open);
  // Anything else, or no answer: later again, ever more rarely, then no more (dispatch asks again).
  void Failed(const Question& question, int64_t now_us);

  size_t in_doubt() const { return look_ups_.size(); }
  size_t silent() const { return index_.size(); }

 private:
  using Name = std::array<char, 16>;
  struct NameHash {
    size_t operator()(const Name& name) const {
      size_t hash;
      std::memcpy(&hash, name.data() + 8, sizeof hash);
      return hash;
    }
  };
  struct LookedUp {
    int64_t due_us = 0,
            settle_us = 0;        // an empty list that was asked for before settle_us counts for nothing
    int failures = 0, empty = 0;  // empty lists that counted
    bool out = false;
  };
  struct Watched {
    Name id, notify_id;
    int64_t wall_us = 0;
    bool settled = false;
  };
  struct Sweep {
    std::string cursor;
    int64_t until_wall_us = 0;  // older ones are not looked at
    int pages = 0;
    bool adopt = false;  // also messages of earlier lives
  };
  std::optional<Question> NextLookUp(int64_t now_us);
  std::optional<Question> NextPage(int64_t now_us, int64_t wall_us);
  void BeginSweep(int64_t wall_us);
  void EndSweep(int64_t now_us);
  Learned ReadReference(const Question& question, std::string_view body, int64_t now_us,
                        const std::function<bool(const std::string&)>& is_open);
  Learned ReadSweep(std::string_view body, int64_t now_us);
  void Adopt(const Notification& notification);
  void Trim(int64_t wall_us);
  static Name NameOfBytes(std::string_view bytes);

  QuestionOptions options_;
  int64_t sweep_every_us_;
  std::map<std::string, LookedUp> look_ups_;
  std::deque<Watched> watched_;  // oldest first
  int64_t first_ = 0;            // number of the front
  std::unordered_map<Name, int64_t, NameHash> index_;
  std::optional<Sweep> sweep_;
  bool page_out_ = false, start_due_;
  int64_t next_sweep_us_ = 0;
};

}  // namespace pharos::notify
