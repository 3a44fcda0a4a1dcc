#include "services/customer/assertion_store.h"

#include <algorithm>
#include <set>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/keys.h"
#include "services/customer/tables.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::customer {

using record::v1::AssertionRow;
using storage::KeyRange;
using storage::KeyWriter;

namespace {

constexpr std::string_view kCollection = "assertions";

// The store is read forwards, and the list goes backwards: ids begin with their time, so that it is read in
// windows that end where the one before began, each twice as long as the one before it as long as little is
// found.
constexpr size_t kTimeCharacters =
    10;  // of an id: 48 bits of milliseconds, 5 a character (services/base/ids.h)
constexpr int64_t kFirstWindowMs = 100;
constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";

std::string IdAt(int64_t millis) {
  std::string id(kTimeCharacters, '0');
  for (size_t at = kTimeCharacters; at-- > 0; millis >>= 5)
    id[at] = kDigits[static_cast<size_t>(millis & 31)];
  return id;
}

int64_t MillisOf(std::string_view id) {
  int64_t millis = 0;
  for (const char c : id.substr(0, kTimeCharacters)) {
    const size_t digit = kDigits.find(c);
    millis = millis * 32 + (digit == std::string_view::npos ? 31 : static_cast<int64_t>(digit));
  }
  return millis;
}

// The last `most` of a range that are wanted, newest first.
absl::Status ReadWindow(const storage::View& view, const KeyRange& range, size_t most, const Wanted& wanted,
                        std::vector<AssertionRow>& found) {
  std::vector<AssertionRow> window;
  absl::Status damaged;
  PHAROS_RETURN_IF_ERROR(view.Scan(range, [&](std::string_view, std::string_view value) {
    AssertionRow row;
    damaged = storage::DecodeRecord(value, row);
    if (!damaged.ok()) return false;
    if (wanted(row)) window.push_back(std::move(row));
    // Half of what is kept is dropped at once, so that a window of many costs one move each.
    if (window.size() >= 2 * most) window.erase(window.begin(), window.end() - static_cast<ptrdiff_t>(most));
    return true;
  }));
  PHAROS_RETURN_IF_ERROR(damaged);
  const size_t more = std::min(most, window.size());
  found.insert(found.end(), std::make_move_iterator(window.rbegin()),
               std::make_move_iterator(window.rbegin() + static_cast<ptrdiff_t>(more)));
  return absl::OkStatus();
}

// The oldest id of all; empty: there is none.
absl::StatusOr<std::string> OldestId(const storage::View& view) {
  std::string id;
  PHAROS_RETURN_IF_ERROR(view.Scan(storage::PrefixRange(KeyWriter(kAssertion).str()),
                                   [&](std::string_view key, std::string_view) {
                                     id = storage::KeyReader(key).String();
                                     return false;
                                   }));
  return id;
}

}  // namespace

absl::StatusOr<std::optional<AssertionRow>> LoadAssertion(const storage::View& view, std::string_view name) {
  AssertionRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(view, AssertionKey(name), row));
  if (!found) return std::nullopt;
  return row;
}

absl::StatusOr<std::vector<AssertionRow>> AssertionsAbout(const storage::View& view,
                                                          std::span<const std::string> records, size_t most) {
  std::set<std::string, std::greater<>> ids;
  for (const auto& record : records) {
    const auto id = ParseRecordName(record);
    if (!id) continue;
    PHAROS_RETURN_IF_ERROR(view.Scan(storage::PrefixRange(RecordAssertionsPrefix(*id)),
                                     [&](std::string_view key, std::string_view) {
                                       storage::KeyReader reader(key);
                                       reader.String();
                                       reader.String();
                                       ids.insert(reader.String());
                                       if (ids.size() > most) ids.erase(std::prev(ids.end()));
                                       return true;
                                     }));
  }
  std::vector<AssertionRow> rows;
  for (const auto& id : ids) {
    PHAROS_ASSIGN_OR_RETURN(auto row, LoadAssertion(view, std::string(kCollection) + "/" + id));
    if (row) rows.push_back(*std::move(row));
  }
  return rows;
}

absl::StatusOr<std::vector<AssertionRow>> AssertionsBefore(const storage::View& view, std::string_view before,
                                                           size_t most, const Wanted& wanted, int64_t now) {
  std::vector<AssertionRow> found;
  PHAROS_ASSIGN_OR_RETURN(const std::string oldest, OldestId(view));
  if (oldest.empty()) return found;
  KeyRange range = storage::PrefixRange(KeyWriter(kAssertion).str());
  if (!before.empty()) range.end = AssertionKey(before);
  const int64_t first = MillisOf(oldest);
  int64_t window = kFirstWindowMs;
  int64_t end = (before.empty() ? now / 1000 : MillisOf(base::Segment(before, kCollection))) + 1;
  while (found.size() < most) {
    const int64_t begin = std::max(first, end - window);
    range.begin = begin <= first ? KeyWriter(kAssertion).String(oldest).str()
                                 : KeyWriter(kAssertion).String(IdAt(begin)).str();
    if (range.begin < range.end)
      PHAROS_RETURN_IF_ERROR(ReadWindow(view, range, most - found.size(), wanted, found));
    if (begin == first) break;
    range.end = range.begin;
    end = begin;
    window *= 2;
  }
  return found;
}

}  // namespace pharos::customer
