// Doubt: restarts, lost streams. What was in flight then is never queued again by itself; only the connector
// life that was addressed can say that it did not hand it over, and only a receipt or that life that it did.
#include "services/base/ids.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

constexpr size_t kQueryBatch = 1024;
constexpr int64_t kPurgeMicros = int64_t{3600} * 1'000'000;
constexpr int64_t kParkedMicros = int64_t{72} * 3600 * 1'000'000;
// A lost stream's life may come back and answer exactly. Past the hard stop of everything that it held, we
// stop calling it in flight.
constexpr int64_t kDoubtAfterMicros = kUseByMicros + kHardStopMicros + kGuardMicros + 500'000;

}  // namespace

// Reads a whole table; a row that cannot be read fails the turn: dispatch does not start on half of what it
// knew.
template <typename Row>
void Desk::ReadTable(Turn& turn, uint8_t table, const std::function<void(std::string_view, Row)>& take) {
  absl::Status read;
  const absl::Status scanned = store_.Read()->Scan(storage::PrefixRange(storage::KeyWriter(table).str()),
                                                   [&](std::string_view key, std::string_view value) {
                                                     Row row;
                                                     read = storage::DecodeRecord(value, row);
                                                     if (read.ok()) take(key, std::move(row));
                                                     return read.ok();
                                                   });
  if (!scanned.ok() || !read.ok()) turn.Fail(scanned.ok() ? read : scanned);
}

void Desk::Recover(Turn& turn) {
  ReadTable<record::v1::SteeringRow>(turn, kSteering, [&](std::string_view key, record::v1::SteeringRow row) {
    const std::string campaign = storage::KeyReader(key).String();
    steering_[campaign] = row.steering();
    if (row.steering() == internal::v1::HALT) halting_[campaign] = {"STOPPED", ""};
  });
  ReadTable<record::v1::ParkedReceiptRow>(
      turn, kParked, [&](std::string_view key, record::v1::ParkedReceiptRow row) {
        if (turn.now_us - row.time_us() > kParkedMicros) return turn.tx.Delete(key);
        storage::KeyReader reader(key);
        const std::string connector = reader.String();
        if (!row.address_hash().empty()) {
          parked_[ReferenceKey(row.reference(), row.address_hash())] = {connector, reader.String()};
        }
      });
  std::vector<std::string> open;
  ReadTable<record::v1::OpenAttemptRow>(turn, kOpen,
                                        [&](std::string_view key, record::v1::OpenAttemptRow row) {
                                          open.push_back(storage::KeyReader(key).Raw(16));
                                          Remember(open.back(), std::move(row), false);
                                        });
  for (const auto& id : open) Doubt(turn, id, open_.at(id), "DISPATCH_RESTARTED");
  ReadTable<record::v1::EndpointReportRow>(
      turn, kReport,
      [&](std::string_view, record::v1::EndpointReportRow row) { reports_[row.endpoint()] = row.reason(); });
  purged_at_us_ = clock_.BootMicros();
  // Known again, so that what has expired meanwhile is noticed though nobody pulls.
  for (const auto& [campaign, steering] : steering_) {
    if (steering == internal::v1::HALT || intents_.Tally(turn, campaign).pending() == 0) continue;
    record::v1::IntentKey step;
    step.set_campaign(campaign);
    step.set_step("1");
    (void)StepOf(turn, step);
  }
  ReadTable<record::v1::ReplyRow>(turn, kReply, [&](std::string_view, record::v1::ReplyRow row) {
    if (row.acknowledged_time_ns() != 0 || row.opt_out().empty()) return;
    Reply reply;
    reply.request = RepeatOf(row);
    reply.durable = true;
    const std::string id = row.reply_id();
    reply.row = std::move(row);
    replies_.emplace(id, std::move(reply));
  });
}

// Receipts whose message never came to be known.
void Desk::PurgeParked(Turn& turn) {
  const int64_t boot = clock_.BootMicros();
  if (boot - purged_at_us_ < kPurgeMicros) return;
  purged_at_us_ = boot;
  ReadTable<record::v1::ParkedReceiptRow>(turn, kParked,
                                          [&](std::string_view key, record::v1::ParkedReceiptRow row) {
                                            if (turn.now_us - row.time_us() <= kParkedMicros) return;
                                            turn.tx.Delete(key);
                                            parked_.erase(ReferenceKey(row.reference(), row.address_hash()));
                                          });
}

// Asks a life what became of the attempts that it was given.
void Desk::QueryOpen(const SessionPtr& session) {
  internal::v1::WorkResponse message;
  for (const auto& [id, open] : open_) {
    if (open.row.life() != session->hello.life() || open.row.no_answer()) continue;
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
    std::vector<std::string> lost;  // settling one of them changes the table
    for (auto& [id, open] : open_) {
      if (open.row.life() == life->first && !open.in_doubt) lost.push_back(id);
    }
    for (const auto& id : lost) Doubt(turn, id, open_.at(id), "CONNECTOR_LOST");
    life = lost_lives_.erase(life);
  }
}

void Desk::Doubt(Turn& turn, const std::string& id, Open& open, std::string_view reason) {
  open.in_doubt = true;
  auto intent = intents_.Load(turn, open.row.key());
  if (intent && StateOf(*intent) == State::kInFlight && intent->attempt() == id)
    intents_.Move(turn, *intent, State::kUnconfirmed, reason);
  // Its receipt may have come before.
  const std::string key = ReferenceKey(open.row.reference(), open.row.address_hash());
  if (auto at = parked_.find(key); at != parked_.end()) {
    const auto [connector, provider_id] = at->second;
    return (void)SettleByReference(turn, connector, key, provider_id,
                                   internal::v1::RECEIPT_STATE_UNSPECIFIED);
  }
  const std::string connector = open.row.connector(), name = base::ToHex(id);
  if (const auto early = LoadRow<record::v1::ParkedReceiptRow>(turn, ParkedKey(connector, name))) {
    turn.tx.Delete(ParkedKey(connector, name));
    internal::v1::Receipt receipt;
    receipt.set_provider_id(name);
    receipt.set_state(static_cast<internal::v1::ReceiptState>(early->state()));
    receipt.set_hard_bounce(early->hard_bounce());
    SettleByAttempt(turn, receipt);
  }
}

}  // namespace pharos::dispatch
