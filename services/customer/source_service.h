// Sources: systems that tell us about people.
#pragma once

#include "pharos/customer/v1/source_service.pb.h"
#include "pharos/customer/v1/source_service.serve.h"
#include "services/base/clock.h"
#include "services/rpc/call.h"
#include "storage/store.h"

namespace pharos::customer {

class SourceService : public v1::SourceServiceHandler {
 public:
  SourceService(storage::Store& store, base::Clock& clock) : store_(store), clock_(clock) {}

  absl::Status CreateSource(rpc::Call& call, const v1::CreateSourceRequest& request,
                            v1::Source& response) override;
  absl::Status GetSource(rpc::Call& call, const v1::GetSourceRequest& request, v1::Source& response) override;
  absl::Status ListSources(rpc::Call& call, const v1::ListSourcesRequest& request,
                           v1::ListSourcesResponse& response) override;

 private:
  storage::Store& store_;
  base::Clock& clock_;
};

}  // namespace pharos::customer
