#include "services/audience/reference_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "services/audience/reference_data.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::audience {
namespace {

constexpr uint32_t kMostDecile = 10;

// Register of Geographic Codes: a letter and eight digits. Other registers' codes are letters and digits,
// too.
bool IsCode(std::string_view code) {
  return !code.empty() && code.size() <= 16 &&
         std::all_of(code.begin(), code.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
}

}  // namespace

ReferenceLoad::ReferenceLoad(const ReferenceStore& store, ReferenceKind kind, uint64_t generation)
    : store_(store), kind_(kind), digest_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  row_.set_generation(generation);
  EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr);
}

absl::Status ReferenceLoad::Wrong(std::string_view column, std::string_view words) const {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "REFERENCE_ROW_WRONG",
                         fmt::format("Row {}, {}: {} Nothing was changed.", row_.rows() + 1, column, words),
                         {{"row", std::to_string(row_.rows() + 1)}, {"column", std::string(column)}});
}

absl::Status ReferenceLoad::Once(std::string_view column, const std::string& key) {
  return keys_.insert(key).second ? absl::OkStatus()
                                  : Wrong(column, fmt::format("\"{}\" is there twice.", key));
}

absl::Status ReferenceLoad::AddArea(const v1::Area& area) {
  if (!IsCode(area.code())) return Wrong("code", "a code is 1 to 16 letters and digits, e.g. E08000035.");
  if (area.display_name().empty()) return Wrong("display_name", "an area needs a name.");
  for (const auto& [column, code] :
       {std::pair("upper_tier", &area.upper_tier()), std::pair("region", &area.region())}) {
    if (!code->empty() && !IsCode(*code))
      return Wrong(column, "a code is letters and digits, e.g. E12000001.");
  }
  if (area.deprivation_decile() > kMostDecile)
    return Wrong("deprivation_decile", "a decile is 1 to 10, or empty.");
  PHAROS_RETURN_IF_ERROR(Once("code", area.code()));
  auto& row = *chunk_.add_areas();
  row.set_code(area.code());
  row.set_display_name(area.display_name());
  row.set_upper_tier(area.upper_tier());
  row.set_upper_tier_name(area.upper_tier_name());
  row.set_region(area.region());
  row.set_region_name(area.region_name());
  row.set_deprivation_decile(area.deprivation_decile());
  return Added();
}

absl::Status ReferenceLoad::AddChange(const v1::AreaCodeChange& change) {
  if (!IsCode(change.code())) return Wrong("code", "a code is 1 to 16 letters and digits, e.g. E06000001.");
  if (!IsCode(change.code_now()))
    return Wrong("code_now", "a code is 1 to 16 letters and digits, e.g. E06000001.");
  PHAROS_RETURN_IF_ERROR(Once("code", change.code()));
  auto& row = *chunk_.add_changes();
  row.set_code(change.code());
  row.set_code_now(change.code_now());
  return Added();
}

absl::Status ReferenceLoad::AddPostcode(const v1::Postcode& postcode) {
  const std::string normal = NormalPostcode(postcode.postcode());
  if (normal.empty()) return Wrong("postcode", "a postcode is 2 to 7 letters and digits, e.g. LS1 4AP.");
  if (!IsCode(postcode.area()))
    return Wrong("area", "the code of an area is letters and digits, e.g. E08000035.");
  if (postcode.deprivation_decile() > kMostDecile)
    return Wrong("deprivation_decile", "a decile is 1 to 10, or empty.");
  PHAROS_RETURN_IF_ERROR(Once("postcode", normal));
  auto& row = *chunk_.add_postcodes();
  row.set_postcode(normal);
  row.set_area(postcode.area());
  row.set_deprivation_decile(postcode.deprivation_decile());
  return Added();
}

absl::Status ReferenceLoad::Added() {
  row_.set_rows(row_.rows() + 1);
  const size_t most =
      kind_ == ReferenceKind::kPostcodes ? ReferenceData::kMostPostcodes : ReferenceData::kMostAreas;
  if (static_cast<size_t>(row_.rows()) > most)
    return Wrong("row", fmt::format("there are more than {} rows.", most));
  return ++chunk_rows_ < ReferenceStore::kChunkRows ? absl::OkStatus() : Flush();
}

absl::Status ReferenceLoad::Flush() {
  if (chunk_rows_ == 0) return absl::OkStatus();
  const std::string bytes = chunk_.SerializeAsString();
  EVP_DigestUpdate(digest_.get(), bytes.data(), bytes.size());
  PHAROS_RETURN_IF_ERROR(store_.WriteChunk(kind_, row_.generation(), row_.chunks(), chunk_));
  row_.set_chunks(row_.chunks() + 1);
  chunk_.Clear();
  chunk_rows_ = 0;
  return absl::OkStatus();
}

absl::Status ReferenceLoad::Add(const v1::LoadReferenceRequest& request) {
  for (const v1::Area& area : request.areas()) {
    if (kind_ != ReferenceKind::kAreas) return Wrong("areas", "this load is of another kind.");
    PHAROS_RETURN_IF_ERROR(AddArea(area));
  }
  for (const v1::AreaCodeChange& change : request.changes()) {
    if (kind_ != ReferenceKind::kChanges) return Wrong("changes", "this load is of another kind.");
    PHAROS_RETURN_IF_ERROR(AddChange(change));
  }
  for (const v1::Postcode& postcode : request.postcodes()) {
    if (kind_ != ReferenceKind::kPostcodes) return Wrong("postcodes", "this load is of another kind.");
    PHAROS_RETURN_IF_ERROR(AddPostcode(postcode));
  }
  return absl::OkStatus();
}

absl::StatusOr<record::v1::ReferenceRow> ReferenceLoad::Finish() {
  PHAROS_RETURN_IF_ERROR(Flush());
  std::string digest(32, '\0');
  EVP_DigestFinal_ex(digest_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  row_.set_digest(digest);
  return row_;
}

}  // namespace pharos::audience
