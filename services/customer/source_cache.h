// Sources by id, kept in memory once read: a source never changes after it was registered. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "pharos/record/v1/customer.pb.h"
#include "services/base/mutex.h"
#include "storage/store.h"

namespace pharos::customer {

class SourceCache {
 public:
  // nullptr: not registered. The row lives as long as the cache.
  absl::StatusOr<const record::v1::SourceRow*> Find(storage::Transaction& tx, std::string_view source_id);

 private:
  base::Mutex mutex_;
  std::map<std::string, std::unique_ptr<const record::v1::SourceRow>, std::less<>> rows_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::customer
