// Doubt: restarts, lost streams. What was in flight then is never queued again by itself; only the connector
// life that was addressed can say that it did not hand it over, and only a receipt or that life that it did.
#include "services/dispatch/desk.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

constexpr size_t kQueryBatch = 1024;
// A lost stream's life may come back and answer exactly. Past the hard stop of everything that it held, we
// stop calling it in flight.
constexpr int64_t kDoubtAfterMicros = kUseByMicros + kHardStopMicros + kGuardMicros + 500'000;

}  // namespace

void Desk::Recover(Turn& turn) {
  auto view = store_.Read();
  (void)view->Scan(storage::PrefixRange(storage::KeyWriter(kSteering).str()),
                   [&](std::string_view key, std::string_view value) {
                     record::v1::SteeringRow row;
                     const std::string campaign = storage::KeyReader(key).String();
                     if (storage::DecodeRecord(value, row).ok()) steering_[campaign] = row.steering();
                     if (row.steering() == internal::v1::HALT) halting_[campaign] = "";
                     return true;
                   });
  std::vector<std::pair<std::string, record::v1::OpenAttemptRow>> open;
  absl::Status read;
  const absl::Status scanned =
      view->Scan(storage::PrefixRange(storage::KeyWriter(kOpen).str()),
                 [&](std::string_view key, std::string_view value) {
                   record::v1::OpenAttemptRow row;
                   read = storage::DecodeRecord(value, row);
                   if (read.ok()) open.emplace_back(storage::KeyReader(key).Raw(16), std::move(row));
                   return read.ok();
                 });
  if (!scanned.ok() || !read.ok()) turn.Fail(scanned.ok() ? read : scanned);
  for (auto& [id, row] : open) {
    Remember(id, std::move(row), false);
    Doubt(turn, id, open_.at(id), "DISPATCH_RESTARTED");
  }
  (void)view->Scan(storage::PrefixRange(storage::KeyWriter(kReply).str()), [&](std::string_view,
                                                                               std::string_view value) {
    record::v1::ReplyRow row;
    if (!storage::DecodeRecord(value, row).ok() || row.acknowledged_time_ns() != 0 || row.opt_out().empty())
      return true;
    Reply reply;
    reply.row = row;
    reply.durable = true;
    reply.request = RepeatOf(row);
    replies_.emplace(row.reply_id(), std::move(reply));
    return true;
  });
}

// Asks a life what became of the attempts that it was given.
void Desk::QueryOpen(const SessionPtr& session) {
  internal::v1::WorkResponse message;
  for (const auto& [id, open] : open_) {
    if (open.row.life() != session->hello.life()) continue;
    message.mutable_query()->add_ids(id);
    if (static_cast<size_t>(message.query().ids_size()) >= kQueryBatch) {
      (void)session->outbox.TryPush(std::exchange(message, {}));
    }
  }
  if (message.has_query()) (void)session->outbox.TryPush(message);
}

void Desk::DoubtLost(Turn& turn) {
  const int64_t boot = clock_.BootMicros();
  for (auto life = lost_lives_.begin(); life != lost_lives_.end();) {
    if (boot - life->second < kDoubtAfterMicros) {
      ++life;
      continue;
    }
    for (auto& [id, open] : open_) {
      if (open.row.life() == life->first && !open.in_doubt) Doubt(turn, id, open, "CONNECTOR_LOST");
    }
    life = lost_lives_.erase(life);
  }
}

void Desk::Doubt(Turn& turn, const std::string& id, Open& open, std::string_view reason) {
  open.in_doubt = true;
  auto intent = intents_.Load(turn, open.row.key());
  if (intent && StateOf(*intent) == State::kInFlight)
    intents_.Move(turn, *intent, State::kUnconfirmed, reason);
}

}  // namespace pharos::dispatch
