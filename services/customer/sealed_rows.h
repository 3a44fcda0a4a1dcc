// Where personal values are sealed and opened: the one place that knows how records and people lie on disk. A
// row that has been read is closed: its entries, flags, channels and blind indexes are there, its fields and
// addresses are not, and need no key. Open fills them in; what stands under a destroyed key (an erased
// record) stays away without an error.
//
//   RecordRow.sealed   a RecordPrivate under the record's own key; associated: "record", name, version
//   the same of a version row, with the fields as received; associated: "version", name, version
//   PersonRow.parts    one for each record that gave something, under that record's key; associated:
//   "person",
//                      name (not the version: a change of consent leaves the parts as they are)
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/customer.pb.h"
#include "services/customer/keys.h"
#include "services/customer/record_keys.h"
#include "storage/store.h"

namespace pharos::customer {

// Thread-safe.
class SealedRows {
 public:
  explicit SealedRows(RecordKeys& keys) : keys_(keys) {}

  // Fills in the personal part of all; one call to access for all keys that are not at hand.
  absl::Status Open(std::span<record::v1::RecordRow> rows) const;
  absl::Status Open(std::span<record::v1::PersonRow> rows) const;
  absl::Status Open(record::v1::RecordRow& row) const { return Open(std::span(&row, 1)); }
  // The same with what earlier versions said.
  using Earlier = google::protobuf::RepeatedPtrField<record::v1::EarlierValues>;
  absl::Status OpenWhole(record::v1::RecordRow& row, Earlier& earlier) const;
  // After Open: what the record said cannot be read any more, as its key is destroyed.
  static bool IsErased(const record::v1::RecordRow& row) {
    return !row.sealed().empty() && row.fields().empty() && row.clean().empty();
  }
  // The source no longer has it, or it was erased: it says nothing of its person any more.
  static bool IsGone(const record::v1::RecordRow& row) {
    return row.delete_time_us() != 0 || row.erase_time_us() != 0;
  }
  // A version row.
  absl::Status OpenVersion(record::v1::RecordRow& row) const;

  // The key of a stored record; id 0: it lies clear (stored before sealing began). FAILED_PRECONDITION
  // (KEY_DESTROYED): it has been erased.
  absl::StatusOr<storage::DataKey> KeyOf(const record::v1::RecordRow& row) const;
  // A key for a record that has none; id 0 if nothing is to be sealed. `fresh` may be null.
  absl::StatusOr<storage::DataKey> NewKey(FreshKeys* fresh) const;

  // Sets `sealed` from fields, clean and `earlier`, which stay in memory.
  void Seal(record::v1::RecordRow& row, const storage::DataKey& key, const Earlier& earlier = {}) const;
  void SealVersion(record::v1::RecordRow& row, const storage::DataKey& key) const;
  // Sets `parts` from fields and addresses. `records` are those it was built from, opened.
  absl::Status Seal(record::v1::PersonRow& person,
                    const std::vector<const record::v1::RecordRow*>& records) const;

  // Writes a row without what stands in its sealed parts; the row is the same afterwards.
  static void Save(storage::Transaction& tx, std::string_view key, record::v1::RecordRow& row);
  static void Save(storage::Transaction& tx, record::v1::PersonRow person);

  // Brings the keys of these into the ring.
  absl::Status Prefetch(std::span<const record::v1::RecordRow> rows) const;

  bool seals() const { return keys_.ring().seals(); }
  RecordKeys& keys() const { return keys_; }

 private:
  absl::Status OpenOne(record::v1::RecordRow& row, std::string_view table) const;
  absl::Status OpenOne(record::v1::PersonRow& person) const;

  RecordKeys& keys_;
};

}  // namespace pharos::customer
