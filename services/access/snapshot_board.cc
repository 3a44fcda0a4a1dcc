#include "services/access/snapshot_board.h"

#include <set>

#include "services/access/force_store.h"
#include "services/access/principal.h"
#include "services/access/principal_store.h"
#include "services/base/errors.h"
#include "services/base/log.h"

namespace pharos::access {
namespace {

using internal::v1::KnownCaller;

template <typename Roles>
void Add(internal::v1::Snapshot& message, const std::string& digest, const std::string& principal,
         const Roles& roles, int64_t expire_time_us) {
  KnownCaller& caller = *message.add_callers();
  caller.set_token_digest(digest);
  caller.set_principal(principal);
  caller.mutable_roles()->Assign(roles.begin(), roles.end());
  caller.set_expire_time_us(expire_time_us);
}

void AddTokens(const record::v1::PrincipalRow& row, int64_t now_us, internal::v1::Snapshot& message) {
  if (row.principal().disabled()) return;
  for (const record::v1::TokenRow& token : row.tokens()) {
    if (token.expire_time_us() != 0 && token.expire_time_us() <= now_us) continue;
    Add(message, token.digest(), row.principal().name(), row.principal().roles(), token.expire_time_us());
  }
}

policy::Snapshot FromMessage(const internal::v1::Snapshot& message,
                             std::shared_ptr<const policy::Policy> policy) {
  policy::Snapshot snapshot;
  snapshot.version = message.version();
  snapshot.policy = std::move(policy);
  snapshot.policy_version = message.policy_version();
  snapshot.live = message.live();
  snapshot.approval_keys = {message.approval_keys().begin(), message.approval_keys().end()};
  for (const KnownCaller& caller : message.callers()) {
    snapshot.callers[caller.token_digest()] = {
        caller.principal(), {caller.roles().begin(), caller.roles().end()}, caller.expire_time_us()};
  }
  return snapshot;
}

}  // namespace

SnapshotBoard::SnapshotBoard(const storage::Store& store, base::Clock& clock, std::vector<FileCaller> file,
                             std::string approval_key)
    : store_(store), clock_(clock), file_(std::move(file)), approval_key_(std::move(approval_key)) {}

absl::StatusOr<internal::v1::Snapshot> SnapshotBoard::Build() const {
  const std::unique_ptr<storage::View> view = store_.Read();
  PHAROS_ASSIGN_OR_RETURN(const record::v1::ForceRow force, LoadForce(*view));
  internal::v1::Snapshot message;
  message.set_version(force.snapshot_version());
  message.set_policy(PolicyText(force));
  message.set_policy_version(force.policy_version());
  message.set_live(force.live());
  message.add_approval_keys(approval_key_);
  std::set<std::string> in_file;
  for (const FileCaller& caller : file_) {
    in_file.insert(caller.principal);
    Add(message, caller.digest, caller.principal, caller.roles, 0);
  }
  const int64_t now = clock_.WallMicros();
  PHAROS_RETURN_IF_ERROR(ForEachPrincipal(*view, "", [&](const record::v1::PrincipalRow& row) {
    if (in_file.count(row.principal().name()) == 0) AddTokens(row, now, message);
    return true;
  }));
  return message;
}

absl::Status SnapshotBoard::Refresh() {
  PHAROS_ASSIGN_OR_RETURN(internal::v1::Snapshot message, Build());
  std::shared_ptr<const policy::Policy> policy = newest_.Get()->policy;
  if (policy->text() != message.policy()) {
    PHAROS_ASSIGN_OR_RETURN(policy, policy::Policy::Parse(message.policy()));
  }
  Publish(std::move(message), std::move(policy));
  return absl::OkStatus();
}

void SnapshotBoard::Publish(internal::v1::Snapshot message, std::shared_ptr<const policy::Policy> policy) {
  const policy::Snapshot snapshot = FromMessage(message, std::move(policy));
  std::vector<policy::SnapshotHolder*> holders;
  {
    base::MutexLock lock(mutex_);
    holders = holders_;
    if (message_ == nullptr || message_->version() <= message.version())
      message_ = std::make_shared<const internal::v1::Snapshot>(std::move(message));
    changed_.NotifyAll();
  }
  newest_.Set(snapshot);  // holders take no older one, so that the order of two publishers does not matter
  for (policy::SnapshotHolder* holder : holders) holder->Set(snapshot);
}

void SnapshotBoard::Attach(policy::SnapshotHolder& holder) {
  {
    base::MutexLock lock(mutex_);
    holders_.push_back(&holder);
  }
  holder.Set(*newest_.Get());
}

std::shared_ptr<const internal::v1::Snapshot> SnapshotBoard::Message() const {
  base::MutexLock lock(mutex_);
  return message_;
}

void SnapshotBoard::Wait(uint64_t version, int64_t micros) {
  base::MutexLock lock(mutex_);
  if (message_ == nullptr || message_->version() <= version) changed_.WaitForMicros(lock, micros);
}

bool SnapshotBoard::HasRoom() const {
  return Message()->ByteSizeLong() < kMaxBytes;
}

}  // namespace pharos::access
