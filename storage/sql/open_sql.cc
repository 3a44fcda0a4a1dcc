#include "storage/sql/open_sql.h"

#include "services/base/errors.h"
#include "storage/errors.h"
#include "storage/sql/sql_store.h"

namespace pharos::storage::sql {
namespace {

constexpr uint64_t kLayout = 1;

// Before the store is taken: a version that may not read it leaves it to the one that may.
absl::Status CheckFormats(const Meta& meta, const OpenOptions& options) {
  const std::string place = "the database schema " + options.name;
  if (meta.layout > kLayout) return StoreErrors::FormatNewer(options.name, place, meta.layout, kLayout);
  if (meta.format != 0 && meta.format < options.oldest_format)
    return StoreErrors::FormatOlder(options.name, place, meta.format, options.oldest_format);
  if (meta.format > options.format)
    return StoreErrors::FormatNewer(options.name, place, meta.format, options.format);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Witness>> OpenWitness(const OpenOptions& options, const Meta& meta) {
  if (options.settings.witness_folder.empty()) return nullptr;
  return Witness::Open(options.settings.witness_folder, options.name, meta.incarnation, meta.sequence);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSql(const OpenOptions& options) {
  return OpenSql(options, Pace{});
}

absl::StatusOr<std::unique_ptr<Store>> OpenSql(const OpenOptions& options, const Pace& pace) {
  const std::string& settings = options.settings.sql;
  Parts parts;
  parts.tables = std::make_unique<Tables>(options.name);
  PHAROS_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Connection::Open(settings, options.name));
  PHAROS_RETURN_IF_ERROR(parts.tables->Make(*connection));
  PHAROS_ASSIGN_OR_RETURN(Meta meta, parts.tables->ReadMeta(*connection));
  PHAROS_RETURN_IF_ERROR(CheckFormats(meta, options));
  PHAROS_ASSIGN_OR_RETURN(parts.tenure, Tenure::Take(settings, *parts.tables, pace, *connection, meta));
  PHAROS_RETURN_IF_ERROR(CheckFormats(meta, options));  // it may have changed hands since
  if (meta.layout != kLayout || meta.format != options.format)
    PHAROS_RETURN_IF_ERROR(parts.tables->WriteFormat(*connection, meta.epoch, kLayout, options.format));
  PHAROS_ASSIGN_OR_RETURN(std::unique_ptr<Witness> witness, OpenWitness(options, meta));
  parts.source = std::make_unique<Source>(settings, *parts.tables, *parts.tenure, options.block_cache_bytes);
  parts.committer =
      std::make_unique<Committer>(*parts.source, settings, meta, std::move(witness), std::move(connection));
  parts.survey = std::make_unique<Survey>(*parts.source);
  return std::make_unique<SqlStore>(std::move(parts));
}

}  // namespace pharos::storage::sql
