// One change of one record made ready beside the lane: what it meets in the store, what is to be written,
// sealed, and what it offers for comparison. Holds as long as the record's stamp in the registry stays the
// same; made anew otherwise.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/customer/keys.h"
#include "services/customer/linker.h"
#include "services/customer/linker_registry.h"
#include "services/customer/sealed_rows.h"

namespace pharos::customer {

// What a change amounts to.
enum class Effect : uint8_t {
  kNothing,  // known, older, or not there
  kRefused,
  kNew,      // a record that was not there
  kCurrent,  // its new content
  kLate,     // content older than what there is: kept
  kOnly,     // content known; what it says of consent and facts may be new
  kDelete,
  kErase,
};

struct Prepared {
  RecordChange change;                        // row: with `sealed` where it is to be stored
  std::optional<record::v1::RecordRow> said;  // what came, where `change.row` became something else
  RecordId id;
  uint64_t order_key = 0;
  Registry::Standing against;
  Effect effect = Effect::kNothing;
  absl::Status refused;
  bool returns = false;                                   // kCurrent of one that had been deleted
  identity::Features features;                            // where the index is to know of it
  bool refeature = false;                                 // `features` replace what the index has
  std::string birth;                                      // kNew: "{person id}"
  std::vector<std::pair<std::string, std::string>> rows;  // to be put as they are: version rows
  std::string posting, old_posting;       // blind NHS number: of the new content, and of what it replaces
  std::vector<uint64_t> erased_versions;  // kErase
};

class Preparation {
 public:
  Preparation(storage::Store& store, const PersonStore& people, const Registry& registry,
              std::shared_ptr<const identity::Model> model)
      : store_(store), people_(people), rows_(people.rows()), registry_(registry), model_(std::move(model)) {}

  // Each as if it were the next one. A failing store or access is a status; what is wrong with one change is
  // its own.
  absl::Status Prepare(std::span<Prepared> changes, int64_t now) const;
  // Again, as the record has changed meanwhile.
  absl::Status Again(Prepared& change, int64_t now) const;

  static identity::Features FeaturesOf(const record::v1::RecordRow& row, const SealedRows::Earlier& earlier,
                                       const identity::Model& model);
  static constexpr uint64_t kVersionsCompared = 32;  // how far back a version that comes again is recognised
  static constexpr int kMostEarlier = 8;             // earlier versions that linking looks at

 private:
  struct Stored {
    record::v1::RecordRow row;
    SealedRows::Earlier earlier;
    storage::DataKey key;
    bool key_destroyed = false;
  };
  struct Versions {
    uint64_t last = 0;
    bool known = false;  // this content is one of them
  };
  absl::Status One(Prepared& change, std::optional<record::v1::RecordRow> row, int64_t now) const;
  absl::StatusOr<std::optional<record::v1::RecordRow>> Read(const Prepared& change) const;
  absl::Status PutNew(Prepared& change, int64_t now) const;
  absl::Status PutOver(Prepared& change, Stored& stored, int64_t now) const;
  absl::Status PutErased(Prepared& change, const record::v1::RecordRow& stored) const;
  absl::Status Late(Prepared& change, Stored& stored) const;
  absl::Status Delete(Prepared& change, Stored& stored, int64_t now) const;
  absl::Status Erase(Prepared& change, const Stored& stored, int64_t now) const;
  absl::StatusOr<Versions> LookAtVersions(const RecordId& id, const record::v1::RecordRow& current,
                                          const record::v1::RecordRow& row) const;
  void AddVersion(Prepared& change, uint64_t version, const storage::DataKey& key, int64_t now) const;
  std::string PostingOf(const record::v1::RecordRow& row) const;

  storage::Store& store_;
  const PersonStore& people_;
  const SealedRows& rows_;
  const Registry& registry_;
  const std::shared_ptr<const identity::Model> model_;
};

// Entries that say something new to a record. For content that is known already, what has been overtaken
// since is not new either.
std::vector<const record::v1::LedgerRow*> NewEntries(const record::v1::RecordRow& current,
                                                     const std::vector<record::v1::LedgerRow>& entries,
                                                     bool known_content);
// `said` is stricter in a fact than `current`.
bool SaysNewFact(const record::v1::RecordRow& said, const record::v1::RecordRow& current);

}  // namespace pharos::customer
