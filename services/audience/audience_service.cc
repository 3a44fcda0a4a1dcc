#include "services/audience/audience_service.h"

#include <fmt/format.h>

#include "pharos/audience/v1/audience_service.pb.h"
#include "services/audience/errors.h"
#include "services/audience/filter_check.h"
#include "services/audience/page_token.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/rpc/once.h"

namespace pharos::audience {
namespace {

constexpr size_t kDefaultPage = 100;
constexpr size_t kMaxPageBytes = 3u << 20;  // a message has at most 4 MiB
constexpr std::string_view kListQuery = "audiences";

void Fill(const record::v1::AudienceRow& row, v1::Audience& audience) {
  audience.set_name(row.name());
  audience.set_display_name(row.display_name());
  audience.set_filter(row.filter());
  audience.set_create_time_us(row.create_time_us());
  audience.set_version(row.version());
}

absl::StatusOr<record::v1::AudienceRow> NextVersion(const record::v1::AudienceRow& before,
                                                    const v1::UpdateAudienceRequest& request,
                                                    int64_t now_us) {
  const v1::Audience& wanted = request.audience();
  if (request.expected_version() != before.version())
    return AudienceErrors::AudienceChanged(before.name(), before.version());
  if (wanted.filter() == before.filter() && wanted.display_name() == before.display_name())
    return AudienceErrors::NothingToUpdate();
  if (before.version() >= kMostVersions) return AudienceErrors::VersionsFull(before.name(), kMostVersions);
  record::v1::AudienceRow row = before;
  row.set_display_name(wanted.display_name());
  row.set_filter(wanted.filter());
  row.set_create_time_us(now_us);
  row.set_version(before.version() + 1);
  return row;
}

}  // namespace

AudienceService::AudienceService(storage::Store& store, const PeopleIndex& index, AskFreshness ask,
                                 base::Clock& clock, SnapshotShelf* shelf)
    : store_(store),
      index_(index),
      ask_(std::move(ask)),
      clock_(clock),
      shelf_(shelf),
      audiences_(store),
      pins_(store),
      queries_(store),
      answers_(index, ask_, clock, shelf),
      told_(answers_, queries_) {}

absl::Status AudienceService::CreateAudience(rpc::Call& call, const v1::CreateAudienceRequest& request,
                                             v1::Audience& response) {
  if (!base::IsChosenId(request.audience_id())) return AudienceErrors::AudienceIdWrong();
  PHAROS_RETURN_IF_ERROR(CompileFilter(request.audience().filter()).status());
  const int64_t now_us = clock_.WallMicros();
  record::v1::AudienceRow row;
  row.set_name(fmt::format("audiences/{}", request.audience_id()));
  row.set_display_name(request.audience().display_name());
  row.set_filter(request.audience().filter());
  row.set_create_time_us(now_us);
  row.set_version(1);
  const auto add = [&](storage::Transaction& tx) -> absl::Status {
    PHAROS_RETURN_IF_ERROR(audiences_.Add(tx, row));
    tx.AppendChange(rpc::ChangeBy(call, row.name(), "audience.created", 1, now_us));
    Fill(row, response);
    return absl::OkStatus();
  };
  return rpc::Once(call, store_, request, response, add, now_us);
}

absl::Status AudienceService::GetAudience(rpc::Call&, const v1::GetAudienceRequest& request,
                                          v1::Audience& response) {
  PHAROS_ASSIGN_OR_RETURN(const auto row, audiences_.Load(request.name()));
  Fill(row, response);
  return absl::OkStatus();
}

absl::Status AudienceService::ListAudiences(rpc::Call&, const v1::ListAudiencesRequest& request,
                                            v1::ListAudiencesResponse& response) {
  std::string after;
  if (!request.page_token().empty()) {
    PHAROS_ASSIGN_OR_RETURN(after, ReadPageToken(kListQuery, request.page_token()));
  }
  const size_t most = request.page_size() > 0 ? request.page_size() : kDefaultPage;
  PHAROS_ASSIGN_OR_RETURN(const auto rows, audiences_.List(after, most + 1));
  size_t bytes = 0;
  for (const auto& row : rows) {
    bytes += row.ByteSizeLong();
    const auto taken = static_cast<size_t>(response.audiences_size());
    if (taken == most || (taken > 0 && bytes > kMaxPageBytes)) {
      const std::string last =
          base::Segment(response.audiences(response.audiences_size() - 1).name(), "audiences");
      response.set_next_page_token(MakePageToken(kListQuery, last));
      break;
    }
    Fill(row, *response.add_audiences());
  }
  return absl::OkStatus();
}

absl::Status AudienceService::UpdateAudience(rpc::Call& call, const v1::UpdateAudienceRequest& request,
                                             v1::Audience& response) {
  PHAROS_RETURN_IF_ERROR(CompileFilter(request.audience().filter()).status());
  const int64_t now_us = clock_.WallMicros();
  const auto update = [&](storage::Transaction& tx) -> absl::Status {
    PHAROS_ASSIGN_OR_RETURN(const auto before, audiences_.Load(tx, request.audience().name()));
    PHAROS_ASSIGN_OR_RETURN(const auto row, NextVersion(before, request, now_us));
    audiences_.Update(tx, before, row);
    tx.AppendChange(rpc::ChangeBy(call, row.name(), "audience.updated", row.version(), now_us));
    Fill(row, response);
    return absl::OkStatus();
  };
  return rpc::Once(call, store_, request, response, update, now_us);
}

absl::Status AudienceService::ListAudienceVersions(rpc::Call&, const v1::ListAudienceVersionsRequest& request,
                                                   v1::ListAudienceVersionsResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const auto rows, audiences_.Versions(request.audience()));
  for (const auto& row : rows) Fill(row, *response.add_versions());
  return absl::OkStatus();
}

absl::Status AudienceService::ListFields(rpc::Call&, const v1::ListFieldsRequest&,
                                         v1::ListFieldsResponse& response) {
  for (const FieldInfo& info : AllFields()) {
    v1::Field& field = *response.add_fields();
    field.set_name(info.name);
    field.set_type(TypeName(info.type));
    field.set_description(fmt::format("{} Example: {}", info.description, info.example));
  }
  return absl::OkStatus();
}

absl::Status AudienceService::GetMembership(rpc::Call&, const v1::GetMembershipRequest& request,
                                            v1::Membership& response) {
  PHAROS_ASSIGN_OR_RETURN(const auto pin, pins_.NewestOf(request.campaign()));
  PHAROS_ASSIGN_OR_RETURN(const auto reason, pins_.ReasonOf(pin, request.person()));
  response.set_pin(pin.name());
  response.set_matched(reason.has_value());
  response.set_reason(reason.value_or(type::v1::GATE_REASON_UNSPECIFIED));
  return absl::OkStatus();
}

}  // namespace pharos::audience
