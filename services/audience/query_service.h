// Handler of pharos.audience.v1.QueryService. Thread-safe.
#pragma once

#include "pharos/audience/v1/query_service.serve.h"
#include "services/audience/answers.h"
#include "services/audience/people_index.h"
#include "services/audience/query_store.h"
#include "services/base/clock.h"
#include "services/rpc/call.h"
#include "storage/store.h"

namespace pharos::audience {

class QueryService : public v1::QueryServiceHandler {
 public:
  // `shelf`: of earlier days; nullptr: there are none.
  QueryService(storage::Store& store, const PeopleIndex& index, AskFreshness ask, base::Clock& clock,
               SnapshotShelf* shelf = nullptr);

  absl::Status ListQueries(rpc::Call& call, const v1::ListQueriesRequest& request,
                           v1::ListQueriesResponse& response) override;
  absl::Status GetQuery(rpc::Call& call, const v1::GetQueryRequest& request, v1::Query& response) override;
  absl::Status ReplayQuery(rpc::Call& call, const v1::ReplayQueryRequest& request,
                           v1::ReplayQueryResponse& response) override;

 private:
  const QueryStore queries_;
  const Answers answers_;
};

}  // namespace pharos::audience
