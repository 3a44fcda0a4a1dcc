// Partner systems: their feeds in, ours out.
#pragma once

#include <map>
#include <string>

#include "pharos/customer/v1/sync_service.pb.h"
#include "pharos/customer/v1/sync_service.serve.h"
#include "services/base/mutex.h"
#include "services/customer/feed_out.h"
#include "services/customer/sync_run.h"

namespace pharos::customer {

class SyncService : public v1::SyncServiceHandler {
 public:
  SyncService(SyncParts parts, const storage::BlindIndex& blind)
      : parts_(std::move(parts)),
        feeds_(parts_.store, parts_.people, blind, parts_.agreements, parts_.clock) {}

  absl::Status Sync(rpc::Call& call, rpc::Stream<v1::SyncRequest, v1::SyncResponse>& stream) override;
  absl::Status ResumeSync(rpc::Call& call, const v1::ResumeSyncRequest& request,
                          v1::ResumeSyncResponse& response) override;
  absl::Status CountRecords(rpc::Call& call, const v1::CountRecordsRequest& request,
                            v1::CountRecordsResponse& response) override;
  absl::Status FollowChanges(rpc::Call& call, const v1::FollowChangesRequest& request,
                             rpc::Writer<v1::FollowChangesResponse>& feed) override {
    return feeds_.FollowChanges(call, request, feed);
  }
  absl::Status FollowConsents(rpc::Call& call, const v1::FollowConsentsRequest& request,
                              rpc::Writer<v1::FollowConsentsResponse>& feed) override {
    return feeds_.FollowConsents(call, request, feed);
  }

  // Ends the feeds that are followed and refuses new ones.
  void Stop() { feeds_.Stop(); }

  static constexpr size_t kMostCounts = 256;  // sources whose last count is kept

 private:
  struct Count {
    uint64_t position = 0;
    int64_t records = 0;
  };
  absl::Status CheckAsked(const rpc::Call& call, const std::string& source) const;

  SyncParts parts_;
  FeedOut feeds_;
  base::Mutex mutex_;
  std::map<std::string, Count> counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::customer
