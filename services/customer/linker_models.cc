// Loading the index, keeping it saved, and moving to another model.
#include <algorithm>
#include <utility>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/log.h"
#include "services/customer/errors.h"
#include "services/customer/linker_load.h"
#include "services/customer/linker_parts.h"
#include "services/customer/linker_saved.h"
#include "services/customer/tables.h"
#include "services/rpc/once.h"
#include "storage/envelope.h"

namespace pharos::customer {

using identity::LinkIndex;
using identity::Model;
using record::v1::LinkEpochRow;

namespace {

constexpr std::string_view kLoop = "internal:linker";

ChangeMaker ByLoop(int64_t now) {
  return [now](std::string_view resource, std::string_view kind, uint64_t version) {
    return rpc::ChangeByLoop(kLoop, resource, kind, version, now);
  };
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Model>> LinkerParts::ModelInForce() const {
  LinkEpochRow epoch;
  PHAROS_RETURN_IF_ERROR(storage::GetRecord(store_, LinkEpochKey(), epoch).status());
  if (epoch.model().empty()) return Model::Default();
  record::v1::LinkModel row;
  const std::string key = storage::KeyWriter(kLinkModel).String(base::Segment(epoch.model(), "linkModels"));
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(store_, key, row));
  if (!found) return absl::DataLossError("the model in force is not in the store");
  return Model::From(std::move(row));
}

absl::Status LinkerParts::AwaitLoaded() const {
  if (!options_.background) return const_cast<LinkerParts*>(this)->Load();  // at the first need
  base::MutexLock lock(mutex_);
  const int64_t until = base::Clock::System().WallMicros() + kLoadPatienceMicros;
  while (!loaded_ && !stopping_) {
    const int64_t left = until - base::Clock::System().WallMicros();
    if (left <= 0) break;
    changed_.WaitForMicros(lock, left);
  }
  return loaded_ ? absl::OkStatus() : errors::IdentityLoading();
}

absl::Status LinkerParts::Load() {
  {
    base::MutexLock lock(mutex_);
    if (loaded_) return absl::OkStatus();
  }
  const Lane::Turn turn(lane_);
  {
    base::MutexLock lock(mutex_);
    if (loaded_) return absl::OkStatus();
  }
  return LoadInTurn();
}

// From the saved index and what has changed since; if that cannot be used, from the records.
absl::Status LinkerParts::LoadInTurn() {
  PHAROS_ASSIGN_OR_RETURN(const std::shared_ptr<const Model> model, ModelInForce());
  registry_ = std::make_unique<Registry>();
  Built built;
  built.position = store_.LastPosition();
  absl::Status status = absl::NotFoundError("no saved index");
  if (!options_.folder.empty()) {
    auto saved = LoadSaved(options_.folder, people_.rows().keys().ring(), model, *registry_);
    status = saved.status();
    if (saved.ok()) {
      built.index = std::move(saved->index);
      built.assertions = std::move(saved->assertions);
      built.position = saved->position;
      status = built.position <= store_.LastPosition() ? CatchUp(built, true)
                                                       : absl::DataLossError("ahead of the store");
    }
    if (absl::IsUnavailable(status)) return status;
  }
  if (!status.ok()) {
    registry_ = std::make_unique<Registry>();
    built = {};
    built.position = store_.LastPosition();
    built.index = LinkIndex::Make(model);
    Loader loader(store_, people_, *registry_, options_.threads);
    PHAROS_RETURN_IF_ERROR(loader.Scan(*built.index, true));
    PHAROS_RETURN_IF_ERROR(loader.Assertions(*built.index, built.assertions, built.last_assertion));
  }
  index_ = std::move(built.index);
  assertions_ = std::move(built.assertions);
  last_assertion_ = built.last_assertion;
  PHAROS_RETURN_IF_ERROR(Reconcile(ByLoop(clock_.WallMicros())));
  base::MutexLock lock(mutex_);
  model_ = model;
  loaded_ = true;
  changed_.NotifyAll();
  return absl::OkStatus();
}

absl::Status LinkerParts::CatchUp(Built& built, bool register_too) {
  Loader loader(store_, people_, *registry_, options_.threads);
  PHAROS_RETURN_IF_ERROR(loader.CatchUp(*built.index, register_too, built.position));
  return loader.Assertions(*built.index, built.assertions, built.last_assertion);
}

absl::StatusOr<LinkerParts::Built> LinkerParts::Build(std::shared_ptr<const Model> model) {
  PHAROS_RETURN_IF_ERROR(AwaitLoaded());
  Built built;
  built.position = store_.LastPosition();
  built.index = LinkIndex::Make(model == nullptr ? Model::Default() : std::move(model));
  Loader loader(store_, people_, *registry_, options_.threads);
  PHAROS_RETURN_IF_ERROR(loader.Scan(*built.index, false));
  const Lane::Turn turn(lane_);
  PHAROS_RETURN_IF_ERROR(CatchUp(built, false));
  return built;
}

absl::StatusOr<std::unique_ptr<LinkIndex>> LinkerParts::IndexUnder(std::shared_ptr<const Model> model) {
  PHAROS_ASSIGN_OR_RETURN(Built built, Build(std::move(model)));
  return std::move(built.index);
}

// The epoch is written first: whatever happens then, the next start ends in the people of the new model.
absl::Status LinkerParts::SwitchModel(const LinkEpochRow& to, std::shared_ptr<const Model> model,
                                      uint64_t epoch, const ChangeMaker& change) {
  if (model == nullptr) model = Model::Default();
  PHAROS_ASSIGN_OR_RETURN(Built built, Build(model));
  const Lane::Turn turn(lane_);
  PHAROS_RETURN_IF_ERROR(CatchUp(built, false));
  PHAROS_RETURN_IF_ERROR(store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    LinkEpochRow now;
    PHAROS_RETURN_IF_ERROR(storage::GetRecord(tx, LinkEpochKey(), now).status());
    if (now.epoch() != epoch) return errors::EtagMismatch("the link epoch");
    LinkEpochRow next = to;
    next.set_epoch(epoch + 1);
    storage::PutRecord(tx, LinkEpochKey(), next);
    tx.AppendChange(
        change(to.model().empty() ? "linkModels/shipped" : to.model(), "linkModel.switched", epoch + 1));
    return absl::OkStatus();
  }));
  DropSaved();
  index_ = std::move(built.index);
  assertions_ = std::move(built.assertions);
  differs_ = true;
  {
    base::MutexLock lock(mutex_);
    model_ = std::move(model);
  }
  return Reconcile(change);
}

// Rewrites the people in the store that are not the groups of the index, in several transactions.
absl::Status LinkerParts::Reconcile(const ChangeMaker& change) {
  differs_ = true;
  std::vector<identity::Group> some;
  const auto write = [&]() -> absl::Status {
    if (some.empty()) return absl::OkStatus();
    Batch batch(people_, *registry_, *index_, change, Now(1));
    batch.Regroup(std::move(some));
    some.clear();
    PHAROS_RETURN_IF_ERROR(PrefetchKeys(batch));
    PHAROS_RETURN_IF_ERROR(Commit(batch, nullptr));
    batch.Keep();
    return absl::OkStatus();
  };
  for (auto& set : Loader::Differences(*index_, *registry_)) {
    std::move(set.begin(), set.end(), std::back_inserter(some));
    if (some.size() >= kMostInBatch) PHAROS_RETURN_IF_ERROR(write());
  }
  PHAROS_RETURN_IF_ERROR(write());
  differs_ = false;
  return absl::OkStatus();
}

void LinkerParts::Start() {
  if (options_.background && !thread_.joinable()) thread_ = std::thread([this] { Background(); });
}

void LinkerParts::Stop() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

// True: it is to end.
bool LinkerParts::RestUntilStop(int64_t micros) {
  const int64_t until = base::Clock::System().WallMicros() + micros;
  base::MutexLock lock(mutex_);
  while (!stopping_) {
    const int64_t left = until - base::Clock::System().WallMicros();
    if (left <= 0) return false;
    changed_.WaitForMicros(lock, left);
  }
  return true;
}

// True: it is to end.
bool LinkerParts::FindReviewsUntilStop(int64_t micros) {
  const int64_t until = base::Clock::System().WallMicros() + micros;
  bool left = true;
  while (base::Clock::System().WallMicros() < until) {
    bool idle = false;
    {
      base::MutexLock lock(mutex_);
      idle = queue_.empty();
    }
    if (RestUntilStop(!left ? kRestDoneMicros : idle ? kRestIdleMicros : kRestBusyMicros)) return true;
    const Lane::Turn turn(lane_);
    left = index_->FindSomeReviews(idle ? kGroupsIdle : kGroupsBusy);
  }
  return false;
}

void LinkerParts::Background() {
  while (true) {
    const absl::Status loaded = Load();
    if (loaded.ok()) break;
    base::Log(base::LogLevel::kWarning, "identity.load", {{"reason", base::ReasonOf(loaded)}});
    if (RestUntilStop(kRetryMicros)) return;
  }
  bool ends = false;
  while (!ends) {
    PrepareKey().IgnoreError();  // else the save asks for it
    ends = FindReviewsUntilStop(kSaveEveryMicros);
    const Lane::Turn turn(lane_);
    WarnIfOutgrown();
    if (options_.folder.empty() || changed_since_saved_ < (ends ? 1 : kWorthSaving)) continue;
    const absl::Status saved = SaveInTurn();
    if (!saved.ok())
      base::Log(base::LogLevel::kWarning, "identity.save", {{"reason", base::ReasonOf(saved)}});
  }
}

void LinkerParts::WarnIfOutgrown() const {
  const uint64_t trained = index_->model().row().records();
  const size_t records = registry_->size();
  if (records / kOutgrown <= trained) return;
  base::Log(base::LogLevel::kWarning, "identity.model_outgrown",
            {{"records", static_cast<int64_t>(records)}, {"trained_on", static_cast<int64_t>(trained)}});
}

absl::Status LinkerParts::PrepareKey() {
  if (options_.folder.empty() || save_key_.id != 0) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(save_key_, people_.rows().keys().ring().Fresh());
  return absl::OkStatus();
}

absl::Status LinkerParts::SaveInTurn() {
  // Read before the index is: what is committed beside it is no change of records.
  const uint64_t position = store_.LastPosition();
  PHAROS_RETURN_IF_ERROR(PrepareKey());
  PHAROS_RETURN_IF_ERROR(
      SaveIndex(options_.folder, std::exchange(save_key_, {}), *index_, *registry_, assertions_, position));
  changed_since_saved_ = 0;
  return absl::OkStatus();
}

void LinkerParts::DropSaved() {
  if (!options_.folder.empty()) DropSavedIndex(options_.folder);
}

}  // namespace pharos::customer
