// Reference data as a file: CSV with a header line, columns called as ours or mapped. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/audience/v1/reference_service.pb.h"

namespace pharos::cli {

// Our columns of a kind, those that must be there first:
//   AREAS: code, name, upper-tier, upper-tier-name, region, region-name, deprivation-decile
//   AREA_CODE_CHANGES: code, code-now
//   POSTCODES: postcode, area, deprivation-decile
// `from`: ours → the file's, where it is called otherwise; the columns of common extracts are known (la_code,
// la_name, …). Rows without what must be there are counted, not sent. INVALID_ARGUMENT (USAGE) for a header
// that lacks it.
struct ReferenceFile {
  std::vector<audience::v1::LoadReferenceRequest> requests;
  int64_t left_out = 0;
};
absl::StatusOr<ReferenceFile> ReadReferenceFile(audience::v1::LoadReferenceRequest::Kind kind,
                                                std::string_view text,
                                                const std::map<std::string, std::string>& from,
                                                const std::string& attribution);

}  // namespace pharos::cli
