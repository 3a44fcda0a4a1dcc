// Damages copies of a store in ways nobody chose, and looks whether anybody would notice: every mutation must
// be detected (opening or reading fails, with a reason) or harmless (every row is right). Never fewer rows,
// older rows or other rows without a word.
//
// PHAROS_MUTATIONS: how many (1000 unless set). PHAROS_SEED: where the random numbers begin (1 unless set).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "services/base/errors.h"
#include "storage/open.h"

namespace pharos::tests {
namespace {

namespace fs = std::filesystem;
using storage::Store;
using storage::Transaction;

constexpr int kSessions =
    7;  // each opening flushes the log of the one before into a table; four tables are compacted
constexpr int kRowsASession = 500;  // of which a fifth overwrite older ones, and a tenth delete
constexpr int kRowsACommit = 25;
constexpr int kOldSession = 4;  // the copy that is put back is of the end of this one

using Rows = std::map<std::string, std::string>;

struct Oracle {
  Rows rows;
  std::set<std::string> gone;  // deleted
  std::vector<std::string> changes;
};

int FromEnvironment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atoi(text) : otherwise;
}

absl::StatusOr<std::unique_ptr<Store>> OpenStore(const fs::path& root) {
  storage::OpenOptions options;
  options.folder = root / "store";
  options.name = "damage";
  options.block_cache_bytes = 4u << 20;
  options.settings.witness_folder = root;
  return storage::Open(options);
}

std::string RandomValue(std::mt19937& random) {
  std::string value(std::uniform_int_distribution<size_t>(20, 400)(random), 'v');
  for (size_t i = 0; i < value.size() / 2; ++i) value[i] = static_cast<char>(random());
  return value;
}

// One commit: what the store and the oracle are told is the same.
absl::Status CommitRows(Store& store, Oracle& oracle, std::mt19937& random, int session, int commit) {
  Oracle next = oracle;
  const absl::Status status = store.Transact([&](Transaction& tx) {
    for (int i = 0; i < kRowsACommit; ++i) {
      const int from = random() % 5 == 0 ? static_cast<int>(random() % (session + 1)) : session;
      const std::string key =
          fmt::format("row/{:02}-{:04}", from, random() % 10 == 0 ? 0 : commit * kRowsACommit + i);
      if (random() % 10 == 0) {
        tx.Delete(key);
        next.rows.erase(key);
        next.gone.insert(key);
      } else {
        const std::string value = RandomValue(random);
        tx.Put(key, value);
        next.rows[key] = value;
        next.gone.erase(key);
      }
    }
    next.changes.push_back(fmt::format("change {}-{}", session, commit));
    tx.AppendChange(next.changes.back());
    return absl::OkStatus();
  });
  if (status.ok()) oracle = std::move(next);
  return status;
}

// What was found. A violation is an answer that is not an error and not right.
struct Finding {
  std::set<std::string> reasons;  // of errors
  std::string violation;          // the first

  void Error(const absl::Status& status) {
    const std::string reason(base::ReasonOf(status));
    if (reason.empty()) Violation("an error without a reason: " + status.ToString());
    reasons.insert(reason);
  }
  void Violation(std::string what) {
    if (violation.empty()) violation = std::move(what);
  }
};

void CheckScan(const Store& store, const Rows& rows, Finding& finding) {
  Rows seen;
  const absl::Status status =
      store.Read()->Scan(storage::PrefixRange("row/"), [&](std::string_view key, std::string_view value) {
        seen.emplace(key, value);
        return true;
      });
  if (!status.ok()) return finding.Error(status);
  if (seen != rows)
    finding.Violation(fmt::format("a scan shows {} rows of {}, or other ones", seen.size(), rows.size()));
}

void CheckPoints(const Store& store, const Oracle& oracle, Finding& finding) {
  for (const auto& [key, value] : oracle.rows) {
    const auto got = store.Get(key);
    if (!got.ok()) {
      finding.Error(got.status());
    } else if (*got != value) {
      finding.Violation("a read of " + key + " shows " + (got->has_value() ? "another value" : "nothing"));
    }
  }
  for (const std::string& key : oracle.gone) {
    const auto got = store.Get(key);
    if (!got.ok()) {
      finding.Error(got.status());
    } else if (got->has_value()) {
      finding.Violation(key + " was deleted and is back");
    }
  }
}

void CheckChanges(const Store& store, const Oracle& oracle, Finding& finding) {
  if (store.LastPosition() != oracle.changes.size())
    finding.Violation(fmt::format("the log ends at {}", store.LastPosition()));
  const auto changes = store.ReadChanges(0, oracle.changes.size() + 1);
  if (!changes.ok()) return finding.Error(changes.status());
  bool same = changes->size() == oracle.changes.size();
  for (size_t i = 0; same && i < changes->size(); ++i) same = (*changes)[i].entry == oracle.changes[i];
  if (!same)
    finding.Violation(fmt::format("the change log shows {} of {}", changes->size(), oracle.changes.size()));
}

Finding CheckAll(const fs::path& root, const Oracle& oracle) {
  Finding finding;
  const auto store = OpenStore(root);
  if (!store.ok()) {
    finding.Error(store.status());
    return finding;
  }
  CheckScan(**store, oracle.rows, finding);
  CheckPoints(**store, oracle, finding);
  CheckChanges(**store, oracle, finding);
  return finding;
}

// ---- what is done to a copy

std::string KindOf(const fs::path& file) {
  const std::string name = file.filename();
  if (file.extension() == ".sst" || file.extension() == ".log" || file.extension() == ".witness")
    return file.extension().string().substr(1);
  for (const char* kind : {"MANIFEST", "CURRENT", "OPTIONS", "IDENTITY"})
    if (name.starts_with(kind)) return kind;
  return "";
}

std::map<std::string, std::vector<fs::path>> FilesOf(const fs::path& root) {
  std::map<std::string, std::vector<fs::path>> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_regular_file() && !KindOf(entry.path()).empty())
      files[KindOf(entry.path())].push_back(entry.path());
  }
  for (auto& [kind, some] : files) std::sort(some.begin(), some.end());
  return files;
}

std::string Load(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void Save(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

class Vandal {
 public:
  Vandal(std::mt19937& random, fs::path old_copy) : random_(random), old_copy_(std::move(old_copy)) {}

  // Says what it did, for the report: "flip sst 000012.sst 771".
  std::string Damage(const fs::path& root) {
    auto files = FilesOf(root);
    // Half of all mutations go to tables and logs, where the rows are.
    std::vector<std::string> kinds{"sst", "sst", "sst", "log", "log", "log"};
    for (const auto& [kind, some] : files) kinds.push_back(kind);
    std::erase_if(kinds, [&](const std::string& kind) { return files[kind].empty(); });
    const std::string& kind = kinds[Below(kinds.size())];
    const std::vector<fs::path>& some = files[kind];
    const fs::path& file = some[Below(some.size())];
    switch (Below(20)) {
      case 0:
        fs::remove(file);
        return "delete " + file.filename().string();
      case 1:
        fs::remove_all(root / "store");
        fs::copy(old_copy_ / "store", root / "store", fs::copy_options::recursive);
        return "put back an old copy of the folder";
      case 2:
      case 3:
        return Exchange(file, some);
      case 4:
      case 5:
        return PutBackOne(root, file);
      case 6:
      case 7:
      case 8:
      case 9:
        return Change(file, "cut", [&](std::string& bytes, size_t at) { bytes.resize(at); });
      case 10:
      case 11:
      case 12:
        return Change(file, "zero", [&](std::string& bytes, size_t at) {
          const size_t length = std::min(bytes.size() - at, size_t{1} << Below(14));
          std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), length, '\0');
        });
      default:
        return Change(file, "flip", [&](std::string& bytes, size_t at) {
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << Below(8)));
        });
    }
  }

 private:
  size_t Below(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random_); }

  template <typename Act>
  std::string Change(const fs::path& file, const char* what, const Act& act) {
    std::string bytes = Load(file);
    if (bytes.empty()) return "nothing: an empty file";
    // Often the end: footers, the last record, the last edit.
    const size_t from = Below(3) == 0 && bytes.size() > 64 ? bytes.size() - 64 : 0;
    const size_t at = from + Below(bytes.size() - from);
    act(bytes, at);
    Save(file, bytes);
    return fmt::format("{} {} at {}", what, file.filename().string(), at);
  }
  std::string Exchange(const fs::path& file, const std::vector<fs::path>& some) {
    const fs::path& other = some[Below(some.size())];
    const std::string mine = Load(file), theirs = Load(other);
    Save(file, theirs);
    Save(other, mine);
    return "swap " + file.filename().string() + " and " + other.filename().string();
  }
  // One file as it was in the old copy; one that was not there then takes the place of an old one of its
  // kind.
  std::string PutBackOne(const fs::path& root, const fs::path& file) {
    fs::path from = old_copy_ / fs::relative(file, root);
    const std::vector<fs::path> old = FilesOf(old_copy_)[KindOf(file)];
    if (!fs::exists(from) && !old.empty()) from = old[Below(old.size())];
    if (!fs::exists(from)) return "nothing: no old file of the kind";
    Save(file, Load(from));
    return "put old " + from.filename().string() + " in the place of " + file.filename().string();
  }

  std::mt19937& random_;
  const fs::path old_copy_;
};

// ---- the tests

class StoreDamage : public testing::Test {
 protected:
  void SetUp() override {
    std::string root = testing::TempDir() + "pharos-damage-XXXXXX";
    ASSERT_NE(mkdtemp(root.data()), nullptr);
    root_ = root;
    seed_ = FromEnvironment("PHAROS_SEED", 1);
    random_.seed(static_cast<uint32_t>(seed_));
    fs::create_directory(Whole());
    for (int session = 0; session < kSessions; ++session) {
      ASSERT_NO_FATAL_FAILURE(RunSession(Whole(), session));
      if (session == kOldSession) fs::copy(Whole(), Old(), fs::copy_options::recursive);
    }
  }
  void TearDown() override { fs::remove_all(root_); }

  void RunSession(const fs::path& root, int session) {
    auto store = OpenStore(root);
    ASSERT_TRUE(store.ok()) << store.status();
    for (int commit = 0; commit < kRowsASession / kRowsACommit; ++commit) {
      const absl::Status status = CommitRows(**store, oracle_, random_, session, commit);
      ASSERT_TRUE(status.ok()) << status;
    }
  }
  fs::path Whole() const { return root_ / "whole"; }
  fs::path Old() const { return root_ / "old"; }
  // A copy of the whole store to be damaged. Of one name: a store knows where it stands.
  fs::path Copy() const {
    fs::remove_all(root_ / "copy");
    fs::copy(Whole(), root_ / "copy", fs::copy_options::recursive);
    return root_ / "copy";
  }

  fs::path root_;
  int seed_ = 1;
  std::mt19937 random_;
  Oracle oracle_;
};

TEST_F(StoreDamage, AWholeCopyIsRightAndHasWhatIsToBeDamaged) {
  auto files = FilesOf(Copy());
  EXPECT_GE(files["sst"].size(), 2u);
  for (const char* kind : {"log", "MANIFEST", "CURRENT", "OPTIONS", "IDENTITY", "witness"})
    EXPECT_FALSE(files[kind].empty()) << kind;
  size_t log_bytes = 0;
  for (const fs::path& log : files["log"]) log_bytes += fs::file_size(log);
  EXPECT_GT(log_bytes, 10'000u);
  const Finding finding = CheckAll(root_ / "copy", oracle_);
  EXPECT_EQ(finding.violation, "");
  EXPECT_THAT(finding.reasons, testing::IsEmpty());
}

TEST_F(StoreDamage, EveryMutationIsDetectedOrHarmless) {
  const int mutations = FromEnvironment("PHAROS_MUTATIONS", 1000);
  Vandal vandal(random_, Old());
  std::map<std::string, int> outcomes;
  int violations = 0;
  for (int i = 0; i < mutations; ++i) {
    const fs::path copy = Copy();
    const std::string what = vandal.Damage(copy);
    const Finding finding = CheckAll(copy, oracle_);
    if (!finding.violation.empty()) {
      ++violations;
      ADD_FAILURE() << "mutation " << i << " (" << what << "): " << finding.violation;
    }
    ++outcomes[finding.reasons.empty() ? "harmless" : *finding.reasons.begin()];
  }
  for (const auto& [outcome, count] : outcomes) std::printf("%-22s %d\n", outcome.c_str(), count);
  std::printf("damage: cycles=%d violations=%d seed=%d\n", mutations, violations, seed_);
}

// The witness was not told of the last record: nobody was. What a crash in the middle of a write leaves is a
// cut record; what a loss of power leaves may be one of full length with a hole in it.
TEST_F(StoreDamage, ATornRecordThatNobodyWasToldOfOpens) {
  for (const bool cut : {true, false}) {
    const fs::path copy = Copy();
    const Oracle before = oracle_;
    const std::string witness = Load(copy / "damage.witness");
    Oracle after = oracle_;
    {
      auto store = OpenStore(copy);
      ASSERT_TRUE(store.ok()) << store.status();
      ASSERT_TRUE(CommitRows(**store, after, random_, kSessions, 0).ok());
    }
    const fs::path log = FilesOf(copy)["log"].back();
    if (cut) {
      fs::resize_file(log, fs::file_size(log) - 3);
    } else {
      std::string bytes = Load(log);
      bytes.replace(bytes.size() - 40, 20, 20, '\0');
      Save(log, bytes);
    }
    EXPECT_THAT(CheckAll(copy, before).reasons,
                testing::ElementsAre(cut ? "STORE_ROLLED_BACK" : "STORE_DAMAGED"));
    Save(copy / "damage.witness", witness);
    const Finding finding = CheckAll(copy, before);
    EXPECT_EQ(finding.violation, "") << cut;
    EXPECT_THAT(finding.reasons, testing::IsEmpty()) << cut;
  }
}

// Tables are read by compaction, too, when no caller asks: it must not write a smaller table in place of what
// it could not read.
TEST_F(StoreDamage, CompactionOfADamagedTableLosesNoRowWithoutAWord) {
  const size_t tables = FilesOf(Copy())["sst"].size();
  for (size_t table = 0; table < tables; ++table) {
    const fs::path copy = Copy();
    const fs::path file = FilesOf(copy)["sst"][table];
    std::string bytes = Load(file);
    bytes[bytes.size() / 3] ^= 1;
    Save(file, bytes);
    Oracle oracle = oracle_;
    for (int session = 0; session < kSessions; ++session) {  // enough tables for a compaction
      auto store = OpenStore(copy);
      if (!store.ok()) break;
      if (!CommitRows(**store, oracle, random_, kSessions + session, 0).ok()) break;
    }
    const Finding finding = CheckAll(copy, oracle);
    EXPECT_EQ(finding.violation, "") << file.filename();
    EXPECT_THAT(finding.reasons, testing::Contains("STORE_DAMAGED")) << file.filename();
  }
}

}  // namespace
}  // namespace pharos::tests
