#include "storage/sql/read.h"

#include <algorithm>

#include "services/base/errors.h"
#include "storage/envelope.h"
#include "storage/errors.h"
#include "storage/sql/errors.h"

namespace pharos::storage::sql {
namespace {

constexpr size_t kMaxChangesRead = 10'000;         // one answer to a follower; more needs another call
constexpr size_t kMaxChangeBytesRead = 16u << 20;  // the same, in bytes
constexpr size_t kChangePage = 512;                // entries a round trip
constexpr size_t kMaxHeldBytes = 256u << 20;       // for views and transactions that take long

}  // namespace

Source::Source(const std::string& settings, const Tables& its_tables, Tenure& its_tenure, size_t cache_bytes)
    : tables(its_tables),
      tenure(its_tenure),
      pool(settings, its_tables.name()),
      versions(cache_bytes, kMaxHeldBytes) {}

State::State(Source& source, uint64_t number, uint64_t position)
    : source_(source), number_(number), position_(position) {
  source_.versions.Pin(number_);
}

State::~State() {
  source_.versions.Unpin(number_);
}

// The tenure is looked at last: what was read before it is true then.
absl::StatusOr<Value> State::Get(std::string_view key) const {
  PHAROS_ASSIGN_OR_RETURN(std::optional<Value> known, source_.versions.Find(key, number_));
  if (!known) {
    PHAROS_ASSIGN_OR_RETURN(const Answer answer, source_.pool.Read(source_.tables.get, Params().Bytes(key)));
    PHAROS_RETURN_IF_ERROR(source_.tenure.Check());
    Value found;
    if (answer.rows() > 0) found = std::string(answer.Bytes(0, 0));
    return source_.versions.Learn(key, number_, std::move(found));
  }
  PHAROS_RETURN_IF_ERROR(source_.tenure.Check());
  return *std::move(known);
}

absl::StatusOr<Page> State::ReadPage(const KeyRange& range, size_t most) const {
  Page page;
  const auto ask = [&] {
    if (range.end.empty())
      return source_.pool.Read(source_.tables.rest, Params().Bytes(range.begin).Int(most));
    return source_.pool.Read(source_.tables.page, Params().Bytes(range.begin).Bytes(range.end).Int(most));
  };
  PHAROS_ASSIGN_OR_RETURN(const Answer answer, ask());
  for (size_t i = 0; i < answer.rows(); ++i)
    page.rows.emplace_hint(page.rows.end(), std::string(answer.Bytes(i, 0)), std::string(answer.Bytes(i, 1)));
  page.last = answer.rows() < most;
  page.next = page.last ? range.end : std::string(answer.Bytes(answer.rows() - 1, 0)) + '\0';
  PHAROS_RETURN_IF_ERROR(source_.versions.Correct({range.begin, page.next}, number_, page.rows));
  PHAROS_RETURN_IF_ERROR(source_.tenure.Check());
  return page;
}

absl::Status State::Scan(const KeyRange& range, const Visitor& visit) const {
  KeyRange rest = range;
  for (size_t most = kFirstPage;; most = std::min(most * 4, kMaxPage)) {
    PHAROS_ASSIGN_OR_RETURN(const Page page, ReadPage(rest, most));
    for (const auto& [key, value] : page.rows) {
      if (!visit(key, value)) return absl::OkStatus();
    }
    if (page.last) return absl::OkStatus();
    rest.begin = page.next;
  }
}

absl::StatusOr<std::vector<Change>> State::Changes(uint64_t position, size_t most) const {
  if (position > position_) return StoreErrors::CursorAhead(position, position_);
  std::vector<Change> changes;
  most = std::min(most, kMaxChangesRead);
  for (size_t bytes = 0; position < position_ && changes.size() < most && bytes < kMaxChangeBytesRead;) {
    const size_t page = std::min(most - changes.size(), kChangePage);
    PHAROS_ASSIGN_OR_RETURN(
        const Answer answer,
        source_.pool.Read(source_.tables.entries, Params().Int(position).Int(position_).Int(page)));
    if (answer.rows() == 0 || answer.Int(0, 0) != position + 1)
      return StoreErrors::CursorTooOld(position, position_);
    for (size_t i = 0; i < answer.rows(); ++i) {
      PHAROS_ASSIGN_OR_RETURN(const std::string_view entry, Unwrap(answer.Bytes(i, 1)));
      position = answer.Int(i, 0);
      changes.push_back({position, std::string(entry)});
      bytes += entry.size();
    }
  }
  PHAROS_RETURN_IF_ERROR(source_.tenure.Check());
  return changes;
}

}  // namespace pharos::storage::sql
