// Opens a store in a schema of a PostgreSQL-wire database: `options.settings.sql` is a libpq connection
// string, `options.name` the schema, made if missing. The layout stands in storage/sql/tables.h.
#pragma once

#include "storage/open.h"
#include "storage/sql/tenure.h"

namespace pharos::storage::sql {

// As storage::Open. A store whose owner died on this machine is taken over at once; one whose owner cannot be
// seen from here, after ten seconds without a sign of life.
absl::StatusOr<std::unique_ptr<Store>> OpenSql(const OpenOptions& options);
// For tests: with other times.
absl::StatusOr<std::unique_ptr<Store>> OpenSql(const OpenOptions& options, const Pace& pace);

}  // namespace pharos::storage::sql
