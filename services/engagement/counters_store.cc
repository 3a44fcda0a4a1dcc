#include "services/engagement/counters_store.h"

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <charconv>

#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/engagement/engaged.h"
#include "services/engagement/errors.h"
#include "services/engagement/inbox_store.h"
#include "services/engagement/tables.h"
#include "services/engagement/tally.h"
#include "services/rpc/metrics.h"
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

std::string OrderKey(uint64_t position, std::string_view campaign) {
  return KeyWriter(kOrder).U64(position).String(campaign);
}

// Campaigns whose counters have just stopped, and at which position.
using Wrong = std::vector<std::pair<std::string, uint64_t>>;

void Tell(const Wrong& wrong) {
  static prometheus::Counter& stopped = prometheus::BuildCounter()
                                            .Name("pharos_engagement_counters_wrong_total")
                                            .Help("Campaigns whose counters would not have added up.")
                                            .Register(rpc::Metrics())
                                            .Add({});
  for (const auto& [campaign, position] : wrong) {
    stopped.Increment();
    base::Log(base::LogLevel::kError, "engagement.counters_wrong",
              {{"campaign", campaign},
               {"position", static_cast<int64_t>(position)},
               {"do",
                "the counters of this campaign stand still; if more campaigns follow, the dispatch and "
                "engagement stores do not belong together: stop pharosd, remove the engagement store "
                "and start again; replies are then new again, whatever was done about them"}});
  }
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

// Counters that would not add up stay as they are, from this batch on. The other campaigns' go on.
void Count(const type::v1::EventBatch& batch, CountersRow& row, Wrong& wrong) {
  if (row.wrong_from_position() != 0) return;
  type::v1::TallyChange sum = row.tally();
  Add(sum, batch.changes());
  if (!AddsUp(sum)) {
    row.set_wrong_from_position(batch.position());
    wrong.push_back({batch.campaign(), batch.position()});
    return;
  }
  *row.mutable_tally() = std::move(sum);
  row.set_position(batch.position());
  row.set_event_time_us(batch.time_us());
}

// Adds one batch to the counters that this transaction has touched. What happened to people is kept, whatever
// becomes of the counters.
absl::Status AddBatch(storage::Transaction& tx, const type::v1::EventBatch& batch,
                      std::map<std::string, CountersRow>& changed, Wrong& wrong) {
  auto at = changed.find(batch.campaign());
  if (at == changed.end()) {
    CountersRow row;
    PHAROS_RETURN_IF_ERROR(storage::GetRecord(tx, CountersKey(batch.campaign()), row).status());
    at = changed.emplace(batch.campaign(), std::move(row)).first;
  }
  Count(batch, at->second, wrong);
  if (batch.events().empty() && batch.responses().empty()) return absl::OkStatus();
  type::v1::EventBatch events;
  events.set_time_us(batch.time_us());
  *events.mutable_events() = batch.events();
  *events.mutable_responses() = batch.responses();
  tx.Put(OrderKey(batch.position(), batch.campaign()), storage::Wrap(""));
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
  Wrong wrong;
  const absl::Status status = store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    changed.clear();
    wrong.clear();
    record::v1::FeedCursorRow cursor;
    PHAROS_RETURN_IF_ERROR(storage::GetRecord(tx, CursorKey(), cursor).status());
    for (const auto& batch : news.batches()) {
      if (batch.position() <= cursor.position()) continue;
      PHAROS_RETURN_IF_ERROR(AddBatch(tx, batch, changed, wrong));
    }
    for (const auto& reply : news.replies()) {
      if (reply.position() > cursor.position()) PHAROS_RETURN_IF_ERROR(InboxStore::Take(tx, reply));
    }
    for (const auto& [campaign, row] : changed) storage::PutRecord(tx, CountersKey(campaign), row);
    cursor.set_position(std::max(cursor.position(), news.position()));
    storage::PutRecord(tx, CursorKey(), cursor);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  Tell(wrong);
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

absl::Status CountersStore::ReadEngaged(uint64_t position, internal::v1::FollowEngagementResponse& to) const {
  const std::unique_ptr<storage::View> view = store_.Read();
  record::v1::FeedCursorRow cursor;
  PHAROS_RETURN_IF_ERROR(storage::GetRecord(*view, CursorKey(), cursor).status());
  uint64_t reached = std::max(position, cursor.position());
  storage::KeyRange range = storage::PrefixRange(KeyWriter(kOrder).str());
  range.begin = OrderKey(position + 1, "");
  size_t people = 0;
  absl::Status damaged;
  uint64_t last = position;
  PHAROS_RETURN_IF_ERROR(view->Scan(range, [&](std::string_view key, std::string_view) {
    storage::KeyReader reader(key);
    const uint64_t at = reader.U64();
    // What stands at one position is sent together: the next message begins after it.
    if (people >= kMostEngaged && at != last) {
      reached = last;
      return false;
    }
    last = at;
    const std::string campaign = reader.String();
    type::v1::EventBatch batch;
    damaged = storage::GetRecord(*view, EventsKey(campaign, at), batch).status();
    if (damaged.ok()) people += AddEngaged(campaign, batch, to);
    return damaged.ok();
  }));
  to.set_position(reached);
  return damaged;
}

absl::Status CountersStore::OrderEvents() {
  record::v1::FeedCursorRow cursor;
  PHAROS_ASSIGN_OR_RETURN(const bool ordered, storage::GetRecord(store_, KeyWriter(kOrdered).str(), cursor));
  if (ordered) return absl::OkStatus();
  std::vector<std::string> keys;
  const auto write = [&](bool last) {
    const absl::Status status = store_.Transact([&](storage::Transaction& tx) {
      for (const std::string& key : keys) tx.Put(key, storage::Wrap(""));
      if (last) storage::PutRecord(tx, KeyWriter(kOrdered).str(), cursor);
      return absl::OkStatus();
    });
    keys.clear();
    return status;
  };
  absl::Status written;
  PHAROS_RETURN_IF_ERROR(store_.Read()->Scan(storage::PrefixRange(KeyWriter(kEvents).str()),
                                             [&](std::string_view key, std::string_view) {
                                               storage::KeyReader reader(key);
                                               const std::string campaign = reader.String();
                                               keys.push_back(OrderKey(reader.U64(), campaign));
                                               if (keys.size() == kMostOrdered) written = write(false);
                                               return written.ok();
                                             }));
  PHAROS_RETURN_IF_ERROR(written);
  return write(true);
}

}  // namespace pharos::engagement
