// The feed of people and purposes that the audience service follows: a snapshot, then every change, in order.
#pragma once

#include <atomic>

#include "pharos/customer/internal/v1/feed_service.pb.h"
#include "pharos/customer/internal/v1/feed_service.serve.h"
#include "pharos/record/v1/customer.pb.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/customer/person_store.h"
#include "storage/store.h"

namespace pharos::customer {

class FeedService : public internal::v1::FeedServiceHandler {
 public:
  FeedService(storage::Store& store, const PersonStore& people, base::Clock& clock = base::Clock::System())
      : store_(store), people_(people), clock_(clock) {}

  absl::Status FollowPeople(rpc::Call& call, const internal::v1::FollowPeopleRequest& request,
                            rpc::Writer<internal::v1::FollowPeopleResponse>& feed) override;
  absl::Status FollowPurposes(rpc::Call& call, const internal::v1::FollowPurposesRequest& request,
                              rpc::Writer<internal::v1::FollowPurposesResponse>& feed) override;
  absl::Status GetPosition(rpc::Call& call, const internal::v1::GetPositionRequest& request,
                           internal::v1::GetPositionResponse& response) override;
  // The same, for whoever is in this process: a call of a function.
  absl::Status Position(const internal::v1::GetPositionRequest& request,
                        internal::v1::GetPositionResponse& response);

  // Ends the streams that are open and refuses new ones.
  void Stop() { stopped_ = true; }

  static constexpr int kMostPeople = 512;       // a message: about 300 KiB, far below the 4 MiB limit
  static constexpr size_t kMostChanges = 4096;  // read from the log at a time
  // Between two messages while much changes, unless somebody asks how far the log is: whoever changes twice
  // is sent once, and nobody waits for it.
  static constexpr int64_t kGatherMicros = 25'000;
  static constexpr int64_t kWaitMicros = 100'000;  // between looks at whether the caller has gone

 private:
  class Batch;
  using Feed = rpc::Writer<internal::v1::FollowPeopleResponse>;

  // Sends everybody; the position that this was the state of.
  absl::StatusOr<uint64_t> SendSnapshot(Feed& feed) const;
  // Sends who has changed between two positions, each person once.
  absl::Status SendChanged(const std::vector<storage::Change>& changes, uint64_t from, Feed& feed) const;
  absl::StatusOr<internal::v1::PersonState> StateOf(const storage::View& view,
                                                    const record::v1::PersonRow& person) const;
  // Opens the people, adds them to the batch and empties the list. False: the caller has gone.
  absl::StatusOr<bool> AddAll(const storage::View& view, std::vector<record::v1::PersonRow>& people,
                              Batch& batch) const;
  absl::StatusOr<uint64_t> SendPurposes(rpc::Writer<internal::v1::FollowPurposesResponse>& feed) const;
  // As of `position` or later. Read anew only where something was committed since they were last read.
  absl::Status AddPurposes(uint64_t position, internal::v1::GetPositionResponse& response);
  void Gather(uint64_t cursor);
  bool Ended(const rpc::Call& call) const { return stopped_ || call.cancelled(); }

  storage::Store& store_;
  const PersonStore& people_;
  base::Clock& clock_;
  std::atomic<bool> stopped_ = false;
  base::Mutex mutex_;
  base::CondVar asked_again_;
  uint64_t asked_ ABSL_GUARDED_BY(mutex_) = 0;  // the last position that somebody was told
  base::Mutex purposes_mutex_;
  bool purposes_read_ ABSL_GUARDED_BY(purposes_mutex_) = false;
  uint64_t purposes_at_ ABSL_GUARDED_BY(purposes_mutex_) = 0;  // what purposes_ are the state of
  internal::v1::FollowPurposesResponse purposes_ ABSL_GUARDED_BY(purposes_mutex_);
};

}  // namespace pharos::customer
