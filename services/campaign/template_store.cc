#include "services/campaign/template_store.h"

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/campaign/errors.h"
#include "services/campaign/paging.h"
#include "services/campaign/tables.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::campaign {
namespace {

constexpr size_t kMaxPageBytes = 3u << 20;  // a message has at most 4 MiB

using storage::KeyWriter;

std::string NewestKey(std::string_view name) {
  return KeyWriter(kTemplate).String(base::Segment(name, "templates"));
}
std::string VersionKey(std::string_view name, uint64_t version) {
  return KeyWriter(kTemplateVersion).String(base::Segment(name, "templates")).U64(version);
}

}  // namespace

absl::StatusOr<record::v1::TemplateRow> LoadTemplate(const storage::Store& store, std::string_view name,
                                                     uint64_t version) {
  record::v1::TemplateRow row;
  PHAROS_ASSIGN_OR_RETURN(
      const bool found,
      storage::GetRecord(store, version == 0 ? NewestKey(name) : VersionKey(name, version), row));
  if (!found) return errors::TemplateNotFound(name, version);
  return row;
}

absl::StatusOr<bool> FindTemplate(storage::Transaction& tx, std::string_view name,
                                  record::v1::TemplateRow& row) {
  return storage::GetRecord(tx, NewestKey(name), row);
}

void SaveTemplate(storage::Transaction& tx, const record::v1::TemplateRow& row) {
  storage::PutRecord(tx, NewestKey(row.name()), row);
  storage::PutRecord(tx, VersionKey(row.name(), row.version()), row);
}

absl::StatusOr<TemplatePage> ListTemplateRows(const storage::Store& store, int page_size,
                                              std::string_view page_token) {
  storage::KeyRange range = storage::PrefixRange(KeyWriter(kTemplate).str());
  PHAROS_ASSIGN_OR_RETURN(std::string start, PageStart(page_token, kTemplate));
  if (!start.empty()) range.begin = start;
  TemplatePage page;
  std::string last;
  size_t bytes = 0;
  absl::Status read;
  PHAROS_RETURN_IF_ERROR(store.Read()->Scan(range, [&](std::string_view key, std::string_view value) {
    bytes += value.size();
    const bool full = page.rows.size() == static_cast<size_t>(PageSize(page_size));
    if (full || (!page.rows.empty() && bytes > kMaxPageBytes)) {
      page.next_page_token = PageToken(last);
      return false;
    }
    read = storage::DecodeRecord(value, page.rows.emplace_back());
    last = key;
    return read.ok();
  }));
  PHAROS_RETURN_IF_ERROR(read);
  return page;
}

}  // namespace pharos::campaign
