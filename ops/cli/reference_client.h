// Sends reference data: rows go up, one answer comes down.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "ops/cli/client.h"
#include "pharos/audience/v1/reference_service.pb.h"

namespace pharos::cli {

absl::StatusOr<audience::v1::LoadReferenceResponse> LoadReference(
    Client& client, const std::vector<audience::v1::LoadReferenceRequest>& requests);

}  // namespace pharos::cli
