// The inbox on disk: one row a reply, and lists of positions, newest first, for each way in which lists are
// asked for, so that a page costs the same however many replies there are. Thread-safe.
//
// A reply stands in the lists of its facets: all, its campaign, its kind, its channel, its campaign and kind;
// each once for any state and once for the state that it is in. A question reads the narrowest list that
// holds its answer and looks at each reply there; what the list cannot tell (a campaign's texts of one
// channel) is passed over, at most kMostLookedAt of them a page.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/engagement/v1/inbox_service.pb.h"
#include "pharos/record/v1/engagement.pb.h"
#include "pharos/type/v1/event.pb.h"
#include "storage/store.h"

namespace pharos::engagement {

class InboxStore {
 public:
  explicit InboxStore(storage::Store& store) : store_(store) {}

  // What dispatch's feed told of one reply, in the transaction that moves the cursor. A reply that is known
  // comes in once.
  static absl::Status Take(storage::Transaction& tx, const type::v1::ReplyEvent& event);

  // nullopt: there is none.
  absl::StatusOr<std::optional<record::v1::InboxRow>> Load(const std::string& name) const;
  static absl::StatusOr<std::optional<record::v1::InboxRow>> Load(storage::Transaction& tx,
                                                                  const std::string& name);
  // Writes what has changed of a row that was loaded in this transaction.
  static absl::Status Save(storage::Transaction& tx, const record::v1::InboxRow& before,
                           const record::v1::InboxRow& after);

  struct Page {
    std::vector<record::v1::InboxRow> rows;
    std::string next_token;  // "": the last one
  };
  // INVALID_ARGUMENT (PAGE_TOKEN_WRONG).
  absl::StatusOr<Page> List(const v1::ListRepliesRequest& request, size_t size) const;
  // Texts of one reader and campaign that came before `before` (0: all).
  absl::StatusOr<std::vector<record::v1::InboxRow>> TextsOf(const type::v1::ReplyReader& reader,
                                                            uint64_t before, size_t size) const;
  // Of one campaign, or ("") of all.
  absl::StatusOr<record::v1::InboxCountRow> Count(const std::string& campaign) const;

  static constexpr size_t kMostLookedAt = 2'000;  // for one page: some milliseconds

 private:
  storage::Store& store_;
};

}  // namespace pharos::engagement
