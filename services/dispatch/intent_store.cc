#include "services/dispatch/intent_store.h"

#include "services/dispatch/tables.h"

namespace pharos::dispatch {

std::string IntentStore::IntentKeyOf(const record::v1::IntentKey& key) {
  return dispatch::IntentKeyOf(key);
}

void IntentStore::Enter(Turn& turn, record::v1::IntentRow& row) {
  dispatch::Enter(row, Tally(turn, row.key().campaign()), turn.now_us);
  turn.tx.Put(QueueKeyOf(row), "");
  Save(turn, row);
}

void IntentStore::Move(Turn& turn, record::v1::IntentRow& row, State to, std::string_view reason) {
  if (StateOf(row) == State::kPending) turn.tx.Delete(QueueKeyOf(row));
  dispatch::Move(row, Tally(turn, row.key().campaign()), to, reason, turn.now_us);
  if (to == State::kPending) {
    row.set_due_time_us(std::max(row.due_time_us(), turn.now_us));
    turn.tx.Put(QueueKeyOf(row), "");
  }
  Save(turn, row);
}

void IntentStore::Save(Turn& turn, const record::v1::IntentRow& row) {
  storage::PutRecord(turn.tx, IntentKeyOf(row.key()), row);
}

record::v1::TallyRow& IntentStore::Tally(Turn& turn, const std::string& campaign) {
  changed_.insert(campaign);
  auto [at, fresh] = tallies_.try_emplace(campaign);
  if (fresh) {
    if (auto row = LoadRow<record::v1::TallyRow>(turn, TallyKey(campaign))) at->second = *row;
  }
  return at->second;
}

void IntentStore::Flush(Turn& turn) {
  for (const auto& campaign : changed_) storage::PutRecord(turn.tx, TallyKey(campaign), tallies_[campaign]);
  changed_.clear();
}

}  // namespace pharos::dispatch
