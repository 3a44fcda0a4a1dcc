// Intents, their queue and their tally on disk, always changed together. Used by the loop's thread only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>

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
  std::optional<record::v1::IntentRow> Load(Turn& turn, const record::v1::IntentKey& key) const {
    return LoadRow<record::v1::IntentRow>(turn, IntentKeyOf(key));
  }
  // A new intent, PENDING, in the queue from `row.due_time_us` on.
  void Enter(Turn& turn, record::v1::IntentRow& row);
  // Moves and saves. Into PENDING: due again at `row.due_time_us`.
  void Move(Turn& turn, record::v1::IntentRow& row, State to, std::string_view reason);
  // PENDING on another channel, due at once.
  void Reroute(Turn& turn, record::v1::IntentRow& row, const internal::v1::PlannedAlternative& next,
               std::string_view reason);
  // Saves a row whose state did not change.
  void Save(Turn& turn, const record::v1::IntentRow& row);

  record::v1::TallyRow& Tally(Turn& turn, const std::string& campaign);
  // Writes the tallies that changed, and to the change log what changed them; last act of a turn.
  void Flush(Turn& turn);

 private:
  // A campaign that this turn touched.
  struct Touched {
    record::v1::TallyRow before;
    type::v1::EventBatch batch;
  };
  static std::string IntentKeyOf(const record::v1::IntentKey& key);
  void Note(const record::v1::IntentRow& row);
  void Log(Turn& turn, const std::string& campaign, Touched& touched);

  std::unordered_map<std::string, record::v1::TallyRow> tallies_;
  std::map<std::string, Touched> touched_;
};

}  // namespace pharos::dispatch
