#include "services/campaign/campaign_store.h"

#include <fmt/format.h>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/campaign/errors.h"
#include "services/campaign/paging.h"
#include "services/campaign/tables.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::campaign {
namespace {

using record::v1::CampaignRow;
using storage::KeyWriter;

std::string Id(std::string_view name) {
  return base::Segment(name, "campaigns");
}
std::string RowKey(std::string_view id) {
  return KeyWriter(kCampaign).String(id);
}
std::string ActiveKey(std::string_view id) {
  return KeyWriter(kActiveCampaign).String(id);
}
std::string NewestKey(const CampaignRow& row) {
  return KeyWriter(kNewestCampaign)
      .U64(~static_cast<uint64_t>(row.campaign().create_time_us()))
      .String(Id(row.campaign().name()));
}

}  // namespace

absl::StatusOr<CampaignRow> LoadCampaign(const storage::Store& store, std::string_view name) {
  CampaignRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(store, RowKey(Id(name)), row));
  if (!found) return errors::CampaignNotFound(name);
  return row;
}

absl::StatusOr<CampaignRow> LoadCampaign(storage::Transaction& tx, std::string_view name) {
  CampaignRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, FindCampaign(tx, name, row));
  if (!found) return errors::CampaignNotFound(name);
  return row;
}

absl::StatusOr<bool> FindCampaign(storage::Transaction& tx, std::string_view name, CampaignRow& row) {
  return storage::GetRecord(tx, RowKey(Id(name)), row);
}

void SaveCampaign(storage::Transaction& tx, CampaignRow& row) {
  row.set_revision(row.revision() + 1);
  row.mutable_campaign()->set_etag(fmt::format("r{}", row.revision()));
  SaveProgress(tx, row);
}

void SaveProgress(storage::Transaction& tx, const CampaignRow& row) {
  const std::string id = Id(row.campaign().name());
  storage::PutRecord(tx, RowKey(id), row);
  tx.Put(NewestKey(row), storage::Wrap(""));
  if (IsActive(row)) {
    tx.Put(ActiveKey(id), storage::Wrap(""));
  } else {
    tx.Delete(ActiveKey(id));
  }
}

bool IsActive(const CampaignRow& row) {
  const v1::CampaignState state = row.campaign().state();
  return state == v1::RUNNING || state == v1::PAUSED || (state == v1::STOPPED && !row.launch().halted());
}

absl::StatusOr<std::vector<std::string>> ActiveCampaigns(const storage::Store& store) {
  std::vector<std::string> names;
  PHAROS_RETURN_IF_ERROR(store.Read()->Scan(
      storage::PrefixRange(KeyWriter(kActiveCampaign).str()), [&](std::string_view key, std::string_view) {
        names.push_back("campaigns/" + storage::KeyReader(key).String());
        return true;
      }));
  return names;
}

absl::StatusOr<CampaignPage> ListCampaignRows(const storage::Store& store, int page_size,
                                              std::string_view page_token) {
  storage::KeyRange range = storage::PrefixRange(KeyWriter(kNewestCampaign).str());
  PHAROS_ASSIGN_OR_RETURN(std::string start, PageStart(page_token, kNewestCampaign));
  if (!start.empty()) range.begin = start;
  CampaignPage page;
  const std::unique_ptr<storage::View> view = store.Read();
  std::vector<std::string> ids;
  std::string last;
  PHAROS_RETURN_IF_ERROR(view->Scan(range, [&](std::string_view key, std::string_view) {
    if (ids.size() == static_cast<size_t>(PageSize(page_size))) {
      page.next_page_token = PageToken(last);
      return false;
    }
    storage::KeyReader reader(key);
    reader.U64();
    ids.push_back(reader.String());
    last = key;
    return true;
  }));
  for (const std::string& id : ids) {
    PHAROS_RETURN_IF_ERROR(storage::GetRecord(*view, RowKey(id), page.rows.emplace_back()).status());
  }
  return page;
}

}  // namespace pharos::campaign
