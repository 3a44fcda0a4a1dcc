// Contact files.
#pragma once

#include <functional>

#include "pharos/customer/v1/import_service.pb.h"
#include "pharos/customer/v1/import_service.serve.h"
#include "services/base/clock.h"
#include "services/customer/agreement_book.h"
#include "services/customer/intake.h"
#include "services/customer/linker.h"
#include "services/customer/person_store.h"
#include "services/rpc/call.h"

namespace pharos::customer {

class ImportService : public v1::ImportServiceHandler {
 public:
  // `settle` returns when every permit that was given before it was called is released or has run out: a row
  // may withdraw consent or link people, and the summary is its acknowledgement.
  // `agreements`: the one book of the service, so that an agreement's end waits for imports too; nullptr: a
  // book of its own.
  ImportService(storage::Store& store, const PersonStore& people, Linker& linker, base::Clock& clock,
                std::function<void()> settle, AgreementBook* agreements = nullptr)
      : store_(store),
        people_(people),
        linker_(linker),
        clock_(clock),
        settle_(std::move(settle)),
        own_book_(store, clock),
        agreements_(agreements == nullptr ? own_book_ : *agreements) {}

  absl::Status ImportContacts(
      rpc::Call& call, rpc::Stream<v1::ImportContactsRequest, v1::ImportContactsResponse>& stream) override;

  static constexpr int64_t kMostBytesInMessage = 1 << 20;
  static constexpr int64_t kMostBytesInFile = int64_t{4} << 30;  // 20 million contacts

 private:
  using Stream = rpc::Stream<v1::ImportContactsRequest, v1::ImportContactsResponse>;
  // Whether the purpose of its consent columns is retired. `agreement`: what the file is brought under;
  // nullptr: nothing.
  absl::StatusOr<bool> Check(const v1::ImportHeader& header, const record::v1::AgreementRow* agreement) const;
  absl::Status Run(rpc::Call& call, Stream& stream);

  storage::Store& store_;
  const PersonStore& people_;
  Linker& linker_;
  base::Clock& clock_;
  const std::function<void()> settle_;
  AgreementBook own_book_;
  AgreementBook& agreements_;
  Intake intake_;
};

}  // namespace pharos::customer
