// Campaigns on disk: one row each, an index by age, an index of those that the launch loop still has to look
// after.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/campaign.pb.h"
#include "storage/store.h"

namespace pharos::campaign {

// NOT_FOUND (CAMPAIGN_NOT_FOUND).
absl::StatusOr<record::v1::CampaignRow> LoadCampaign(const storage::Store& store, std::string_view name);
absl::StatusOr<record::v1::CampaignRow> LoadCampaign(storage::Transaction& tx, std::string_view name);
// False if there is none.
absl::StatusOr<bool> FindCampaign(storage::Transaction& tx, std::string_view name,
                                  record::v1::CampaignRow& row);

// Writes the row and its indexes. `SaveCampaign` counts the revision up and renews the etag; `SaveProgress`
// is for what the API does not show.
void SaveCampaign(storage::Transaction& tx, record::v1::CampaignRow& row);
void SaveProgress(storage::Transaction& tx, const record::v1::CampaignRow& row);

// Running, paused, or stopped without dispatch's confirmation.
bool IsActive(const record::v1::CampaignRow& row);
// Names of all active campaigns.
absl::StatusOr<std::vector<std::string>> ActiveCampaigns(const storage::Store& store);

struct CampaignPage {
  std::vector<record::v1::CampaignRow> rows;
  std::string next_page_token;
};
// Newest first. INVALID_ARGUMENT (PAGE_TOKEN_WRONG).
absl::StatusOr<CampaignPage> ListCampaignRows(const storage::Store& store, int page_size,
                                              std::string_view page_token);

}  // namespace pharos::campaign
