// Pins on disk. The chunks of a pin are written first, in transactions of bounded size; the pin's own row
// comes last, so a pin that can be read is whole. Thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/audience.pb.h"
#include "services/audience/evaluation.h"
#include "storage/store.h"

namespace pharos::audience {

inline constexpr size_t kChunkPeople = 1000;  // also the largest page

// Whose request, and what it asked.
struct PinRequest {
  std::string principal;
  std::string request_id;
  std::string digest;  // SHA-256 of the request with request_id cleared
};

// SHA-256 of each page of kChunkPeople members, as Pin.pages says. `members` are sorted by person.
std::vector<std::string> PagesOf(const std::vector<Member>& members);
// SHA-256 over all pages.
std::string DigestOf(const std::vector<std::string>& pages);

class PinStore {
 public:
  explicit PinStore(storage::Store& store) : store_(store) {}

  // The pin that this request made; nullopt if it made none, or has been forgotten. INVALID_ARGUMENT
  // (REQUEST_ID_REUSED): it asked something else.
  absl::StatusOr<std::optional<record::v1::PinRow>> Find(const PinRequest& request) const;
  // Writes a pin; `row` has its name, and the counts of chunks are filled in. If the request has made a pin
  // meanwhile, that one is the answer and this one is dropped. `change` is the change-log entry.
  absl::StatusOr<record::v1::PinRow> Write(record::v1::PinRow row, const Outcome& outcome,
                                           const PinRequest& request, const std::string& change) const;
  // Drops what a crash left half written. Call when nothing else writes.
  absl::Status DropDrafts() const;
  // Forgets which requests made pins more than seven days ago (the pins stay): nobody repeats a request that
  // late.
  absl::Status DropOldRequests(int64_t now_us) const;

  // NOT_FOUND.
  absl::StatusOr<record::v1::PinRow> Load(std::string_view pin) const;
  absl::StatusOr<record::v1::PinRow> NewestOf(std::string_view campaign) const;
  // Up to `most` members from number `first` on.
  absl::StatusOr<std::vector<record::v1::MemberRow>> Members(const record::v1::PinRow& pin, uint64_t first,
                                                             size_t most) const;
  // ALLOW for a member, the reason for somebody left out, nullopt for somebody whom the filter did not match.
  absl::StatusOr<std::optional<type::v1::GateReason>> ReasonOf(const record::v1::PinRow& pin,
                                                               std::string_view person) const;

 private:
  absl::Status WriteChunks(std::string_view pin_id, const Outcome& outcome) const;
  absl::Status DropDraft(const std::string& pin_id) const;
  absl::Status Delete(const std::vector<std::string>& keys) const;  // a bounded number in each commit

  storage::Store& store_;
};

}  // namespace pharos::audience
