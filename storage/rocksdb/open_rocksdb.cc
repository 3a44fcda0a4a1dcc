#include "storage/rocksdb/open_rocksdb.h"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>

#include "fmt/format.h"
#include "rocksdb/env.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/listener.h"
#include "rocksdb/table.h"
#include "rocksdb/wal_filter.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/log.h"
#include "storage/envelope.h"
#include "storage/errors.h"
#include "storage/key_codec.h"
#include "storage/rocksdb/rocksdb_store.h"

namespace pharos::storage::rocks {
namespace {

constexpr uint64_t kLayout = 1;
constexpr size_t kIncarnationBytes = 16;

constexpr size_t kWriteBufferBytes = 32u << 20;
constexpr int kWriteBuffers = 3;
constexpr int kFilesBeforeMerge =
    8;  // of level 0: their Bloom filters keep point reads cheap, and merging is dear
constexpr uint64_t kMaxLogBytes = 64u
                                  << 20;  // of write-ahead log: bounds how long opening after a crash takes
constexpr int kMaxOpenFiles = 512;        // several stores live in one process
constexpr int kBloomBitsPerKey = 10;      // one false positive in a hundred
constexpr uint64_t kSyncEveryBytes =
    1u << 20;  // spreads the write-back of new files, so that a commit's sync does not wait for it
constexpr double kMemtableBloomShare = 0.02;  // of a write buffer
constexpr size_t kInfoLogBytes = 4u << 20;
constexpr size_t kInfoLogs = 4;

// Merging has time: whoever waits for an answer goes first. Not so far back that it would never come to its
// turn, as level 0 would fill up then and commits would have to wait.
class MergeAfterOthers final : public rocksdb::EventListener {
 public:
  void OnCompactionBegin(rocksdb::DB*, const rocksdb::CompactionJobInfo&) override {
    thread_local const int set = setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
    (void)set;  // refused: it merges as it did
  }

 private:
  static constexpr int kNice = 5;  // a third of another thread's share
};

rocksdb::BlockBasedTableOptions TableOptions(const Resources& resources) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = resources.cache();
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.cache_index_and_filter_blocks = true;  // so that the cache bounds all memory that reads use
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  return table;
}

void SetDurability(rocksdb::Options& db) {
  // Of the four modes this is the one that opens after a torn last record (the crash came while it was
  // written, so nobody was told that it was committed) and refuses damage before it. kPointInTimeRecovery
  // would open there, too, without a word, and lose every acknowledged commit behind the damage. The modes
  // read the log of a file that is not used again: no recycling.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.recycle_log_file_num = 0;
  db.track_and_verify_wals_in_manifest = true;  // a log that has gone missing is noticed
  db.paranoid_checks = true;
  db.max_bgerror_resume_count =
      0;  // after an I/O error nobody can say what the disk has; a person looks, then restarts
  db.max_total_wal_size = kMaxLogBytes;
}

rocksdb::Options MakeOptions(const Resources& resources, rocksdb::Env* env) {
  rocksdb::Options db;
  if (env != nullptr) db.env = env;
  db.create_if_missing = true;
  SetDurability(db);
  db.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions(resources)));
  db.write_buffer_manager = resources.buffers();
  // Level 0 is merged again within seconds: not worth compressing.
  db.compression_per_level = {rocksdb::kNoCompression, rocksdb::kLZ4Compression};
  db.compression = rocksdb::kLZ4Compression;
  db.level0_file_num_compaction_trigger = kFilesBeforeMerge;
  db.level_compaction_dynamic_level_bytes = true;
  db.write_buffer_size = kWriteBufferBytes;
  db.max_write_buffer_number = kWriteBuffers;
  db.memtable_whole_key_filtering = true;  // most point reads are for what is not there
  db.memtable_prefix_bloom_size_ratio = kMemtableBloomShare;
  db.listeners.push_back(std::make_shared<MergeAfterOthers>());
  db.max_open_files = kMaxOpenFiles;
  db.bytes_per_sync = kSyncEveryBytes;
  db.max_log_file_size = kInfoLogBytes;
  db.keep_log_file_num = kInfoLogs;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  return db;
}

// Notes the sequence number of the first record of the log, and lets nothing be replayed.
class FirstRecord final : public rocksdb::WalFilter {
 public:
  WalProcessingOption LogRecordFound(unsigned long long, const std::string&, const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch*, bool*) override {
    // A batch begins with its sequence number: 8 bytes, little endian.
    const std::string& bytes = batch.Data();
    for (int i = 7; i >= 0; --i)
      sequence_ = sequence_ << 8 | static_cast<uint8_t>(bytes[static_cast<size_t>(i)]);
    return WalProcessingOption::kStopReplay;
  }
  const char* Name() const override { return "pharos.first_record"; }
  uint64_t sequence() const { return sequence_; }  // 0: the log is empty

 private:
  mutable uint64_t sequence_ = 0;
};

// RocksDB takes a MANIFEST that was cut, or put back from an old copy, for a whole one: tables that it does
// not name are removed, and their rows are gone though the log goes on after them. So before anything is
// changed: the log must begin where the tables end.
absl::Status CheckLogFollowsTables(rocksdb::Options options, const std::string& folder) {
  if (!options.env->FileExists(folder + "/CURRENT").ok()) return absl::OkStatus();  // a new store
  FirstRecord first;
  options.wal_filter = &first;
  options.create_if_missing = false;
  options.wal_recovery_mode =
      rocksdb::WALRecoveryMode::kPointInTimeRecovery;  // what is damaged is found by the opening that counts
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, folder, &opened);
  const std::unique_ptr<rocksdb::DB> db(opened);
  if (!status.ok()) return FromRocksDb(status, folder);
  const uint64_t last = db->GetLatestSequenceNumber();
  if (first.sequence() <= last + 1) return absl::OkStatus();
  return StoreErrors::Damaged(
      folder,
      fmt::format("its tables end at commit {}, and its log begins at {}: the MANIFEST is an old or cut one",
                  last, first.sequence()));
}

// After a loss of power a log may end in a record whose middle never reached the disk: not cut, but wrong.
// Nobody was told of it if what stands before it reaches as far as the witness has seen; then, and only then,
// the log may be read up to it. Looks without changing anything.
bool OnlyTheUnacknowledgedIsTorn(rocksdb::Options options, const std::string& folder,
                                 const OpenOptions& asked) {
  if (asked.in_memory || asked.settings.witness_folder.empty()) return false;
  const std::optional<uint64_t> seen = Witness::Seen(asked.settings.witness_folder, asked.name);
  if (!seen) return false;
  options.create_if_missing = false;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, folder, &opened);
  const std::unique_ptr<rocksdb::DB> db(opened);
  if (!status.ok() || db->GetLatestSequenceNumber() < *seen) return false;
  base::Log(base::LogLevel::kWarning, "store.torn_tail", {{"store", asked.name}});
  return true;
}

absl::StatusOr<Engine> OpenEngine(const OpenOptions& options) {
  Engine engine;
  engine.resources = options.settings.resources;
  if (engine.resources == nullptr) engine.resources = MakeResources(options.block_cache_bytes);
  if (options.in_memory) {
    engine.env.reset(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  } else {
    PHAROS_ASSIGN_OR_RETURN(engine.lock, FolderLock::Take(options.folder));
    PHAROS_RETURN_IF_ERROR(CheckNotHeadless(options.folder));
  }
  const std::string folder = options.folder.empty() ? "/" + options.name : options.folder;
  rocksdb::Options how = MakeOptions(*engine.resources, engine.env.get());
  PHAROS_RETURN_IF_ERROR(CheckLogFollowsTables(how, folder));
  rocksdb::DB* db = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(how, folder, &db);
  if (status.IsCorruption() && OnlyTheUnacknowledgedIsTorn(how, folder, options)) {
    how.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    status = rocksdb::DB::Open(how, folder, &db);
  }
  if (!status.ok()) return FromRocksDb(status, folder);
  engine.db.reset(db);
  return engine;
}

std::string MetaKey(std::string_view name) {
  return KeyWriter(kMetaTable).String(name);
}

// 0 if nothing is noted yet.
absl::StatusOr<uint64_t> ReadNumber(const State& state, std::string_view name) {
  PHAROS_ASSIGN_OR_RETURN(const std::optional<std::string> value, state.Get(MetaKey(name)));
  if (!value) return uint64_t{0};
  PHAROS_ASSIGN_OR_RETURN(const std::string_view text, Unwrap(*value));
  uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return StoreErrors::Damaged(state.folder(), fmt::format("its {} number cannot be read", name));
  }
  return number;
}

absl::Status WriteNumbers(const State& state, uint64_t format) {
  rocksdb::WriteBatch batch;
  rocksdb::WriteOptions options;
  options.sync = true;
  rocksdb::Status status = batch.Put(MetaKey("format"), Wrap(fmt::format("{}", format)));
  if (status.ok()) status = batch.Put(MetaKey("layout"), Wrap(fmt::format("{}", kLayout)));
  if (status.ok()) status = state.db()->Write(options, &batch);
  return status.ok() ? absl::OkStatus() : FromRocksDb(status, state.folder());
}

// The store's random id, made with it.
absl::StatusOr<std::string> Incarnation(const State& state) {
  PHAROS_ASSIGN_OR_RETURN(const std::optional<std::string> value, state.Get(MetaKey("incarnation")));
  if (value) {
    PHAROS_ASSIGN_OR_RETURN(const std::string_view id, Unwrap(*value));
    if (id.size() != kIncarnationBytes)
      return StoreErrors::Damaged(state.folder(), "its incarnation cannot be read");
    return std::string(id);
  }
  const std::string id = base::RandomBytes16();
  rocksdb::WriteOptions options;
  options.sync = true;
  const rocksdb::Status status = state.db()->Put(options, MetaKey("incarnation"), Wrap(id));
  if (!status.ok()) return FromRocksDb(status, state.folder());
  return id;
}

// After everything else that opening writes.
absl::Status OpenWitness(const State& state, const OpenOptions& options, Engine& engine) {
  if (options.in_memory || options.settings.witness_folder.empty()) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(const std::string incarnation, Incarnation(state));
  PHAROS_ASSIGN_OR_RETURN(engine.witness, Witness::Open(options.settings.witness_folder, options.name,
                                                        incarnation, state.db()->GetLatestSequenceNumber()));
  return absl::OkStatus();
}

absl::Status CheckFormats(const State& state, const OpenOptions& options) {
  PHAROS_ASSIGN_OR_RETURN(const uint64_t layout, ReadNumber(state, "layout"));
  PHAROS_ASSIGN_OR_RETURN(const uint64_t format, ReadNumber(state, "format"));
  if (layout > kLayout) return StoreErrors::FormatNewer(options.name, options.folder, layout, kLayout);
  if (format > options.format)
    return StoreErrors::FormatNewer(options.name, options.folder, format, options.format);
  if (format != 0 && format < options.oldest_format)
    return StoreErrors::FormatOlder(options.name, options.folder, format, options.oldest_format);
  if (layout == kLayout && format == options.format) return absl::OkStatus();
  return WriteNumbers(state, options.format);
}

absl::StatusOr<uint64_t> FindLastPosition(const State& state) {
  const std::string end = PrefixRange(KeyWriter(kChangeTable).str()).end;
  std::unique_ptr<rocksdb::Iterator> at(state.db()->NewIterator(state.ReadOptions()));
  at->SeekForPrev(end);
  if (!at->status().ok()) return FromRocksDb(at->status(), state.folder());
  if (!at->Valid() || static_cast<uint8_t>(at->key()[0]) != kChangeTable) return uint64_t{0};
  KeyReader reader(ToView(at->key()));
  const uint64_t position = reader.U64();
  if (!reader.ok() || !reader.done())
    return StoreErrors::Damaged(state.folder(), "its change log cannot be read");
  return position;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenRocksDb(const OpenOptions& options) {
  PHAROS_ASSIGN_OR_RETURN(Engine engine, OpenEngine(options));
  uint64_t position = 0;
  {
    const State state(engine.db.get(), options.folder, 0, 0);
    PHAROS_RETURN_IF_ERROR(CheckFormats(state, options));
    PHAROS_ASSIGN_OR_RETURN(position, FindLastPosition(state));
    PHAROS_RETURN_IF_ERROR(OpenWitness(state, options, engine));
  }
  return std::make_unique<RocksDbStore>(std::move(engine), options.folder, position);
}

}  // namespace pharos::storage::rocks
