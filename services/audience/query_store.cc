#include "services/audience/query_store.h"

#include <algorithm>
#include <deque>

#include "services/audience/errors.h"
#include "services/audience/tables.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::audience {
namespace {

using record::v1::QueryRow;
using storage::KeyWriter;

// The store reads forwards only. The newest are found in windows of time, each twice as long as the one
// before.
constexpr int64_t kFirstWindowMs = 60'000;
constexpr size_t kTimeDigits = 10;  // of an id: milliseconds (services/base/ids.h)

// The time of an id as its first ten digits; every id of that millisecond begins with them.
std::string TimeDigits(int64_t ms) {
  constexpr char kDigits[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string text(kTimeDigits, '0');
  for (size_t i = kTimeDigits; i-- > 0; ms >>= 5) text[i] = kDigits[ms & 31];
  return text;
}

int64_t TimeOf(std::string_view id) {
  constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";
  int64_t ms = 0;
  for (const char c : id.substr(0, kTimeDigits)) ms = ms << 5 | static_cast<int64_t>(kDigits.find(c) & 31);
  return ms;
}

KeyWriter Prefix(std::string_view principal) {
  return principal.empty() ? KeyWriter(kQuery) : KeyWriter(kQueryBy).String(principal);
}
std::string RowKey(std::string_view id) {
  return KeyWriter(kQuery).String(id);
}
std::string IdIn(std::string_view key, bool of_principal) {
  storage::KeyReader reader(key);
  if (of_principal) reader.String();
  return reader.String();
}

// The time of the newest id, by halving all of time: 48 reads of one key.
absl::StatusOr<int64_t> NewestMs(const storage::View& view, std::string_view principal) {
  int64_t newest = 0;
  const storage::KeyRange all = storage::PrefixRange(Prefix(principal).str());
  for (int64_t step = int64_t{1} << 47; step > 0; step >>= 1) {
    const std::string from = Prefix(principal).String(TimeDigits(newest + step)).str();
    PHAROS_RETURN_IF_ERROR(view.Scan({from, all.end}, [&](std::string_view key, std::string_view) {
      newest = TimeOf(IdIn(key, !principal.empty()));
      return false;
    }));
  }
  return newest;
}

}  // namespace

absl::Status QueryStore::Keep(const QueryRow& row, const std::string& change) const {
  const std::string id = base::Segment(row.name(), "queries");
  return store_.Transact([&](storage::Transaction& tx) {
    storage::PutRecord(tx, RowKey(id), row);
    tx.Put(KeyWriter(kQueryBy).String(row.principal()).String(id), storage::Wrap(""));
    tx.AppendChange(change);
    return absl::OkStatus();
  });
}

absl::StatusOr<QueryRow> QueryStore::Load(std::string_view name) const {
  QueryRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found,
                          storage::GetRecord(store_, RowKey(base::Segment(name, "queries")), row));
  if (!found) return AudienceErrors::QueryNotFound(name);
  return row;
}

absl::StatusOr<std::vector<std::string>> QueryStore::NewestIds(std::string_view principal,
                                                               std::string_view before, size_t most) const {
  std::vector<std::string> ids;  // newest first
  const auto view = store_.Read();
  const storage::KeyRange all = storage::PrefixRange(Prefix(principal).str());
  std::string end = before.empty() ? all.end : Prefix(principal).String(before).str();
  int64_t end_ms = TimeOf(before);
  if (before.empty()) {
    PHAROS_ASSIGN_OR_RETURN(end_ms, NewestMs(*view, principal));
  }
  for (int64_t window = kFirstWindowMs; ids.size() < most; window *= 2) {
    const int64_t begin_ms = std::max<int64_t>(0, end_ms - window);
    const std::string begin =
        begin_ms == 0 ? all.begin : Prefix(principal).String(TimeDigits(begin_ms)).str();
    std::deque<std::string> last;  // of this window
    PHAROS_RETURN_IF_ERROR(view->Scan({begin, end}, [&](std::string_view key, std::string_view) {
      last.push_back(IdIn(key, !principal.empty()));
      if (last.size() > most - ids.size()) last.pop_front();
      return true;
    }));
    ids.insert(ids.end(), last.rbegin(), last.rend());
    if (begin_ms == 0) break;
    end = begin;
    end_ms = begin_ms;
  }
  return ids;
}

absl::StatusOr<std::vector<QueryRow>> QueryStore::List(std::string_view principal, std::string_view before,
                                                       size_t most) const {
  PHAROS_ASSIGN_OR_RETURN(const auto ids, NewestIds(principal, before, most));
  std::vector<QueryRow> rows;
  for (const std::string& id : ids) {
    PHAROS_ASSIGN_OR_RETURN(QueryRow row, Load("queries/" + id));
    row.clear_answer();
    rows.push_back(std::move(row));
  }
  return rows;
}

absl::Status QueryStore::Each(std::string_view principal, int64_t from_us, std::string_view after,
                              const std::function<bool(const QueryRow&)>& visit) const {
  absl::Status status;
  const auto view = store_.Read();
  storage::KeyRange range = storage::PrefixRange(Prefix(principal).str());
  range.begin = Prefix(principal).String(TimeDigits(std::max<int64_t>(0, from_us / 1000))).str();
  if (!after.empty()) {
    range.begin = std::max(range.begin, Prefix(principal).String(after).str() + '\0');
  }
  PHAROS_RETURN_IF_ERROR(view->Scan(range, [&](std::string_view key, std::string_view) {
    QueryRow row;
    const auto found = storage::GetRecord(*view, RowKey(IdIn(key, !principal.empty())), row);
    status = found.status();
    return found.ok() && (!*found || visit(row));
  }));
  return status;
}

}  // namespace pharos::audience
