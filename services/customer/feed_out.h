// The two feeds that partners follow: changes and consent. Everybody first, from a view of the store, then
// what the change log says, so that no committed change is passed over; a state may be newer than the cursor
// and then comes again. Only people who have a record of the agreement's sources; a person who had one until
// now is gone.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/customer/v1/sync_service.pb.h"
#include "services/base/clock.h"
#include "services/customer/agreement_book.h"
#include "services/customer/feed_out_cursor.h"
#include "services/customer/feed_out_view.h"
#include "services/customer/person_store.h"
#include "services/rpc/call.h"
#include "storage/blind_index.h"
#include "storage/store.h"

namespace pharos::customer {

// Thread-safe.
class FeedOut {
 public:
  FeedOut(storage::Store& store, const PersonStore& people, const storage::BlindIndex& blind,
          AgreementBook& agreements, base::Clock& clock)
      : store_(store), people_(people), blind_(blind), agreements_(agreements), clock_(clock) {}

  // Until the caller goes, the agreement ends or the service stops.
  absl::Status FollowChanges(rpc::Call& call, const v1::FollowChangesRequest& request,
                             rpc::Writer<v1::FollowChangesResponse>& feed);
  absl::Status FollowConsents(rpc::Call& call, const v1::FollowConsentsRequest& request,
                              rpc::Writer<v1::FollowConsentsResponse>& feed);
  void Stop() { stopped_ = true; }

  static constexpr size_t kMostPeople = 512;    // a message, as the API says
  static constexpr size_t kMostScanned = 8192;  // people looked at between two messages: some 20 ms
  static constexpr size_t kMostChanges = 4096;  // read from the log at a time
  static constexpr int64_t kWaitMicros =
      100'000;  // between looks at whether the caller or the agreement has gone
  static constexpr int64_t kCursorMicros =
      10'000'000;  // a cursor without changes is told this often, so that little comes again
  static constexpr int64_t kGoneMicros =
      60'000'000;  // between a change of records and its entry in the log, at the very most

 private:
  // Messages that are ready: each sends itself; false: the caller has gone. They are sent when no view is
  // held and no use of the agreement, as a caller may be slow.
  using Outbox = std::vector<std::function<bool()>>;
  // Turns people into messages. `cursor` belongs to the last of them; no people: the cursor alone.
  using Show = std::function<absl::Status(const storage::View& view, std::vector<SharedPerson> people,
                                          const std::string& cursor, Outbox& outbox)>;
  struct Follower {
    rpc::Call& call;
    const std::string feed;  // which feed, under which agreement
    const record::v1::AgreementRow agreement;
    const Show& show;
    FeedPlace place;
    int64_t told_us = 0;  // when a cursor was told last, by the boot clock
    Outbox outbox = {};
  };
  absl::Status Follow(rpc::Call& call, std::string_view kind, const std::string& agreement,
                      const std::string& cursor, const Show& show);
  absl::StatusOr<FeedPlace> PlaceOf(const std::string& feed, const std::string& cursor) const;
  // One step each: a message's worth of people, or of changes, into the outbox.
  absl::Status Snapshot(Follower& follower);
  absl::Status Changes(Follower& follower);
  // Under the agreement, with an audit entry.
  absl::Status Tell(Follower& follower, const storage::View& view, std::vector<SharedPerson> people);

  // nullopt: none of its business.
  absl::StatusOr<std::optional<SharedPerson>> Find(const storage::View& view,
                                                   const record::v1::AgreementRow& agreement,
                                                   const std::string& person, int64_t changed_us) const;
  absl::StatusOr<std::vector<record::v1::RecordRow>> SharedRecords(const storage::View& view,
                                                                   const record::v1::AgreementRow& agreement,
                                                                   const record::v1::PersonRow& person,
                                                                   int64_t changed_us,
                                                                   std::vector<std::string>& lost) const;
  absl::StatusOr<bool> HadShared(const storage::View& view, const record::v1::AgreementRow& agreement,
                                 const std::string& person, int64_t since_us) const;
  absl::StatusOr<std::vector<v1::ConsentState>> StatesOf(const storage::View& view,
                                                         const record::v1::AgreementRow& agreement,
                                                         std::vector<SharedPerson>& people) const;
  bool Ended(const rpc::Call& call) const { return stopped_ || call.cancelled(); }

  storage::Store& store_;
  const PersonStore& people_;
  const storage::BlindIndex& blind_;
  AgreementBook& agreements_;
  base::Clock& clock_;
  std::atomic<bool> stopped_ = false;
};

}  // namespace pharos::customer
