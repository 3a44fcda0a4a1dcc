#include "services/customer/sync_run.h"

#include <thread>
#include <utility>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/customer/agreement_store.h"
#include "services/customer/errors.h"
#include "services/customer/purpose_store.h"
#include "services/customer/sync_verdict.h"
#include "services/rpc/once.h"
#include "storage/envelope.h"

namespace pharos::customer {

using v1::SyncResult;

namespace {

// The cursor of the last item that was not refused; "" if there is none.
std::string LastCursor(const std::vector<SyncReading>& batch) {
  for (auto it = batch.rbegin(); it != batch.rend(); ++it) {
    if (!it->refused && !it->result.cursor().empty()) return it->result.cursor();
  }
  return {};
}

// Nothing more is sent to the caller than the end, and why.
void SayEnd(SyncRun::Stream& stream, const absl::Status& status) {
  v1::SyncResponse response;
  response.mutable_end()->set_reason(base::ReasonOf(status));
  response.mutable_end()->set_message(std::string(base::FromAbsl(status.message())));
  (void)stream.Write(response);
}

}  // namespace

PurposeState PurposeStates::Of(std::string_view purpose) {
  const auto it = known_.find(purpose);
  if (it != known_.end()) return it->second;
  const auto row = base::Segment(purpose, "purposes").empty()
                       ? absl::StatusOr<std::optional<record::v1::PurposeRow>>(std::nullopt)
                       : LoadPurpose(store_, purpose);
  if (!row.ok()) {
    status_ = row.status();
    return PurposeState::kUnknown;
  }
  PurposeState state = PurposeState::kUnknown;
  if (*row) state = (*row)->retire_time_us() == 0 ? PurposeState::kInUse : PurposeState::kRetired;
  return known_[std::string(purpose)] = state;
}

SyncRun::SyncRun(SyncParts& parts, rpc::Call& call, Stream& stream, v1::SyncHeader header)
    : parts_(parts),
      call_(call),
      stream_(stream),
      header_(std::move(header)),
      source_id_(base::Segment(header_.source(), "sources")),
      asker_(AskerOf(call.caller())) {}

absl::Status SyncRun::Run() {
  if (!header_.agreement().empty()) {
    PHAROS_ASSIGN_OR_RETURN(auto row, LoadAgreement(parts_.store, header_.agreement()));
    if (!row) return errors::AgreementMissing();
    agreement_ = std::make_shared<const record::v1::AgreementRow>(*std::move(row));
  }
  std::thread reader([this] { ReadAll(); });
  std::thread answerer([this] { AnswerAll(); });
  absl::Status status = StoreAll();
  {
    base::MutexLock lock(mutex_);
    all_handed_over_ = true;
    moved_.NotifyAll();
  }
  answerer.join();
  if (base::MutexLock lock(mutex_); !failed_.ok()) status = failed_;
  Part(status);
  reader.join();
  return status;
}

void SyncRun::Part(const absl::Status& status) {
  queue_.Close();
  if (queue_.AwaitFinish(0)) return;
  // The caller may be waiting for answers, or about to send more: both come to an end by themselves.
  SayEnd(stream_, status);
  const int64_t until = parts_.clock.BootMicros() + kPartingMicros;
  for (int64_t waited = 0; waited < kPartingMicros && !queue_.AwaitFinish(kGatherMicros);
       waited += kGatherMicros) {
    if (parts_.clock.BootMicros() >= until) break;
  }
  if (!queue_.AwaitFinish(0)) call_.Cancel();
}

SyncTerms SyncRun::Terms() {
  SyncTerms terms;
  terms.source_id = source_id_;
  terms.agreement = agreement_.get();
  terms.principal = call_.caller().principal;
  terms.now = parts_.clock.WallMicros();
  terms.index = [this](type::v1::Channel channel, std::string_view address) {
    return parts_.people.EndpointOf(channel, address);
  };
  return terms;
}

void SyncRun::ReadAll() {
  v1::SyncRequest request;
  absl::Status status;
  while (status.ok() && stream_.Read(request)) status = Read(request);
  queue_.Finish(std::move(status));
}

absl::Status SyncRun::Read(const v1::SyncRequest& request) {
  const bool one = request.message_case() == v1::SyncRequest::kItem;
  if (!one && request.message_case() != v1::SyncRequest::kBatch) return errors::SyncOrderWrong();
  PurposeStates purposes(parts_.store);
  SyncTerms terms = Terms();
  terms.purpose = [&](std::string_view purpose) { return purposes.Of(purpose); };
  std::vector<SyncReading> items;
  if (one) items.push_back(ReadItem(request.item(), terms));
  for (const auto& item : request.batch().items()) items.push_back(ReadItem(item, terms));
  PHAROS_RETURN_IF_ERROR(purposes.status());
  if (items.empty()) return absl::OkStatus();
  return queue_.Push(std::move(items), request.ByteSizeLong()) ? absl::OkStatus() : errors::CallerGone();
}

absl::Status SyncRun::StoreAll() {
  const size_t most = header_.bulk() ? kMostInBulk : kMostInBatch;
  const int64_t gather = header_.bulk() ? kGatherMicros : 0;
  bool over = false;
  while (true) {
    std::vector<SyncReading> batch = queue_.Take(most, most, gather, kIdleMicros, over);
    // Gone by itself, or we drain: then the caller is to come again.
    if (call_.cancelled()) return queue_.AwaitFinish(0) ? errors::CallerGone() : errors::Stopping();
    if (over) return queue_.status();
    if (batch.empty()) {
      PHAROS_RETURN_IF_ERROR(parts_.agreements.Bring(asker_, header_.agreement(), header_.source()).status());
    } else {
      PHAROS_ASSIGN_OR_RETURN(OnTheWay begun, Begin(std::move(batch)));
      if (!HandOver(std::move(begun))) return absl::OkStatus();
    }
    if (AnsweringFailed()) return absl::OkStatus();
  }
}

absl::StatusOr<SyncRun::OnTheWay> SyncRun::Begin(std::vector<SyncReading> batch) {
  OnTheWay begun;
  begun.corrections = SyncVerdict::AnyCorrections(parts_.store);
  std::vector<RecordChange> changes;
  changes.reserve(batch.size());
  const std::string cursor = LastCursor(batch);
  for (auto& reading : batch) {
    if (reading.refused) continue;
    if (begun.corrections || !reading.grants.empty()) {  // looked at afterwards
      changes.push_back(reading.change);
    } else {
      changes.push_back(std::move(reading.change));
    }
  }
  begun.batch = std::move(batch);
  PHAROS_ASSIGN_OR_RETURN(begun.use, parts_.agreements.Bring(asker_, header_.agreement(), header_.source()));
  if (changes.empty()) return begun;
  const int64_t now = parts_.clock.WallMicros();
  Linker::ApplyOptions options;
  options.dry_run = header_.dry_run();
  options.bulk = header_.bulk();
  options.line = &line_;
  if (!cursor.empty() && !header_.dry_run()) {
    options.with = [this, cursor, now](storage::Transaction& tx) {
      record::v1::SyncCursorRow row;
      row.set_cursor(cursor);
      row.set_time_us(now);
      storage::PutRecord(tx, SyncCursorKey(header_.source()), row);
    };
  }
  const ChangeMaker change = [this, now](std::string_view resource, std::string_view kind, uint64_t version) {
    return rpc::ChangeBy(call_, resource, kind, version, now);
  };
  PHAROS_ASSIGN_OR_RETURN(begun.coming, parts_.linker.Begin(std::move(changes), change, std::move(options)));
  return begun;
}

bool SyncRun::HandOver(OnTheWay batch) {
  base::MutexLock lock(mutex_);
  on_the_way_.push_back(std::move(batch));
  moved_.NotifyAll();
  while (failed_.ok() && on_the_way_.size() >= kMostOnTheWay) moved_.Wait(lock);
  return failed_.ok();
}

bool SyncRun::AnsweringFailed() {
  base::MutexLock lock(mutex_);
  return !failed_.ok();
}

// What has begun is awaited, even if nobody hears of it any more.
void SyncRun::AnswerAll() {
  while (true) {
    OnTheWay next;
    absl::Status status;
    {
      base::MutexLock lock(mutex_);
      while (on_the_way_.empty() && !all_handed_over_) moved_.Wait(lock);
      if (on_the_way_.empty()) return;
      next = std::move(on_the_way_.front());
      status = failed_;
    }
    if (status.ok()) {
      status = Send(next);
    } else if (next.coming != nullptr) {
      parts_.linker.Await(*next.coming).status().IgnoreError();
    }
    base::MutexLock lock(mutex_);
    on_the_way_.pop_front();
    if (failed_.ok() && !status.ok()) {
      failed_ = status;
      queue_.Close();
    }
    moved_.NotifyAll();
  }
}

absl::Status SyncRun::Send(OnTheWay& batch) {
  v1::SyncResponse response;
  PHAROS_RETURN_IF_ERROR(Answer(batch, response));
  // Also for what changed nothing: an earlier sending may have been cut off before its wait.
  if (!header_.dry_run()) parts_.settle();
  if (!stream_.Write(response)) return errors::CallerGone();
  queue_.Answered(batch.batch.size());
  return absl::OkStatus();
}

absl::Status SyncRun::Answer(OnTheWay& batch, v1::SyncResponse& response) {
  std::vector<RecordResult> stored;
  if (batch.coming != nullptr) {
    PHAROS_ASSIGN_OR_RETURN(stored, parts_.linker.Await(*batch.coming));
  }
  batch.use.Release();
  const SyncVerdict verdict(parts_.store, parts_.people, batch.corrections);
  size_t next = 0;
  for (auto& reading : batch.batch) {
    SyncResult& result = *response.add_results();
    if (!reading.refused) {
      reading.result.set_person(stored[next].person);
      if (stored[next].outcome == RecordOutcome::kStored || stored[next].outcome == RecordOutcome::kUnchanged)
        PHAROS_RETURN_IF_ERROR(verdict.Note(reading, reading.result));
      SetOutcome(stored[next++], reading.result);
    }
    result = std::move(reading.result);
  }
  return absl::OkStatus();
}

}  // namespace pharos::customer
