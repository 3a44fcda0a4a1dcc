// Intents, their queue and their tally on disk, always changed together. Rows that were used lately stay in
// memory, so that a message is read from disk once in its life. Used by the loop's thread only.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "pharos/record/v1/dispatch.pb.h"
#include "pharos/type/v1/event.pb.h"
#include "services/dispatch/intent.h"
#include "services/dispatch/turn_loop.h"
#include "storage/envelope.h"

namespace pharos::dispatch {

// Reads a record; an absent one is nullopt; a store that cannot be read fails the turn.
template <typename Row>
std::optional<Row> LoadRow(Turn& turn, const std::string& key) {
  Row row;
  auto found = storage::GetRecord(turn.tx, key, row);
  if (!found.ok()) turn.Fail(found.status());
  if (!found.ok() || !*found) return std::nullopt;
  return row;
}

class IntentStore {
 public:
  // The row, to be changed in place and then saved by Move, Reroute or Save; lives until the turn ends.
  // nullptr: there is none.
  record::v1::IntentRow* Load(Turn& turn, const record::v1::IntentKey& key);
  // A new intent, PENDING, in the queue from `row.due_time_us` on.
  void Enter(Turn& turn, record::v1::IntentRow& row);
  // Moves to where `to` ends (EndOf) and saves. Into PENDING: due again at `row.due_time_us`.
  void Move(Turn& turn, record::v1::IntentRow& row, State to, std::string_view reason);
  // PENDING on another channel, due at once.
  void Reroute(Turn& turn, record::v1::IntentRow& row, const internal::v1::PlannedAlternative& next,
               std::string_view reason);
  // PENDING still, but not before `due_us`; no event of it, as nothing has happened.
  void PutOff(Turn& turn, record::v1::IntentRow& row, int64_t due_us);
  // Saves a row whose state did not change.
  void Save(Turn& turn, const record::v1::IntentRow& row);

  // What a person did about the message of this intent ("REPLIED", "OPTED_OUT", "COMPLAINED", "FOLLOWED" with
  // the link's number): told to whoever follows the feed, and no change of state.
  void NoteResponse(Turn& turn, const record::v1::IntentKey& key, std::string_view kind,
                    type::v1::Channel channel, int link = 0);

  record::v1::TallyRow& Tally(Turn& turn, const std::string& campaign);
  // Writes the rows and the tallies that changed, and to the change log what changed them; last act of a
  // turn.
  void Flush(Turn& turn);

  // Called after every change of state.
  using Moved = std::function<void(Turn&, const record::v1::IntentRow&, State from, State to)>;
  void OnMove(Moved moved) { moved_ = std::move(moved); }

  // Rows in memory; some 1 KiB each.
  static constexpr size_t kMostKept = 65'536;

 private:
  struct Kept {
    record::v1::IntentRow row;
    bool dirty = false;
    bool used = false;  // since the last look for rows to let go
  };
  // A campaign that this turn touched.
  struct Touched {
    record::v1::TallyRow before;
    type::v1::EventBatch batch;
  };
  void Note(const record::v1::IntentRow& row);
  void Log(Turn& turn, const std::string& campaign, Touched& touched);
  void LetGo();

  absl::flat_hash_map<std::string, std::unique_ptr<Kept>> kept_;  // by key on disk
  std::deque<std::string> order_;                                 // in which they are looked at to be let go
  std::vector<std::pair<std::string, Kept*>> dirty_;
  Moved moved_;
  std::unordered_map<std::string, record::v1::TallyRow> tallies_;
  std::map<std::string, Touched> touched_;
};

}  // namespace pharos::dispatch
