// What a draft may say. Pure.
#pragma once

#include "absl/status/status.h"
#include "pharos/campaign/v1/campaign_service.pb.h"

namespace pharos::campaign {

// INVALID_ARGUMENT: CHANNEL_UNSUPPORTED, CHANNEL_REPEATED, SENDER_WRONG. An empty sender leaves the choice to
// the connector.
absl::Status CheckDraft(const v1::Campaign& draft);

// A draft holds what its author may choose, and nothing else of what was sent.
v1::Campaign MakeDraft(std::string_view name, const v1::Campaign& asked, int64_t now_us);

}  // namespace pharos::campaign
