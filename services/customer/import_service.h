// Contact files.
#pragma once

#include <functional>

#include "pharos/customer/v1/import_service.pb.h"
#include "pharos/customer/v1/import_service.serve.h"
#include "services/base/clock.h"
#include "services/customer/intake.h"
#include "services/customer/person_store.h"
#include "services/rpc/call.h"

namespace pharos::customer {

class ImportService : public v1::ImportServiceHandler {
 public:
  // `settle` returns when every permit that was given before it was called is released or has run out: a row
  // may withdraw consent or link people, and the summary is its acknowledgement.
  ImportService(storage::Store& store, const PersonStore& people, base::Clock& clock,
                std::function<void()> settle)
      : store_(store), people_(people), clock_(clock), settle_(std::move(settle)) {}

  absl::Status ImportContacts(
      rpc::Call& call, rpc::Stream<v1::ImportContactsRequest, v1::ImportContactsResponse>& stream) override;

  static constexpr int64_t kMostBytesInMessage = 1 << 20;
  static constexpr int64_t kMostBytesInFile = int64_t{4} << 30;  // 20 million contacts

 private:
  using Stream = rpc::Stream<v1::ImportContactsRequest, v1::ImportContactsResponse>;
  // Whether the purpose of its consent columns is retired.
  absl::StatusOr<bool> Check(const v1::ImportHeader& header) const;
  absl::Status Run(rpc::Call& call, Stream& stream);

  storage::Store& store_;
  const PersonStore& people_;
  base::Clock& clock_;
  const std::function<void()> settle_;
  Intake intake_;
};

}  // namespace pharos::customer
