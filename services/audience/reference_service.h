// Handler of pharos.audience.v1.ReferenceService. Thread-safe; one load at a time.
#pragma once

#include <functional>
#include <memory>

#include "pharos/audience/v1/reference_service.serve.h"
#include "services/audience/reference_data.h"
#include "services/audience/reference_store.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/rpc/call.h"
#include "storage/store.h"

namespace pharos::audience {

class ReferenceService : public v1::ReferenceServiceHandler {
 public:
  using Stream = rpc::Stream<v1::LoadReferenceRequest, v1::LoadReferenceResponse>;
  // Gets the data that is in force from now on.
  using OnLoaded = std::function<void(std::shared_ptr<const Reference>)>;

  ReferenceService(storage::Store& store, base::Clock& clock, OnLoaded on_loaded)
      : store_(store), clock_(clock), on_loaded_(std::move(on_loaded)) {}

  // Reads what is on disk and drops what is not in force. Once, before anything is asked.
  absl::Status Open();

  absl::Status LoadReference(rpc::Call& call, Stream& stream) override;
  absl::Status ListAreas(rpc::Call& call, const v1::ListAreasRequest& request,
                         v1::ListAreasResponse& response) override;
  absl::Status GetReferenceState(rpc::Call& call, const v1::GetReferenceStateRequest& request,
                                 v1::ReferenceState& response) override;

 private:
  absl::Status Load(rpc::Call& call, Stream& stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(loading_);
  absl::Status Commit(rpc::Call& call, ReferenceKind kind, record::v1::ReferenceRow row,
                      const std::string& attribution, v1::LoadReferenceResponse& response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loading_);
  absl::Status Publish();

  const ReferenceStore store_;
  base::Clock& clock_;
  const OnLoaded on_loaded_;
  base::Mutex loading_;
  base::Mutex mutex_;
  std::shared_ptr<const ReferenceData> data_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::audience
