#include "services/access/key_service.h"

#include <fmt/format.h>

#include "pharos/record/v1/change.pb.h"
#include "services/access/key_store.h"
#include "services/base/errors.h"
#include "services/rpc/once.h"

namespace pharos::access {
namespace {

std::string NameOf(uint64_t id) {
  return fmt::format("keys/{}", id);
}

// Which keys: the first by name, all by number in `resources`.
std::string DestroyedEntry(const rpc::Call& call, const internal::v1::DestroyKeysRequest& request,
                           int64_t now_us) {
  record::v1::ChangeEntry entry;
  entry.ParseFromString(rpc::ChangeBy(call, "keys", "keys.destroyed", 0, now_us));
  for (const uint64_t id : request.ids()) entry.add_resources(NameOf(id));
  return entry.SerializeAsString();
}

}  // namespace

absl::Status KeyHandler::CreateKeys(rpc::Call& call, const internal::v1::CreateKeysRequest& request,
                                    internal::v1::CreateKeysResponse& response) {
  const int64_t now = clock_.WallMicros();
  std::vector<DataKey> keys;
  PHAROS_RETURN_IF_ERROR(store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    PHAROS_ASSIGN_OR_RETURN(keys, MakeKeys(tx, vault_, static_cast<size_t>(request.count())));
    tx.AppendChange(rpc::ChangeBy(call, NameOf(keys.front().id), "keys.created", keys.back().id, now));
    return absl::OkStatus();
  }));
  for (DataKey& key : keys) {
    internal::v1::DataKey& made = *response.add_keys();
    made.set_id(key.id);
    made.set_key(std::move(key.bytes));
  }
  return absl::OkStatus();
}

absl::Status KeyHandler::GetKeys(rpc::Call&, const internal::v1::GetKeysRequest& request,
                                 internal::v1::GetKeysResponse& response) {
  const std::unique_ptr<storage::View> view = store_.Read();
  for (const uint64_t id : request.ids()) {
    PHAROS_ASSIGN_OR_RETURN(DataKey key, LoadKey(*view, vault_, id));
    internal::v1::DataKey& found = *response.add_keys();
    found.set_id(id);
    found.set_key(std::move(key.bytes));
  }
  return absl::OkStatus();
}

absl::Status KeyHandler::DestroyKeys(rpc::Call& call, const internal::v1::DestroyKeysRequest& request,
                                     internal::v1::DestroyKeysResponse&) {
  const std::string entry = DestroyedEntry(call, request, clock_.WallMicros());
  return store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    for (const uint64_t id : request.ids()) PHAROS_RETURN_IF_ERROR(DestroyKey(tx, id));
    tx.AppendChange(entry);
    return absl::OkStatus();
  });
}

}  // namespace pharos::access
