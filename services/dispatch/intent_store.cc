#include "services/dispatch/intent_store.h"

#include <google/protobuf/util/message_differencer.h>

#include "pharos/record/v1/change.pb.h"
#include "services/dispatch/feed_service.h"
#include "services/dispatch/tables.h"
#include "services/dispatch/tally_change.h"

namespace pharos::dispatch {

record::v1::IntentRow* IntentStore::Load(Turn& turn, const record::v1::IntentKey& key) {
  std::string name = IntentKeyOf(key);
  if (const auto at = kept_.find(name); at != kept_.end()) {
    at->second->used = true;
    return &at->second->row;
  }
  auto row = LoadRow<record::v1::IntentRow>(turn, name);
  if (!row) return nullptr;
  auto kept = std::make_unique<Kept>();
  kept->row = *std::move(row);
  record::v1::IntentRow* loaded = &kept->row;
  order_.push_back(name);
  kept_.emplace(std::move(name), std::move(kept));
  return loaded;
}

void IntentStore::Enter(Turn& turn, record::v1::IntentRow& row) {
  dispatch::Enter(row, Tally(turn, row.key().campaign()), turn.now_us);
  turn.tx.Put(TurnKeyOf(row), "");
  Save(turn, row);
}

void IntentStore::Move(Turn& turn, record::v1::IntentRow& row, State to, std::string_view reason) {
  const State from = StateOf(row);
  to = EndOf(row, to);
  if (from == State::kPending) turn.tx.Delete(TurnKeyOf(row));
  dispatch::Move(row, Tally(turn, row.key().campaign()), to, reason, turn.now_us);
  if (to == State::kPending) {
    row.set_due_time_us(std::max(row.due_time_us(), turn.now_us));
    turn.tx.Put(TurnKeyOf(row), "");
  }
  Note(row);
  Save(turn, row);
  if (moved_) moved_(turn, row, from, to);
}

void IntentStore::Reroute(Turn& turn, record::v1::IntentRow& row,
                          const internal::v1::PlannedAlternative& next, std::string_view reason) {
  const State from = StateOf(row);
  if (from == State::kPending) turn.tx.Delete(TurnKeyOf(row));  // by the channel that it leaves
  dispatch::Move(row, Tally(turn, row.key().campaign()), State::kPending, reason, turn.now_us);
  row.set_channel(next.channel());
  row.set_endpoint(next.endpoint());
  row.clear_parts();
  row.clear_expected_parts();
  row.clear_attempt();
  row.clear_attempts();
  row.clear_connector();
  row.set_due_time_us(turn.now_us);
  row.clear_only_connector();
  row.clear_mail_site();
  turn.tx.Put(TurnKeyOf(row), "");
  Note(row);
  Save(turn, row);
  if (moved_) moved_(turn, row, from, State::kPending);
}

void IntentStore::PutOff(Turn& turn, record::v1::IntentRow& row, int64_t due_us) {
  turn.tx.Delete(TurnKeyOf(row));
  row.set_due_time_us(due_us);
  turn.tx.Put(TurnKeyOf(row), "");
  Save(turn, row);
}

// A row that is kept is written once, at the end of the turn, however often it was changed.
void IntentStore::Save(Turn& turn, const record::v1::IntentRow& row) {
  std::string name = IntentKeyOf(row.key());
  const auto at = kept_.find(name);
  if (at == kept_.end()) return storage::PutRecord(turn.tx, name, row);
  Kept& kept = *at->second;
  if (&kept.row != &row) kept.row = row;
  if (!std::exchange(kept.dirty, true)) dirty_.emplace_back(std::move(name), &kept);
}

record::v1::TallyRow& IntentStore::Tally(Turn& turn, const std::string& campaign) {
  auto [at, fresh] = tallies_.try_emplace(campaign);
  if (fresh) {
    if (auto row = LoadRow<record::v1::TallyRow>(turn, TallyKey(campaign))) at->second = *row;
  }
  if (!touched_.contains(campaign)) touched_[campaign].before = at->second;
  return at->second;
}

void IntentStore::Note(const record::v1::IntentRow& row) {
  auto* event = touched_[row.key().campaign()].batch.add_events();
  event->set_step(row.key().step());
  event->set_person(row.key().person());
  event->set_state(row.state());
  event->set_reason(row.reason());
  event->set_channel(row.channel());
  event->set_attempt(row.attempt());
}

void IntentStore::NoteResponse(Turn& turn, const record::v1::IntentKey& key, std::string_view kind,
                               type::v1::Channel channel, int link) {
  Tally(turn, key.campaign());
  auto* response = touched_[key.campaign()].batch.add_responses();
  response->set_step(key.step());
  response->set_person(key.person());
  response->set_kind(std::string(kind));
  response->set_channel(channel);
  response->set_link(link);
}

void IntentStore::Flush(Turn& turn) {
  for (auto& [name, kept] : dirty_) {
    storage::PutRecord(turn.tx, name, kept->row);
    kept->dirty = false;
  }
  dirty_.clear();
  LetGo();
  for (auto& [campaign, touched] : touched_) Log(turn, campaign, touched);
  touched_.clear();
}

// The oldest first, but for those used since they were last looked at.
void IntentStore::LetGo() {
  while (kept_.size() > kMostKept) {
    std::string name = std::move(order_.front());
    order_.pop_front();
    const auto at = kept_.find(name);
    if (std::exchange(at->second->used, false)) {
      order_.push_back(std::move(name));
    } else {
      kept_.erase(at);
    }
  }
}

void IntentStore::Log(Turn& turn, const std::string& campaign, Touched& touched) {
  const record::v1::TallyRow& after = tallies_[campaign];
  type::v1::TallyChange change = Difference(touched.before, after);
  const bool same = google::protobuf::util::MessageDifferencer::Equals(change, type::v1::TallyChange());
  if (same && touched.batch.events().empty() && touched.batch.responses().empty()) return;
  if (!same) storage::PutRecord(turn.tx, TallyKey(campaign), after);
  touched.batch.set_time_us(turn.now_us);
  touched.batch.set_campaign(campaign);
  *touched.batch.mutable_changes() = std::move(change);
  record::v1::ChangeEntry entry;
  entry.set_resource(campaign);
  entry.set_kind(kIntentsChanged);
  entry.set_principal("principals/pharosd");
  entry.set_rpc("internal:desk");
  entry.set_time_us(turn.now_us);
  entry.set_facts(touched.batch.SerializeAsString());
  turn.tx.AppendChange(entry.SerializeAsString());
}

}  // namespace pharos::dispatch
