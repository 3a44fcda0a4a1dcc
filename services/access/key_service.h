// KeyService: data keys in batches. Nothing of it goes through rpc::Once, whose remembered answers would keep
// keys in clear.
#pragma once

#include "pharos/access/internal/v1/key_service.pb.h"
#include "pharos/access/internal/v1/key_service.serve.h"
#include "services/access/vault.h"
#include "services/base/clock.h"
#include "storage/store.h"

namespace pharos::access {

class KeyHandler : public internal::v1::KeyServiceHandler {
 public:
  KeyHandler(storage::Store& store, const Vault& vault, base::Clock& clock)
      : store_(store), vault_(vault), clock_(clock) {}

  absl::Status CreateKeys(rpc::Call& call, const internal::v1::CreateKeysRequest& request,
                          internal::v1::CreateKeysResponse& response) override;
  absl::Status GetKeys(rpc::Call& call, const internal::v1::GetKeysRequest& request,
                       internal::v1::GetKeysResponse& response) override;
  absl::Status DestroyKeys(rpc::Call& call, const internal::v1::DestroyKeysRequest& request,
                           internal::v1::DestroyKeysResponse& response) override;

 private:
  storage::Store& store_;
  const Vault& vault_;
  base::Clock& clock_;
};

}  // namespace pharos::access
