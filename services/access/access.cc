#include "services/access/access.h"

#include <algorithm>

#include "services/access/act_service.h"
#include "services/access/approval_service.h"
#include "services/access/errors.h"
#include "services/access/force_store.h"
#include "services/access/key_file.h"
#include "services/access/key_service.h"
#include "services/access/key_store.h"
#include "services/access/principal_service.h"
#include "services/access/principal_store.h"
#include "services/access/snapshot_board.h"
#include "services/access/snapshot_service.h"
#include "services/access/tables.h"
#include "services/access/token_file.h"
#include "services/base/errors.h"

namespace pharos::access {
namespace {

class AccessImpl : public Access {
 public:
  AccessImpl(std::unique_ptr<storage::Store> store, std::unique_ptr<Vault> vault, std::string seed,
             const std::vector<FileCaller>& file, base::Clock& clock)
      : store_(std::move(store)),
        vault_(std::move(vault)),
        signer_(std::move(seed)),
        file_(PrincipalsOf(file)),
        board_(*store_, clock, file, signer_.public_key()),
        principals_(*store_, file_, board_, clock),
        acts_(*store_, board_, clock),
        snapshots_(board_),
        keys_(*store_, *vault_, clock),
        approvals_(*store_, signer_, board_, clock) {}
  ~AccessImpl() override { Stop(); }

  absl::Status Begin() { return board_.Refresh(); }

  std::vector<std::unique_ptr<rpc::Service>> Services() override {
    std::vector<std::unique_ptr<rpc::Service>> services;
    services.push_back(v1::MakePrincipalService(principals_));
    services.push_back(v1::MakeActService(acts_));
    services.push_back(internal::v1::MakeSnapshotService(snapshots_));
    services.push_back(internal::v1::MakeKeyService(keys_));
    services.push_back(internal::v1::MakeApprovalService(approvals_));
    return services;
  }
  void Start(const rpc::Peers&) override {}  // access calls nobody
  void Stop() override { snapshots_.Stop(); }
  void Attach(policy::SnapshotHolder& holder) override { board_.Attach(holder); }

 private:
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Vault> vault_;
  Signer signer_;
  const FilePrincipals file_;
  SnapshotBoard board_;
  PrincipalHandler principals_;
  ActHandler acts_;
  SnapshotHandler snapshots_;
  KeyHandler keys_;
  ApprovalHandler approvals_;
};

absl::StatusOr<std::unique_ptr<storage::Store>> OpenStore(const AccessOptions& options) {
  storage::OpenOptions open;
  open.folder = options.folder;
  open.name = "access";
  open.format = kFormat;
  open.in_memory = options.in_memory;
  open.settings = options.store;
  return storage::Open(open);
}

// A lost or exchanged key file is noticed here, before anything is sealed under another key.
absl::StatusOr<std::unique_ptr<Vault>> OpenVault(const AccessOptions& options, storage::Store& store) {
  PHAROS_ASSIGN_OR_RETURN(const bool used, HasKekCheck(store));
  std::string kek;
  if (options.kek_file.empty()) {
    if (!options.in_memory) return errors::KekUnusable("(no file)", "has no place; say where it is.");
    kek = RandomBytes(kKekBytes);
  } else {
    PHAROS_ASSIGN_OR_RETURN(kek, LoadKek(options.kek_file, used));
  }
  auto vault = std::make_unique<Vault>(std::move(kek));
  PHAROS_ASSIGN_OR_RETURN(const bool right, CheckKek(store, *vault));
  if (!right) return errors::KekWrong(options.kek_file);
  return vault;
}

// Roles of the file may be of the policy in force or of the one that ships: an accepted policy must not keep
// access from starting.
absl::StatusOr<std::vector<FileCaller>> ReadFile(const AccessOptions& options,
                                                 const policy::Policy& in_force) {
  if (options.tokens_file.empty()) return std::vector<FileCaller>();
  std::vector<std::string> roles = in_force.roles();
  const auto& shipped = policy::Policy::Shipped()->roles();
  roles.insert(roles.end(), shipped.begin(), shipped.end());
  return ReadTokenFile(options.tokens_file, roles);
}

// The file may have changed since the last start: every start is a new snapshot.
absl::Status Renumber(storage::Store& store, int64_t now_us) {
  return store.Transact([&](storage::Transaction& tx) -> absl::Status {
    PHAROS_ASSIGN_OR_RETURN(const record::v1::ForceRow force, LoadForce(tx));
    SaveForce(tx, force, now_us);
    return absl::OkStatus();
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Access>> Access::Open(const AccessOptions& options) {
  base::Clock& clock = options.clock != nullptr ? *options.clock : base::Clock::System();
  PHAROS_ASSIGN_OR_RETURN(std::unique_ptr<storage::Store> store, OpenStore(options));
  PHAROS_ASSIGN_OR_RETURN(std::unique_ptr<Vault> vault, OpenVault(options, *store));
  PHAROS_ASSIGN_OR_RETURN(std::string seed, SigningSeed(*store, *vault));
  PHAROS_ASSIGN_OR_RETURN(const record::v1::ForceRow force, LoadForce(*store->Read()));
  PHAROS_ASSIGN_OR_RETURN(const auto policy, policy::Policy::Parse(PolicyText(force)));
  PHAROS_ASSIGN_OR_RETURN(const std::vector<FileCaller> file, ReadFile(options, *policy));
  PHAROS_RETURN_IF_ERROR(Renumber(*store, clock.WallMicros()));
  auto access =
      std::make_unique<AccessImpl>(std::move(store), std::move(vault), std::move(seed), file, clock);
  PHAROS_RETURN_IF_ERROR(access->Begin());
  return access;
}

}  // namespace pharos::access
