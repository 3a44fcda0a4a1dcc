// One import: bytes in, row errors, progress and a summary out. Rows are stored in batches, through the
// linker; a progress message counts only what is durable. Used by one thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pharos/customer/v1/import_service.pb.h"
#include "services/base/clock.h"
#include "services/customer/csv.h"
#include "services/customer/import.h"
#include "services/customer/linker.h"
#include "services/customer/person_store.h"
#include "services/rpc/call.h"

namespace pharos::customer {

class ImportRun {
 public:
  // False: the caller has gone.
  using Answer = std::function<bool(const v1::ImportContactsResponse&)>;
  // `purpose_retired`: withdrawals are still taken, grants are not. `agreement`: what the file may bring;
  // nullptr: anything.
  ImportRun(const rpc::Call& call, Linker& linker, const PersonStore& people, base::Clock& clock,
            v1::ImportHeader header, bool purpose_retired, Answer answer,
            const record::v1::AgreementRow* agreement = nullptr);

  absl::Status Feed(std::string_view bytes);
  // The file has ended: stores what is left. IMPORT_HEADER_WRONG if there was not even a header.
  absl::Status Finish();
  // Some row was stored: permits given before may have to run out.
  bool stored_any() const { return counts_.stored() > 0; }
  // To be called last.
  bool Summarise();

  static constexpr size_t kMostRowsInBatch = 512;  // handed over together
  static constexpr int64_t kProgressEvery = 1024;  // rows

 private:
  bool OnRow(CsvRow row);
  absl::Status ReadHeader(const CsvRow& row);
  absl::Status Reject(const v1::RowError& error);
  absl::Status Flush();
  absl::Status Count(const ImportRow& row, const RecordResult& result);
  std::vector<record::v1::LedgerRow> Entries(const ImportRow& row, int64_t now) const;
  bool Progress();

  const rpc::Call& call_;
  Linker& linker_;
  const PersonStore& people_;
  base::Clock& clock_;
  const v1::ImportHeader header_;
  const bool purpose_retired_;
  const std::string source_id_;
  const Answer answer_;
  const record::v1::AgreementRow* const agreement_;
  CsvReader reader_;
  std::optional<ImportColumns> columns_;
  std::vector<ImportRow> batch_;
  v1::ImportProgress counts_;
  int64_t rows_at_progress_ = 0;
  absl::Status status_;
};

}  // namespace pharos::customer
