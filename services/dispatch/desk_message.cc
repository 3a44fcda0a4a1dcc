// Single messages: accepted as intents of a STANDING campaign, and removed some days after their end.
#include <algorithm>

#include "services/base/errors.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/errors.h"
#include "services/dispatch/message.h"
#include "services/dispatch/message_vault.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

constexpr int64_t kDayMicros = int64_t{86'400} * 1'000'000;
constexpr int64_t kSweepMicros = 10'000'000;       // how late a message may be removed
constexpr size_t kSweepBatch = 500;                // looked at in one turn
constexpr int64_t kContentMicros = 200'000;        // a message whose key is being fetched looks again
constexpr int64_t kOpenMicros = kDayMicros;        // likewise a message that is still to come
constexpr int64_t kKeyAgeMicros = 2 * kDayMicros;  // a younger key may yet seal a message

// Since when nothing of it has happened; nullopt: it has not ended.
std::optional<int64_t> EndOf(const record::v1::IntentRow& intent) {
  const State state = StateOf(intent);
  if (state == State::kPending || state == State::kInFlight || intent.events_size() == 0) return std::nullopt;
  return intent.events(intent.events_size() - 1).time_us();
}

}  // namespace

absl::Status Desk::AcceptMessage(Turn& turn, NewMessage& message) {
  PHAROS_ASSIGN_OR_RETURN(message.repeated, message.first->Recall(turn.tx, message.remembered));
  if (message.repeated) return absl::OkStatus();
  record::v1::IntentRow& intent = message.intent;
  const std::string& campaign = intent.key().campaign();
  const Step* step = StepOf(turn, intent.key());
  if (step == nullptr || step->manifest.kind() != type::v1::STANDING)
    return DispatchErrors::CampaignNotStanding(campaign);
  if (SteeringOf(turn, campaign) == internal::v1::HALT) return DispatchErrors::CampaignHalted(campaign);
  if (Expired(*step, turn.now_us)) return DispatchErrors::CampaignExpired(campaign);
  intent.set_lane(LaneOf(step->manifest.purpose_class()));
  intent.set_due_time_us(std::max(turn.now_us, step->manifest.not_before_us()));
  intents_.Enter(turn, intent);
  ready_.Noted(intent);
  record::v1::TallyRow& tally = intents_.Tally(turn, campaign);
  tally.set_declared(tally.declared() + 1);
  SaveNewMessage(turn, message);
  message.first->Remember(turn.tx, message.remembered);
  turn.tx.AppendChange(message.change);
  return absl::OkStatus();
}

void Desk::SaveNewMessage(Turn& turn, const NewMessage& message) {
  const record::v1::MessageRow& row = message.row;
  const std::string complement = Complement(message.id);
  storage::PutRecord(turn.tx, MessageKey(message.id), row);
  turn.tx.Put(MessageOrderKey(row.key().campaign(), complement), "");
  if (!row.reference().empty()) turn.tx.Put(MessageReferenceKey(row.reference(), complement), "");
  turn.tx.Put(MessageDueKey(turn.now_us + settings_.message_days * kDayMicros, message.id), "");
  CountUnderKey(turn, message.key_id, +1);
  NoteMessageSender(turn, row.key().campaign(), row.principal());
}

void Desk::CountUnderKey(Turn& turn, uint64_t key, int64_t more) {
  if (key == 0) return;
  auto [at, fresh] = message_keys_.try_emplace(key);
  if (fresh) at->second.set_create_time_us(turn.now_us);
  at->second.set_messages(at->second.messages() + more);
  message_keys_changed_.insert(key);
}

// The content is at hand. If not: it is fetched, and the message waits; or it has failed, as nobody can read
// it any more.
bool Desk::HasContent(Turn& turn, record::v1::IntentRow& intent) {
  const std::string id = MessageIdOfStep(intent.key().step());
  if (vault_ == nullptr || vault_->Find(id) != nullptr) return vault_ != nullptr;
  const auto row = LoadRow<record::v1::MessageRow>(turn, MessageKey(id));
  if (!row || vault_->IsGone(id)) {
    Fail(turn, intent, "CONTENT_GONE");
    return false;
  }
  vault_->Fetch(id, row->content());
  intents_.PutOff(turn, intent, turn.now_us + kContentMicros);
  return false;
}

std::map<std::string, std::string> Desk::ContentOf(const record::v1::IntentKey& key) const {
  const auto content = vault_ == nullptr ? nullptr : vault_->Find(MessageIdOfStep(key.step()));
  if (content == nullptr) return {};
  return {content->personalisation().begin(), content->personalisation().end()};
}

// Removes messages that have been kept long enough, and then the keys that nothing is sealed under any more.
void Desk::SweepMessages(Turn& turn) {
  const int64_t boot = clock_.BootMicros();
  if (boot - messages_swept_at_us_ < kSweepMicros) return;
  const storage::KeyRange due{storage::KeyWriter(kMessageDue).str(), MessageDueKey(turn.now_us, "")};
  std::vector<std::pair<std::string, std::string>> found;  // its key in the table, its id
  const absl::Status scanned = store_.Read()->Scan(due, [&](std::string_view key, std::string_view) {
    storage::KeyReader reader(key);
    reader.U64();
    found.emplace_back(key, reader.Raw(kMessageIdBytes));
    return found.size() < kSweepBatch;
  });
  if (!scanned.ok()) return turn.Fail(scanned);
  if (found.size() < kSweepBatch) messages_swept_at_us_ = boot;
  for (const auto& [key, id] : found) {
    turn.tx.Delete(key);
    SweepMessage(turn, id);
  }
  DestroyIdleKeys(turn);
}

void Desk::SweepMessage(Turn& turn, const std::string& id) {
  const auto row = LoadRow<record::v1::MessageRow>(turn, MessageKey(id));
  if (!row) return;  // its removal is on its way
  const record::v1::IntentRow* intent = intents_.Load(turn, row->key());
  const auto end = intent == nullptr ? std::optional<int64_t>(0) : EndOf(*intent);
  const int64_t again = end ? *end + settings_.message_days * kDayMicros : turn.now_us + kOpenMicros;
  if (again > turn.now_us) return turn.tx.Put(MessageDueKey(again, id), "");
  const std::string complement = Complement(id);
  turn.tx.Delete(MessageKey(id));
  turn.tx.Delete(MessageOrderKey(row->key().campaign(), complement));
  if (!row->reference().empty()) turn.tx.Delete(MessageReferenceKey(row->reference(), complement));
  if (const auto key = storage::KeyIdOf(row->content()); key.ok()) CountUnderKey(turn, *key, -1);
  if (vault_ != nullptr) vault_->Drop(id);
}

void Desk::DestroyIdleKeys(Turn& turn) {
  for (const auto& [key, row] : message_keys_) {
    const bool idle = row.messages() <= 0 && turn.now_us - row.create_time_us() > kKeyAgeMicros;
    if (!idle || vault_ == nullptr || !message_keys_going_.insert(key).second) continue;
    turn.After([this, key = key] {
      vault_->Destroy(key, [this, key](absl::Status status) {
        (void)loop_.Post([this, key, status](Turn& later) { OnKeyDestroyed(later, key, status); });
      });
    });
  }
}

void Desk::OnKeyDestroyed(Turn& turn, uint64_t key, const absl::Status& status) {
  message_keys_going_.erase(key);
  if (!status.ok()) return;  // at the next sweep
  message_keys_.erase(key);
  message_keys_changed_.erase(key);
  turn.tx.Delete(MessageKeyKey(key));
}

void Desk::SaveMessageKeys(Turn& turn) {
  for (const uint64_t key : message_keys_changed_)
    storage::PutRecord(turn.tx, MessageKeyKey(key), message_keys_[key]);
  message_keys_changed_.clear();
}

}  // namespace pharos::dispatch
