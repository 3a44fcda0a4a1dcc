#include "services/audience/reference_service.h"

#include <algorithm>

#include "pharos/audience/v1/reference_service.pb.h"
#include "services/audience/page_token.h"
#include "services/audience/reference_load.h"
#include "services/base/errors.h"
#include "services/rpc/once.h"

namespace pharos::audience {
namespace {

using record::v1::ReferenceRow;

constexpr int kPage = 1000;
constexpr char kQuery[] = "areas";

absl::Status KindMissing() {
  return base::MakeError(
      absl::StatusCode::kInvalidArgument, "REFERENCE_KIND_MISSING",
      "Say in the first message of what kind the rows are: AREAS, AREA_CODE_CHANGES or POSTCODES.");
}

absl::Status Nothing() {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "REFERENCE_EMPTY",
                         "There was no row. Nothing was changed: look whether the file is the right one.");
}

v1::Area AreaOf(const record::v1::ReferenceChunkRow::Area& row) {
  v1::Area area;
  area.set_code(row.code());
  area.set_display_name(row.display_name());
  area.set_upper_tier(row.upper_tier());
  area.set_upper_tier_name(row.upper_tier_name());
  area.set_region(row.region());
  area.set_region_name(row.region_name());
  area.set_deprivation_decile(row.deprivation_decile());
  return area;
}

}  // namespace

absl::Status ReferenceService::Open() {
  PHAROS_RETURN_IF_ERROR(store_.DropRest());
  return Publish();
}

absl::Status ReferenceService::Publish() {
  PHAROS_ASSIGN_OR_RETURN(const auto state, store_.State());
  uint64_t generation = 0;
  for (const auto& [kind, row] : state) generation += row.generation();
  PHAROS_ASSIGN_OR_RETURN(const auto chunks, store_.ReadAll());
  PHAROS_ASSIGN_OR_RETURN(const auto data, ReferenceData::Make(generation, chunks));
  {
    base::MutexLock lock(mutex_);
    data_ = data;
  }
  if (!state.empty()) on_loaded_(data);
  return absl::OkStatus();
}

absl::Status ReferenceService::LoadReference(rpc::Call& call, Stream& stream) {
  base::MutexLock lock(loading_);
  const absl::Status loaded = Load(call, stream);
  const absl::Status dropped = store_.DropRest();
  return loaded.ok() ? dropped : loaded;
}

absl::Status ReferenceService::Load(rpc::Call& call, Stream& stream) {
  v1::LoadReferenceRequest request;
  if (!stream.Read(request) || request.kind() == v1::LoadReferenceRequest::KIND_UNSPECIFIED)
    return KindMissing();
  const auto kind = static_cast<ReferenceKind>(request.kind());
  const std::string attribution = request.attribution();
  PHAROS_ASSIGN_OR_RETURN(const auto state, store_.State());
  const auto before = state.find(kind);
  const uint64_t generation = before == state.end() ? 1 : before->second.generation() + 1;
  ReferenceLoad load(store_, kind, generation);
  do {
    PHAROS_RETURN_IF_ERROR(load.Add(request));
  } while (stream.Read(request));
  if (call.cancelled()) return absl::CancelledError("the caller has gone; nothing was changed");
  PHAROS_ASSIGN_OR_RETURN(ReferenceRow row, load.Finish());
  if (row.rows() == 0) return Nothing();
  v1::LoadReferenceResponse response;
  response.set_rows(row.rows());
  const bool same = before != state.end() && before->second.digest() == row.digest() &&
                    before->second.attribution() == attribution;
  response.set_unchanged(same);
  if (!same) PHAROS_RETURN_IF_ERROR(Commit(call, kind, std::move(row), attribution, response));
  stream.Write(response);
  return absl::OkStatus();
}

absl::Status ReferenceService::Commit(rpc::Call& call, ReferenceKind kind, ReferenceRow row,
                                      const std::string& attribution, v1::LoadReferenceResponse& response) {
  const int64_t now = clock_.WallMicros();
  row.set_load_time_us(now);
  row.set_attribution(attribution);
  const std::string name =
      v1::LoadReferenceRequest::Kind_Name(static_cast<v1::LoadReferenceRequest::Kind>(kind));
  PHAROS_RETURN_IF_ERROR(store_.Commit(
      kind, row, rpc::ChangeBy(call, "reference/" + name, "reference_loaded", row.generation(), now)));
  return Publish();
}

absl::Status ReferenceService::ListAreas(rpc::Call&, const v1::ListAreasRequest& request,
                                         v1::ListAreasResponse& response) {
  const std::string query = kQuery + request.region();
  std::string after;
  if (!request.page_token().empty()) {
    PHAROS_ASSIGN_OR_RETURN(after, ReadPageToken(query, request.page_token()));
  }
  std::shared_ptr<const ReferenceData> data;
  {
    base::MutexLock lock(mutex_);
    data = data_;
  }
  if (data == nullptr) return absl::OkStatus();
  const int page = request.page_size() == 0 ? kPage : request.page_size();
  for (const auto& area : data->areas()) {
    if (area.display_name().empty() || area.code() <= after) continue;
    if (!request.region().empty() && area.region() != request.region()) continue;
    if (response.areas_size() == page) {
      response.set_next_page_token(MakePageToken(query, response.areas(page - 1).code()));
      break;
    }
    *response.add_areas() = AreaOf(area);
  }
  return absl::OkStatus();
}

absl::Status ReferenceService::GetReferenceState(rpc::Call&, const v1::GetReferenceStateRequest&,
                                                 v1::ReferenceState& response) {
  PHAROS_ASSIGN_OR_RETURN(const auto state, store_.State());
  for (const auto& [kind, row] : state) {
    auto& loaded = *response.add_loaded();
    loaded.set_kind(static_cast<v1::LoadReferenceRequest::Kind>(kind));
    loaded.set_rows(row.rows());
    loaded.set_load_time_us(row.load_time_us());
    loaded.set_attribution(row.attribution());
    loaded.set_digest(row.digest());
  }
  return absl::OkStatus();
}

}  // namespace pharos::audience
