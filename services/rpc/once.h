// Idempotent mutations (AIP-155): the same request id with the same body gives the first answer; with another
// body it is refused. The answer is remembered in the commit that has the effect, 7 days.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/rpc/call.h"
#include "storage/store.h"

namespace google::protobuf {
class Message;
}

namespace pharos::rpc {

// Runs `body` in a transaction of `store` unless this (principal, method, request_id) has an answer already,
// which is then put into `response`. `request` has a string field request_id; empty means: do not remember.
// INVALID_ARGUMENT (REQUEST_ID_REUSED) for another body. `body` fills `response`.
absl::Status Once(Call& call, storage::Store& store, const google::protobuf::Message& request,
                  google::protobuf::Message& response,
                  const std::function<absl::Status(storage::Transaction&)>& body, int64_t now_us);

// The same for a change that somebody else's transaction makes: look before it begins, once more inside it,
// and remember there. Without a request id nothing is found and nothing is remembered. Lives no longer than
// the call and the request.
class FirstAnswer {
 public:
  FirstAnswer(const Call& call, const google::protobuf::Message& request, int64_t now_us);
  // True: `response` holds the first answer. INVALID_ARGUMENT (REQUEST_ID_REUSED) for another body.
  absl::StatusOr<bool> Recall(const storage::Store& store, google::protobuf::Message& response) const;
  absl::StatusOr<bool> Recall(storage::Transaction& tx, google::protobuf::Message& response) const;
  void Remember(storage::Transaction& tx, const google::protobuf::Message& response) const;

 private:
  const int64_t now_us_;
  std::string key_, digest_;  // empty: no request id
};

// A change-log entry made of the call, encoded for Transaction::AppendChange.
std::string ChangeBy(const Call& call, std::string_view resource, std::string_view kind, uint64_t version,
                     int64_t now_us);
// The same for a service's own loop ("internal:launch").
std::string ChangeByLoop(std::string_view loop, std::string_view resource, std::string_view kind,
                         uint64_t version, int64_t now_us);

}  // namespace pharos::rpc
