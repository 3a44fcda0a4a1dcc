// The store on a PostgreSQL-wire database: see storage/store.h for what it promises.
#pragma once

#include <memory>
#include <string>

#include "storage/sql/committer.h"
#include "storage/sql/read.h"
#include "storage/sql/survey.h"
#include "storage/sql/tenure.h"
#include "storage/store.h"
#include "storage/turn.h"

namespace pharos::storage::sql {

// What a store owns, in the order in which it is built.
struct Parts {
  std::unique_ptr<Tables> tables;
  std::unique_ptr<Tenure> tenure;
  std::unique_ptr<Source> source;
  std::unique_ptr<Committer> committer;
  std::unique_ptr<Survey> survey;
};

class SqlStore final : public Store {
 public:
  explicit SqlStore(Parts parts) : parts_(std::move(parts)) {}
  ~SqlStore() override;

  absl::Status Transact(const std::function<absl::Status(Transaction&)>& body) override;
  std::unique_ptr<View> Read() const override;
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override;
  absl::StatusOr<std::vector<Change>> ReadChanges(uint64_t position, size_t most) const override;
  bool WaitForChange(uint64_t position, int64_t micros) const override;
  uint64_t LastPosition() const override;

 private:
  Parts parts_;
  Turn turn_;
};

}  // namespace pharos::storage::sql
