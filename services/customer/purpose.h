// The purpose register: what may be registered, what may change, when it ends. Pure.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/record/v1/customer.pb.h"

namespace pharos::customer {

// Version 1. INVALID_ARGUMENT: ID_WRONG, FIELD_MISSING, MARKETING_NEEDS_CONSENT.
absl::StatusOr<record::v1::PurposeRow> NewPurpose(const v1::CreatePurposeRequest& request, int64_t now);

// The next version. ETAG_MISSING, ETAG_MISMATCH, PURPOSE_FIXED (class and basis stay), PURPOSE_RETIRED,
// FIELD_MISSING.
absl::StatusOr<record::v1::PurposeRow> NextPurpose(const record::v1::PurposeRow& current,
                                                   const v1::Purpose& wanted);

// The last version: nothing new is granted or sent for it. A purpose that is retired already stays as it is.
record::v1::PurposeRow RetiredPurpose(const record::v1::PurposeRow& current, int64_t now);

// As the API shows it.
v1::Purpose ShowPurpose(const record::v1::PurposeRow& row);

}  // namespace pharos::customer
