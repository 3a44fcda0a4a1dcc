// The store on RocksDB: see storage/store.h for what it promises.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "services/base/mutex.h"
#include "storage/rocksdb/committer.h"
#include "storage/rocksdb/folder.h"
#include "storage/rocksdb/resources.h"
#include "storage/store.h"
#include "storage/turn.h"
#include "storage/witness.h"

namespace pharos::storage::rocks {

// What a store owns, in the order in which it is built.
struct Engine {
  std::shared_ptr<Resources> resources;
  std::unique_ptr<FolderLock> lock;   // null in memory
  std::unique_ptr<rocksdb::Env> env;  // null on disk
  std::unique_ptr<rocksdb::DB> db;
  std::unique_ptr<Witness> witness;  // null in memory, and where none is wanted
};

class RocksDbStore final : public Store {
 public:
  // `position`: of the last change in the engine.
  RocksDbStore(Engine engine, const std::string& folder, uint64_t position);
  ~RocksDbStore() override;

  absl::Status Transact(const std::function<absl::Status(Transaction&)>& body) override;
  absl::Status TransactAhead(const std::function<absl::Status(Transaction&)>& body, Done done) override;
  std::unique_ptr<View> Read() const override;
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override;
  absl::StatusOr<std::vector<Change>> ReadChanges(uint64_t position, size_t most) const override;
  bool WaitForChange(uint64_t position, int64_t micros) const override;
  uint64_t LastPosition() const override;

 private:
  std::vector<std::shared_ptr<const RocksDbTransaction>> Ahead() const;
  void Arrived();

  const std::string folder_;
  Engine engine_;
  mutable base::Mutex ahead_mutex_;
  // Of the only writer: on their way to the disk, the newest last.
  std::deque<std::shared_ptr<const RocksDbTransaction>> ahead_ ABSL_GUARDED_BY(ahead_mutex_);
  std::unique_ptr<Committer> committer_;
  Turn turn_;
};

}  // namespace pharos::storage::rocks
