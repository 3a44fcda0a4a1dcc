// What a draft may say. Pure.
#pragma once

#include "absl/status/status.h"
#include "pharos/campaign/v1/campaign_service.pb.h"
#include "pharos/record/v1/campaign.pb.h"

namespace pharos::campaign {

// INVALID_ARGUMENT: CHANNEL_UNSUPPORTED, CHANNEL_REPEATED, SENDER_WRONG, EMAIL_FROM_WRONG,
// EMAIL_FROM_NAME_WRONG, SCHEDULE_WRONG, RULES_WRONG. An empty sender leaves the choice to the connector; an
// email needs one.
absl::Status CheckDraft(const v1::Campaign& draft, int64_t now_us);

// FAILED_PRECONDITION (TEMPLATE_LACKS_CHANNEL) if a channel has no text.
absl::Status CheckTexts(const v1::Campaign& draft, const record::v1::TemplateRow& text);
// FAILED_PRECONDITION (DUPLICATES_NOT_ALLOWED): PREFER_DUPLICATE for marketing.
absl::Status CheckRulesFor(const v1::Campaign& draft, type::v1::PurposeClass purpose_class);
// FAILED_PRECONDITION (SCHEDULE_PASSED) if all of it would expire.
absl::Status CheckNotPast(const v1::Campaign& campaign, int64_t now_us);

// A draft holds what its author may choose, and nothing else of what was sent.
v1::Campaign MakeDraft(std::string_view name, const v1::Campaign& asked, int64_t create_time_us);

}  // namespace pharos::campaign
