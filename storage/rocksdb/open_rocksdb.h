// Opens a RocksDB store. The layout in it:
//   kMetaTable "format"   → decimal: format of the service's records
//   kMetaTable "layout"   → decimal: format of storage's own tables and envelope
//   kChangeTable position → change entry
// Every value stands in an envelope.
#pragma once

#include "storage/open.h"

namespace pharos::storage::rocks {

absl::StatusOr<std::unique_ptr<Store>> OpenRocksDb(const OpenOptions& options);

}  // namespace pharos::storage::rocks
