// Intents, tallies, replies and connectors, for people to read. Reads the store, not the desk, but for the
// connectors' state.
#pragma once

#include "pharos/dispatch/v1/connector_service.serve.h"
#include "pharos/dispatch/v1/intent_service.serve.h"
#include "services/dispatch/desk.h"
#include "services/rpc/once.h"

namespace pharos::dispatch {

class IntentService : public v1::IntentServiceHandler {
 public:
  IntentService(const storage::Store& store, const Desk& desk) : store_(store), desk_(desk) {}

  absl::Status GetIntent(rpc::Call& call, const v1::GetIntentRequest& request, v1::Intent& response) override;
  absl::Status ListIntents(rpc::Call& call, const v1::ListIntentsRequest& request,
                           v1::ListIntentsResponse& response) override;
  absl::Status GetTally(rpc::Call& call, const v1::GetTallyRequest& request, v1::Tally& response) override;
  absl::Status ListReplies(rpc::Call& call, const v1::ListRepliesRequest& request,
                           v1::ListRepliesResponse& response) override;

 private:
  const storage::Store& store_;
  const Desk& desk_;
};

class ConnectorService : public v1::ConnectorServiceHandler {
 public:
  ConnectorService(TurnLoop& loop, Desk& desk) : loop_(loop), desk_(desk) {}

  absl::Status ListConnectors(rpc::Call& call, const v1::ListConnectorsRequest& request,
                              v1::ListConnectorsResponse& response) override;
  absl::Status PauseConnector(rpc::Call& call, const v1::PauseConnectorRequest& request,
                              v1::Connector& response) override;
  absl::Status ResumeConnector(rpc::Call& call, const v1::ResumeConnectorRequest& request,
                               v1::Connector& response) override;

 private:
  TurnLoop& loop_;
  Desk& desk_;
};

}  // namespace pharos::dispatch
