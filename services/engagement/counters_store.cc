#include "services/engagement/counters_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "services/base/errors.h"
#include "services/engagement/errors.h"
#include "services/engagement/tables.h"
#include "services/engagement/tally.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::engagement {

using record::v1::CountersRow;
using storage::KeyWriter;

namespace {

constexpr int kDefaultPage = 100;

std::string CursorKey() {
  return KeyWriter(kCursor);
}
std::string CountersKey(std::string_view campaign) {
  return KeyWriter(kCounters).String(campaign);
}
std::string EventsKey(std::string_view campaign, uint64_t position) {
  return KeyWriter(kEvents).String(campaign).U64(position);
}

// Where a page ends: a batch's position and how many of its events were shown.
struct Mark {
  uint64_t position = 0;
  int shown = 0;
};

absl::StatusOr<Mark> ReadMark(const std::string& token) {
  Mark mark;
  if (token.empty()) return mark;
  const char* end = token.data() + token.size();
  const auto first = std::from_chars(token.data(), end, mark.position);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') return errors::PageTokenWrong();
  const auto second = std::from_chars(first.ptr + 1, end, mark.shown);
  if (second.ec != std::errc() || second.ptr != end || mark.shown < 0) return errors::PageTokenWrong();
  return mark;
}

// Adds one batch to the counters that this transaction has touched.
absl::Status AddBatch(storage::Transaction& tx, const type::v1::EventBatch& batch,
                      std::map<std::string, CountersRow>& changed) {
  auto at = changed.find(batch.campaign());
  if (at == changed.end()) {
    CountersRow row;
    PHAROS_RETURN_IF_ERROR(storage::GetRecord(tx, CountersKey(batch.campaign()), row).status());
    at = changed.emplace(batch.campaign(), std::move(row)).first;
  }
  CountersRow& row = at->second;
  Add(*row.mutable_tally(), batch.changes());
  if (!AddsUp(row.tally())) return errors::DoesNotAddUp(batch.campaign(), batch.position());
  row.set_position(batch.position());
  row.set_event_time_us(batch.time_us());
  if (batch.events().empty()) return absl::OkStatus();
  type::v1::EventBatch events;
  events.set_time_us(batch.time_us());
  *events.mutable_events() = batch.events();
  storage::PutRecord(tx, EventsKey(batch.campaign(), batch.position()), events);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<uint64_t> CountersStore::Cursor() const {
  record::v1::FeedCursorRow row;
  PHAROS_RETURN_IF_ERROR(storage::GetRecord(store_, CursorKey(), row).status());
  return row.position();
}

absl::StatusOr<CountersRow> CountersStore::Load(const std::string& campaign) const {
  CountersRow row;
  PHAROS_RETURN_IF_ERROR(storage::GetRecord(store_, CountersKey(campaign), row).status());
  return row;
}

absl::StatusOr<std::map<std::string, CountersRow>> CountersStore::Apply(
    const dispatch::internal::v1::FollowEventsResponse& news) {
  std::map<std::string, CountersRow> changed;
  const absl::Status status = store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    changed.clear();
    record::v1::FeedCursorRow cursor;
    PHAROS_RETURN_IF_ERROR(storage::GetRecord(tx, CursorKey(), cursor).status());
    for (const auto& batch : news.batches()) {
      if (batch.position() <= cursor.position()) continue;
      PHAROS_RETURN_IF_ERROR(AddBatch(tx, batch, changed));
    }
    for (const auto& [campaign, row] : changed) storage::PutRecord(tx, CountersKey(campaign), row);
    cursor.set_position(std::max(cursor.position(), news.position()));
    storage::PutRecord(tx, CursorKey(), cursor);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return changed;
}

absl::Status CountersStore::List(const std::string& campaign, const std::string& person, int size,
                                 const std::string& token, v1::ListEventsResponse& page) const {
  PHAROS_ASSIGN_OR_RETURN(Mark mark, ReadMark(token));
  const int most = size <= 0 ? kDefaultPage : std::min(size, kMostOnAPage);
  storage::KeyRange range = storage::PrefixRange(KeyWriter(kEvents).String(campaign).str());
  range.begin = EventsKey(campaign, mark.position);
  size_t looked = 0;
  bool more = false;
  absl::Status damaged;
  PHAROS_RETURN_IF_ERROR(store_.Read()->Scan(range, [&](std::string_view key, std::string_view value) {
    storage::KeyReader reader(key);
    reader.String();
    const uint64_t position = reader.U64();
    if (position != mark.position) mark = {position, 0};
    more = page.events_size() >= most || looked++ >= kMostBatchesLookedAt;
    if (more) return false;
    type::v1::EventBatch batch;
    damaged = storage::DecodeRecord(value, batch);
    for (int i = mark.shown; i < batch.events_size() && !more; ++i) {
      more = page.events_size() >= most;
      if (more) break;
      mark.shown = i + 1;
      if (!person.empty() && batch.events(i).person() != person) continue;
      auto* event = page.add_events();
      event->set_time_us(batch.time_us());
      *event->mutable_event() = batch.events(i);
    }
    return damaged.ok() && !more;
  }));
  if (more) page.set_next_page_token(fmt::format("{}.{}", mark.position, mark.shown));
  return damaged;
}

}  // namespace pharos::engagement
