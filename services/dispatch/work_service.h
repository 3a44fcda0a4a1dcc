// Connectors' streams: each is read by its call's thread and written by a thread of its own; the desk never
// waits for either.
#pragma once

#include "pharos/dispatch/internal/v1/work_service.serve.h"
#include "services/base/clock.h"
#include "services/dispatch/desk.h"

namespace pharos::dispatch {

class WorkService : public internal::v1::WorkServiceHandler {
 public:
  using WorkStream = rpc::Stream<internal::v1::WorkRequest, internal::v1::WorkResponse>;

  WorkService(TurnLoop& loop, Desk& desk, base::Clock& clock, const policy::SnapshotHolder& access)
      : loop_(loop), desk_(desk), clock_(clock), access_(access) {}

  absl::Status Work(rpc::Call& call, WorkStream& stream) override;

 private:
  void ReadAll(WorkStream& stream, const SessionPtr& session);

  TurnLoop& loop_;
  Desk& desk_;
  base::Clock& clock_;
  const policy::SnapshotHolder& access_;
};

}  // namespace pharos::dispatch
