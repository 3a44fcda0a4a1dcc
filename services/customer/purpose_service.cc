#include "services/customer/purpose_service.h"

#include <algorithm>

#include "pharos/record/v1/customer.pb.h"
#include "services/base/errors.h"
#include "services/customer/errors.h"
#include "services/customer/page.h"
#include "services/customer/purpose.h"
#include "services/customer/purpose_store.h"
#include "services/rpc/once.h"
#include "storage/envelope.h"

namespace pharos::customer {

using record::v1::PurposeRow;

absl::Status PurposeService::CreatePurpose(rpc::Call& call, const v1::CreatePurposeRequest& request,
                                           v1::Purpose& response) {
  const int64_t now = clock_.WallMicros();
  PHAROS_ASSIGN_OR_RETURN(const PurposeRow row, NewPurpose(request, now));
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(const auto known, LoadPurpose(tx, row.name()));
        if (known) return errors::PurposeExists(row.name());
        SavePurpose(tx, nullptr, row);
        tx.AppendChange(rpc::ChangeBy(call, row.name(), "purpose.created", row.version(), now));
        response = ShowPurpose(row);
        return absl::OkStatus();
      },
      now);
}

absl::Status PurposeService::UpdatePurpose(rpc::Call& call, const v1::UpdatePurposeRequest& request,
                                           v1::Purpose& response) {
  const int64_t now = clock_.WallMicros();
  const std::string& name = request.purpose().name();
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(const auto current, LoadPurpose(tx, name));
        if (!current) return errors::PurposeNotFound(name);
        PHAROS_ASSIGN_OR_RETURN(const PurposeRow next, NextPurpose(*current, request.purpose()));
        SavePurpose(tx, &*current, next);
        tx.AppendChange(rpc::ChangeBy(call, name, "purpose.updated", next.version(), now));
        response = ShowPurpose(next);
        return absl::OkStatus();
      },
      now);
}

absl::Status PurposeService::RetirePurpose(rpc::Call& call, const v1::RetirePurposeRequest& request,
                                           v1::Purpose& response) {
  const int64_t now = clock_.WallMicros();
  PHAROS_RETURN_IF_ERROR(rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(const auto current, LoadPurpose(tx, request.name()));
        if (!current) return errors::PurposeNotFound(request.name());
        const PurposeRow next = RetiredPurpose(*current, now);
        response = ShowPurpose(next);
        if (next.version() == current->version()) return absl::OkStatus();
        SavePurpose(tx, &*current, next);
        tx.AppendChange(rpc::ChangeBy(call, request.name(), "purpose.retired", next.version(), now));
        return absl::OkStatus();
      },
      now));
  settle_();
  return absl::OkStatus();
}

absl::Status PurposeService::GetPurpose(rpc::Call&, const v1::GetPurposeRequest& request,
                                        v1::Purpose& response) {
  const auto view = store_.Read();
  PHAROS_ASSIGN_OR_RETURN(const auto row, request.version() == 0
                                              ? LoadPurpose(*view, request.name())
                                              : LoadPurposeVersion(*view, request.name(), request.version()));
  if (!row) return errors::PurposeNotFound(request.name());
  response = ShowPurpose(*row);
  return absl::OkStatus();
}

absl::Status PurposeService::ListPurposes(rpc::Call&, const v1::ListPurposesRequest& request,
                                          v1::ListPurposesResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const Page page,
                          ReadPage(*store_.Read(), kPurpose, request.page_size(), request.page_token()));
  for (const auto& value : page.values) {
    PurposeRow row;
    PHAROS_RETURN_IF_ERROR(storage::DecodeRecord(value, row));
    row.set_version(std::max<uint64_t>(row.version(), 1));
    *response.add_purposes() = ShowPurpose(row);
  }
  response.set_next_page_token(page.next_token);
  return absl::OkStatus();
}

}  // namespace pharos::customer
