// What we knew at an earlier time: which records a person had, and what they said then. From the history of
// persons, which is written whenever their records change, and from the versions of records, which are never
// overwritten (only erased).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/customer.pb.h"
#include "services/customer/person_store.h"
#include "storage/store.h"

namespace pharos::customer {

// The records that a person had until `until`.
struct HistoryStep {
  int64_t until = 0;  // microseconds since the epoch
  record::v1::PersonHistoryRow row;
};
// Of one id, oldest first; what came after the last step is the person as it is now.
absl::StatusOr<std::vector<HistoryStep>> HistoryOf(const storage::View& view, std::string_view person);

struct PersonThen {
  std::string name;
  std::vector<std::string> records;  // those that had arrived
};
// The person that "people/…" was, or belonged to, at `time`. nullopt: not known then. Where an id belonged to
// a person that is someone else's today, that one is looked for among those ever linked or decided with it,
// at most kMostPeopleTried.
absl::StatusOr<std::optional<PersonThen>> PersonAt(const storage::View& view, const PersonStore& people,
                                                   std::string_view person, int64_t time);
inline constexpr size_t kMostPeopleTried =
    256;  // real people have a handful; bounded against chains of wrong links

// What those records said at `time`, opened: name, version, update_time_us, fields, clean, and the facts that
// held. Records that had not come yet, had been deleted by then, or have been erased since are left out.
absl::StatusOr<std::vector<record::v1::RecordRow>> RecordsAt(const storage::View& view,
                                                             const PersonStore& people,
                                                             const std::vector<std::string>& records,
                                                             int64_t time);

// Versions of one record as received, closed, in the order of arrival. At most `most`.
absl::StatusOr<std::vector<record::v1::RecordRow>> VersionsOf(const storage::View& view,
                                                              std::string_view record, size_t most);

// Sources by id out of a view, each read once. Used by one thread.
class SourceReader {
 public:
  explicit SourceReader(const storage::View& view) : view_(view) {}
  // nullptr: not registered, or the store failed (see status).
  const record::v1::SourceRow* Find(std::string_view source_id);
  const absl::Status& status() const { return status_; }

 private:
  const storage::View& view_;
  std::map<std::string, std::unique_ptr<record::v1::SourceRow>, std::less<>> rows_;
  absl::Status status_;
};

}  // namespace pharos::customer
