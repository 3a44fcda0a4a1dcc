// What is kept of messages from people: sealed, for some weeks, and told to engagement without what it says.
#include "pharos/record/v1/change.pb.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/inbox_reply.h"
#include "services/dispatch/message.h"
#include "services/dispatch/message_vault.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

constexpr int64_t kDayMicros = int64_t{86'400} * 1'000'000;
constexpr int64_t kSweepMicros = 10'000'000;  // how late a text may be removed
constexpr size_t kSweepBatch = 500;           // removed in one turn

}  // namespace

bool Desk::KeepText(Turn& turn, const record::v1::ReplyContentRow& content, record::v1::ReplyRow& row) {
  if (vault_ == nullptr || (content.address().empty() && content.text().empty())) return true;
  auto sealed = vault_->SealReply(content, row.inbox_id(), turn.now_us);
  if (!sealed) return false;
  row.set_content(std::move(sealed->envelope));
  return true;
}

void Desk::EnterInbox(Turn& turn, const record::v1::ReplyRow& row,
                      const std::optional<record::v1::IntentKey>& answered, const std::string& holder) {
  SaveReply(turn, row);
  record::v1::ReplyNameRow name;
  name.set_reply_id(row.reply_id());
  storage::PutRecord(turn.tx, ReplyNameKey(row.inbox_id()), name);
  if (!row.content().empty()) {
    turn.tx.Put(ReplyDueKey(turn.now_us + settings_.reply_days * kDayMicros, row.inbox_id()), "");
    if (const auto key = storage::KeyIdOf(row.content()); key.ok()) CountUnderKey(turn, *key, +1);
  }
  LogReply(turn, EventOf(row, answered, holder, ReadersOf(turn, row, answered), turn.now_us), kReplyReceived);
}

// A service that sent what a text answers, or, where it answers nothing of ours, those that send by the
// number that it came to. Once the message is not kept any more, whoever alone has sent through its campaign.
std::vector<type::v1::ReplyReader> Desk::ReadersOf(Turn& turn, const record::v1::ReplyRow& row,
                                                   const std::optional<record::v1::IntentKey>& answered) {
  std::vector<type::v1::ReplyReader> readers;
  if (row.channel() != type::v1::CHANNEL_SMS) return readers;
  const auto add = [&](const std::string& campaign, const std::string& principal) {
    readers.emplace_back();
    readers.back().set_campaign(campaign);
    readers.back().set_principal(principal);
  };
  if (answered) {
    const std::string id = MessageIdOfStep(answered->step());
    if (id.empty()) return readers;
    const auto message = LoadRow<record::v1::MessageRow>(turn, MessageKey(id));
    const auto senders = message_senders_.find(answered->campaign());
    if (message) {
      add(answered->campaign(), message->principal());
    } else if (senders != message_senders_.end() && senders->second.size() == 1) {
      add(answered->campaign(), *senders->second.begin());
    }
    return readers;
  }
  for (const auto& [campaign, principals] : message_senders_) {
    if (!SendsBy(turn, campaign, row.sent_to())) continue;
    for (const std::string& principal : principals) add(campaign, principal);
  }
  return readers;
}

bool Desk::SendsBy(Turn& turn, const std::string& campaign, const std::string& sender) {
  record::v1::IntentKey key;
  key.set_campaign(campaign);
  key.set_step("1");
  const Step* step = StepOf(turn, key);
  if (step == nullptr) return false;
  for (const auto& route : step->manifest.routes()) {
    if (route.channel() == type::v1::CHANNEL_SMS && IsSameSender(route.sender(), sender)) return true;
  }
  return false;
}

void Desk::NoteMessageSender(Turn& turn, const std::string& campaign, const std::string& principal) {
  if (message_senders_[campaign].insert(principal).second)
    turn.tx.Put(MessageSenderKey(campaign, principal), "");
}

void Desk::LogReply(Turn& turn, const type::v1::ReplyEvent& event, std::string_view kind) {
  record::v1::ChangeEntry entry;
  entry.set_resource(event.reply());
  entry.set_kind(std::string(kind));
  entry.set_principal("principals/pharosd");
  entry.set_rpc("internal:desk");
  entry.set_time_us(turn.now_us);
  entry.set_facts(event.SerializeAsString());
  turn.tx.AppendChange(entry.SerializeAsString());
}

void Desk::SweepReplies(Turn& turn) {
  const int64_t boot = clock_.BootMicros();
  if (boot - replies_swept_at_us_ < kSweepMicros) return;
  if (vault_ != nullptr) vault_->FreshenReplyKey(turn.now_us);
  const storage::KeyRange due{storage::KeyWriter(kReplyDue).str(), ReplyDueKey(turn.now_us, "")};
  std::vector<std::pair<std::string, std::string>> found;  // its key in the table, its id in the inbox
  const absl::Status scanned = store_.Read()->Scan(due, [&](std::string_view key, std::string_view) {
    storage::KeyReader reader(key);
    reader.U64();
    found.emplace_back(key, reader.Raw(kMessageIdBytes));
    return found.size() < kSweepBatch;
  });
  if (!scanned.ok()) return turn.Fail(scanned);
  if (found.size() < kSweepBatch) replies_swept_at_us_ = boot;
  for (const auto& [key, id] : found) {
    turn.tx.Delete(key);
    ForgetReply(turn, id);
  }
}

// The row stays, for its times and numbers; what it says, and who wrote it, goes.
void Desk::ForgetReply(Turn& turn, const std::string& inbox_id) {
  const auto name = LoadRow<record::v1::ReplyNameRow>(turn, ReplyNameKey(inbox_id));
  auto row = name ? LoadRow<record::v1::ReplyRow>(turn, ReplyKey(name->reply_id())) : std::nullopt;
  if (!row || row->content().empty()) return;  // its removal is on its way
  if (const auto key = storage::KeyIdOf(row->content()); key.ok()) CountUnderKey(turn, *key, -1);
  row->clear_content();
  storage::PutRecord(turn.tx, ReplyKey(row->reply_id()), *row);
  type::v1::ReplyEvent event;
  event.set_time_us(turn.now_us);
  event.set_reply(ReplyName(inbox_id));
  event.set_forgotten(true);
  LogReply(turn, event, kReplyForgotten);
}

}  // namespace pharos::dispatch
