#include "services/customer/source_service.h"

#include "pharos/record/v1/customer.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"
#include "services/customer/page.h"
#include "services/customer/record_reading.h"
#include "services/rpc/once.h"
#include "storage/envelope.h"

namespace pharos::customer {

using record::v1::SourceRow;

namespace {

void Show(const SourceRow& row, v1::Source& source) {
  source.set_name(row.name());
  source.set_display_name(row.display_name());
  source.set_audience_kind(row.audience_kind());
  source.set_owner(row.owner());
  source.set_trust(row.trust());
  *source.mutable_field_trust() = row.field_trust();
  source.set_create_time_us(row.create_time_us());
  *source.mutable_verified_fields() = row.verified_fields();
}

SourceRow NewSource(const v1::CreateSourceRequest& request, int64_t now) {
  SourceRow row;
  row.set_name("sources/" + request.source_id());
  row.set_display_name(request.source().display_name());
  row.set_audience_kind(request.source().audience_kind());
  row.set_owner(request.source().owner());
  row.set_trust(request.source().trust());
  *row.mutable_field_trust() = request.source().field_trust();
  row.set_create_time_us(now);
  *row.mutable_verified_fields() = request.source().verified_fields();
  return row;
}

}  // namespace

absl::Status SourceService::CreateSource(rpc::Call& call, const v1::CreateSourceRequest& request,
                                         v1::Source& response) {
  if (!base::IsChosenId(request.source_id())) return errors::IdWrong("source_id");
  if (request.source().audience_kind() == type::v1::AUDIENCE_KIND_UNSPECIFIED) {
    return errors::FieldMissing("source.audience_kind",
                                "say whether its people are INTERNAL, PARTNER or PUBLIC");
  }
  const int64_t now = clock_.WallMicros();
  const SourceRow row = NewSource(request, now);
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        SourceRow known;
        PHAROS_ASSIGN_OR_RETURN(const bool taken, storage::GetRecord(tx, SourceKey(row.name()), known));
        if (taken || IsReservedSource(request.source_id())) return errors::SourceExists(row.name());
        storage::PutRecord(tx, SourceKey(row.name()), row);
        tx.AppendChange(rpc::ChangeBy(call, row.name(), "source.created", 1, now));
        Show(row, response);
        return absl::OkStatus();
      },
      now);
}

absl::Status SourceService::GetSource(rpc::Call&, const v1::GetSourceRequest& request, v1::Source& response) {
  SourceRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(store_, SourceKey(request.name()), row));
  if (!found) return errors::SourceNotFound(request.name());
  Show(row, response);
  return absl::OkStatus();
}

absl::Status SourceService::ListSources(rpc::Call&, const v1::ListSourcesRequest& request,
                                        v1::ListSourcesResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const Page page,
                          ReadPage(*store_.Read(), kSource, request.page_size(), request.page_token()));
  for (const auto& value : page.values) {
    SourceRow row;
    PHAROS_RETURN_IF_ERROR(storage::DecodeRecord(value, row));
    Show(row, *response.add_sources());
  }
  response.set_next_page_token(page.next_token);
  return absl::OkStatus();
}

}  // namespace pharos::customer
