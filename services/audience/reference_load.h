// One load of reference data: checks each row as it comes, writes chunks, and knows at the end what was
// loaded. Used by one thread.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <set>
#include <string>

#include "pharos/audience/v1/reference_service.pb.h"
#include "services/audience/reference_store.h"

namespace pharos::audience {

class ReferenceLoad {
 public:
  ReferenceLoad(const ReferenceStore& store, ReferenceKind kind, uint64_t generation);

  // INVALID_ARGUMENT (REFERENCE_ROW_WRONG) names row and column.
  absl::Status Add(const v1::LoadReferenceRequest& request);
  // Everything is on disk, not in force yet: rows, chunks and digest; without time and attribution.
  absl::StatusOr<record::v1::ReferenceRow> Finish();

 private:
  absl::Status AddArea(const v1::Area& area);
  absl::Status AddChange(const v1::AreaCodeChange& change);
  absl::Status AddPostcode(const v1::Postcode& postcode);
  absl::Status Wrong(std::string_view column, std::string_view words) const;
  // Each code and postcode once.
  absl::Status Once(std::string_view column, const std::string& key);
  absl::Status Added();
  absl::Status Flush();

  const ReferenceStore& store_;
  const ReferenceKind kind_;
  record::v1::ReferenceRow row_;
  record::v1::ReferenceChunkRow chunk_;
  int chunk_rows_ = 0;
  std::set<std::string> keys_;
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> digest_;
};

}  // namespace pharos::audience
