// One stream of a partner's feed. One thread reads and checks items, one hands them on in batches, without
// waiting for those before, and one answers, in order, when they are durable and, as everything may make the
// gate stricter, when no earlier permit is left.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/customer/v1/sync_service.pb.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/customer/agreement_book.h"
#include "services/customer/linker.h"
#include "services/customer/person_store.h"
#include "services/customer/sync_item.h"
#include "services/customer/sync_queue.h"
#include "services/rpc/call.h"
#include "storage/store.h"

namespace pharos::customer {

// What a run works with.
struct SyncParts {
  storage::Store& store;
  const PersonStore& people;
  Linker& linker;
  AgreementBook& agreements;
  base::Clock& clock;
  // Returns when every permit that was given before it was called is released or has run out.
  std::function<void()> settle;
};

class SyncRun {
 public:
  using Stream = rpc::Stream<v1::SyncRequest, v1::SyncResponse>;
  SyncRun(SyncParts& parts, rpc::Call& call, Stream& stream, v1::SyncHeader header);

  // Until the caller has said everything, or one of both ends it.
  absl::Status Run();

  static constexpr size_t kMostInBatch = 512;  // an answer waits for the whole of its batch
  static constexpr size_t kMostOnTheWay = 8;   // batches: all that may be unanswered
  static constexpr size_t kMostInBulk =
      2048;  // half of what may be unanswered: the other half is read meanwhile
  static constexpr int64_t kGatherMicros = 20'000;      // that a bulk batch waits for more
  static constexpr int64_t kIdleMicros = 500'000;       // between looks at the agreement while nothing comes
  static constexpr int64_t kPartingMicros = 2'000'000;  // for the caller to stop when we end the stream

 private:
  void ReadAll();
  // What is wrong with the stream as such.
  absl::Status Read(const v1::SyncRequest& request);
  // A batch on its way into the store.
  struct OnTheWay {
    std::vector<SyncReading> batch;
    bool corrections = false;                // of stewards, anywhere
    AgreementBook::Use use;                  // everything happens while the agreement is in force
    std::shared_ptr<Linker::Coming> coming;  // nullptr: nothing of it is to be stored
  };
  absl::Status StoreAll();
  absl::StatusOr<OnTheWay> Begin(std::vector<SyncReading> batch);
  // False: answering has failed.
  bool HandOver(OnTheWay batch);
  bool AnsweringFailed();
  void AnswerAll();
  absl::Status Answer(OnTheWay& batch, v1::SyncResponse& response);
  absl::Status Send(OnTheWay& batch);
  // Brings the reading thread to its end.
  void Part(const absl::Status& status);
  SyncTerms Terms();

  SyncParts& parts_;
  rpc::Call& call_;
  Stream& stream_;
  const v1::SyncHeader header_;
  const std::string source_id_;
  const Asker asker_;
  std::shared_ptr<const record::v1::AgreementRow> agreement_;  // never changes, but for its end
  SyncQueue queue_;
  Linker::Line line_;  // a cursor is never ahead of what failed

  base::Mutex mutex_;
  base::CondVar moved_;
  std::deque<OnTheWay> on_the_way_ ABSL_GUARDED_BY(mutex_);
  bool all_handed_over_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status failed_ ABSL_GUARDED_BY(mutex_);  // of answering
};

// The state of purposes as the store has it, each looked up once.
class PurposeStates {
 public:
  explicit PurposeStates(const storage::Store& store) : store_(store) {}
  PurposeState Of(std::string_view purpose);
  // The store failed.
  const absl::Status& status() const { return status_; }

 private:
  const storage::Store& store_;
  std::map<std::string, PurposeState, std::less<>> known_;
  absl::Status status_;
};

}  // namespace pharos::customer
