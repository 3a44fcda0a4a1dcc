// The start: what the last life left on disk. What was in flight then is in doubt.
#include "services/base/ids.h"
#include "services/base/log.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

constexpr int64_t kPurgeMicros = int64_t{3600} * 1'000'000;
constexpr int64_t kParkedMicros = int64_t{72} * 3600 * 1'000'000;
constexpr size_t kMoveBatch = 2'000;  // rows of an older format moved in one turn

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
        ++parked_rows_;
        storage::KeyReader reader(key);
        const std::string connector = reader.String();
        if (!row.address_hash().empty()) {
          parked_.emplace(OpenAttempts::ReferenceKey(row.reference(), row.address_hash()),
                          std::pair(connector, reader.String()));
        }
      });
  RecoverRoutes(turn);
  RecoverMessages(turn);
  RecoverOpen(turn);
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
    reply.overtaken = true;  // it may have been taken back since: whoever presses now is asked anew
    const std::string id = row.reply_id();
    reply.row = std::move(row);
    replies_.emplace(id, std::move(reply));
  });
}

void Desk::RecoverMessages(Turn& turn) {
  ReadTable<record::v1::MessageKeyRow>(turn, kMessageKey,
                                       [&](std::string_view key, record::v1::MessageKeyRow row) {
                                         message_keys_[storage::KeyReader(key).U64()] = std::move(row);
                                       });
  const absl::Status read =
      store_.Read()->Scan(storage::PrefixRange(storage::KeyWriter(kMessageSender).str()),
                          [&](std::string_view key, std::string_view) {
                            storage::KeyReader reader(key);
                            const std::string campaign = reader.String();
                            message_senders_[campaign].insert(reader.String());
                            return true;
                          });
  if (!read.ok()) turn.Fail(read);
}

void Desk::RecoverRoutes(Turn& turn) {
  ReadTable<record::v1::RouteRow>(turn, kRoute, [&](std::string_view key, record::v1::RouteRow row) {
    RouteOf(storage::KeyReader(key).String()).row = std::move(row);
  });
  old_claims_ = false;
  for (const uint8_t table : {kClaim, kLastTo}) {
    const absl::Status looked =
        store_.Read()->Scan(storage::PrefixRange(storage::KeyWriter(table).str()),
                            [&](std::string_view, std::string_view) { return !(old_claims_ = true); });
    if (!looked.ok()) turn.Fail(looked);
  }
}

// Attempts of a batch are open while their intent names them and has no outcome.
void Desk::RecoverOpen(Turn& turn) {
  ReadTable<record::v1::OpenAttemptRow>(turn, kOpen,
                                        [&](std::string_view key, record::v1::OpenAttemptRow row) {
                                          row.set_id(storage::KeyReader(key).Raw(kAttemptBytes));
                                          open_.Recall(std::move(row));
                                        });
  ReadTable<record::v1::OpenBatchRow>(
      turn, kOpenBatch, [&](std::string_view, record::v1::OpenBatchRow batch) {
        std::vector<bool> open;
        for (const auto& attempt : batch.attempts()) {
          const record::v1::IntentRow* intent = intents_.Load(turn, attempt.key());
          const bool names_it = intent != nullptr && intent->attempt() == attempt.id();
          open.push_back(names_it &&
                         (StateOf(*intent) == State::kInFlight || StateOf(*intent) == State::kUnconfirmed));
        }
        open_.Recall(turn, batch, open);
      });
  std::vector<std::string> ids;
  for (const auto& [id, open] : open_.table()) ids.push_back(id);
  for (const auto& id : ids) {
    OpenAttempt* open = open_.Find(id);
    if (open == nullptr) continue;  // settling another one closed it
    ++RouteOf(open->row.connector()).in_flight;
    const record::v1::IntentRow* intent = intents_.Load(turn, open->row.key());
    if (intent != nullptr && StateOf(*intent) == State::kUnconfirmed)
      ++RouteOf(open->row.connector()).unconfirmed;
    Doubt(turn, *open, "DISPATCH_RESTARTED");
  }
}

// Receipts whose message never came to be known.
void Desk::PurgeParked(Turn& turn) {
  const int64_t boot = clock_.BootMicros();
  if (boot - purged_at_us_ < kPurgeMicros) return;
  purged_at_us_ = boot;
  ReadTable<record::v1::ParkedReceiptRow>(
      turn, kParked, [&](std::string_view key, record::v1::ParkedReceiptRow row) {
        if (turn.now_us - row.time_us() <= kParkedMicros) return;
        if (!LoadRow<record::v1::ParkedReceiptRow>(turn, std::string(key)))
          return;  // its deletion is on its way
        turn.tx.Delete(key);
        --parked_rows_;
        storage::KeyReader reader(key);
        const std::string connector = reader.String();
        ForgetParked(row, connector, reader.String());
      });
}

// A store of format 2 has its queue elsewhere: moved a bounded number a turn, while work goes on.
void Desk::MoveOldQueue(Turn& turn) {
  if (!old_queue_) return;
  size_t moved = 0;
  const auto take = [&](std::string_view key, std::string_view) {
    storage::KeyReader reader(key);
    reader.U64();
    reader.U64();
    reader.U64();
    record::v1::IntentKey name;
    name.set_campaign(reader.String());
    name.set_step(reader.String());
    name.set_person(reader.String());
    const record::v1::IntentRow* intent = intents_.Load(turn, name);
    if (intent != nullptr && StateOf(*intent) == State::kPending) {
      turn.tx.Put(TurnKeyOf(*intent), "");
      ready_.Noted(*intent);
    }
    turn.tx.Delete(key);
    return ++moved < kMoveBatch;
  };
  const absl::Status scanned =
      store_.Read()->Scan(storage::PrefixRange(storage::KeyWriter(kQueue).str()), take);
  if (!scanned.ok()) return turn.Fail(scanned);
  old_queue_ = moved > 0;
}

}  // namespace pharos::dispatch
