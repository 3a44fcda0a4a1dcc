#include "services/rpc/audit.h"

#include "pharos/record/v1/change.pb.h"

namespace pharos::rpc {
namespace {

// "people" of "people/x".
std::string CollectionOf(const std::string& name) {
  return name.substr(0, name.rfind('/'));
}

record::v1::ChangeEntry EntryOf(const Call& call, std::string_view kind,
                                const std::vector<std::string>& resources, int64_t now_us) {
  record::v1::ChangeEntry entry;
  entry.set_kind(std::string(kind));
  entry.set_principal(call.caller().principal);
  entry.set_purpose(call.purpose());
  entry.set_rpc(call.method());
  entry.set_request_id(call.request_id());
  entry.set_time_us(now_us);
  if (resources.size() == 1) {
    entry.set_resource(resources.front());
  } else if (!resources.empty()) {
    entry.set_resource(CollectionOf(resources.front()));
    entry.mutable_resources()->Assign(resources.begin(), resources.end());
  }
  return entry;
}

}  // namespace

absl::Status AuditRead(const Call& call, storage::Store& store, std::string_view kind,
                       const std::vector<std::string>& resources, int64_t now_us) {
  const std::string entry = EntryOf(call, kind, resources, now_us).SerializeAsString();
  absl::Status status = store.Transact([&](storage::Transaction& tx) {
    tx.AppendChange(entry);
    return absl::OkStatus();
  });
  if (status.ok()) call.audited_ = true;
  return status;
}

void AuditReadIn(const Call& call, storage::Transaction& tx, std::string_view kind,
                 const std::vector<std::string>& resources, int64_t now_us) {
  tx.AppendChange(EntryOf(call, kind, resources, now_us).SerializeAsString());
  call.audited_ = true;
}

}  // namespace pharos::rpc
