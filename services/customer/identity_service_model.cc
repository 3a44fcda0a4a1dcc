// IdentityService: the models behind the score, and how the index stands.
#include <fmt/format.h>

#include <deque>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/mutex.h"
#include "services/customer/errors.h"
#include "services/customer/identity/train.h"
#include "services/customer/identity_service.h"
#include "services/customer/model_diff.h"
#include "services/customer/model_store.h"
#include "services/rpc/audit.h"
#include "storage/envelope.h"

namespace pharos::customer {

using identity::LinkIndex;
using identity::RecordNo;
using record::v1::LinkEpochRow;

namespace {

constexpr int kDefaultSamples = 10;
constexpr double kDefaultPrecision = 0.9995;     // of everything linked without asking
constexpr int64_t kComparedMicros = 60'000'000;  // a comparison answers who asks again; then it is old
constexpr int64_t kToAnswerMicros = 1'000'000;   // of a deadline: to say that it is still being worked on
constexpr double kLeastPrecision = 0.9, kMostPrecision = 0.999999;

absl::Status PrecisionWrong() {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "precision must lie between 0.9 and 0.999999",
                         {.reason = "PRECISION_WRONG",
                          .metadata = {},
                          .violations = {{"precision", "0.9 to 0.999999; 0 = 0.9995"}}});
}

// The index says it in hex, or in bytes.
std::string HexOf(const std::string& hash) {
  constexpr size_t kHashBytes = 32;
  return hash.size() == kHashBytes ? base::ToHex(hash) : hash;
}

void AddSamples(const std::vector<std::vector<RecordNo>>& groups, bool linked, const RecordNames& names,
                v1::ModelDiff& response) {
  for (const auto& group : groups) {
    auto& sample = *response.add_samples();
    sample.set_linked(linked);
    std::set<std::string> people;
    for (const RecordNo record : group) {
      sample.add_records(names.NameOf(record));
      people.insert(names.PersonOf(record));
    }
    for (const auto& person : people) sample.add_people(person);
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<const identity::Model>> IdentityService::ModelNamed(
    const storage::View& view, const std::string& name) const {
  if (name == kShippedModel) return identity::Model::Default();
  PHAROS_ASSIGN_OR_RETURN(auto row, LoadModel(view, name));
  if (!row) return errors::ModelNotFound(name);
  return identity::Model::From(*std::move(row));
}

// ----------------------------------------------------------------------------------------------------
// training

// The lane waits for the copying only: seconds for millions of records, where training takes minutes.
absl::StatusOr<std::unique_ptr<LinkIndex>> IdentityService::CopyOfIndex() const {
  std::deque<std::string> pieces;
  PHAROS_RETURN_IF_ERROR(linker_.Read([&](const LinkIndex& index, const RecordNames&) {
    index.Save([&](std::string_view piece) { pieces.emplace_back(piece); });
    return absl::OkStatus();
  }));
  PHAROS_ASSIGN_OR_RETURN(const auto model, ModelInForce(*store_.Read()));
  return LinkIndex::Load(model, [&](std::string& piece) {
    if (pieces.empty()) return false;
    piece = std::move(pieces.front());
    pieces.pop_front();
    return true;
  });
}

absl::Status IdentityService::Train(const rpc::Call& call, const v1::TrainModelRequest& request,
                                    rpc::Writer<v1::TrainModelResponse>& writer) const {
  base::Mutex mutex;  // training tells of itself from several threads
  const auto tell = [&](std::string_view stage, double part) {
    v1::TrainModelResponse progress;
    progress.set_stage(std::string(stage));
    progress.set_done(part);
    base::MutexLock lock(mutex);
    writer.Write(progress);
  };
  tell("copying", 0);
  PHAROS_ASSIGN_OR_RETURN(const auto index, CopyOfIndex());
  identity::TrainOptions options;
  options.seed = request.seed() == 0 ? 1 : request.seed();
  options.precision = request.precision() == 0 ? kDefaultPrecision : request.precision();
  options.threads = threads_;
  options.progress = tell;
  PHAROS_ASSIGN_OR_RETURN(auto row, identity::Train(*index, options));
  const int64_t now = clock_.WallMicros();
  row.set_name(NameOfModel(row));
  row.set_create_time_us(now);
  row.set_principal(call.caller().principal);
  PHAROS_RETURN_IF_ERROR(identity::Model::From(row).status());
  PHAROS_RETURN_IF_ERROR(store_.Transact([&](storage::Transaction& tx) {
    SaveModel(tx, row);
    tx.AppendChange(rpc::ChangeBy(call, row.name(), "linkModel.trained", 0, now));
    return absl::OkStatus();
  }));
  PHAROS_ASSIGN_OR_RETURN(const LinkEpochRow epoch, LoadEpoch(*store_.Read()));
  v1::TrainModelResponse last;
  last.set_stage("done");
  last.set_done(1);
  *last.mutable_model() = ShowModel(row, epoch);
  return writer.Write(last) ? absl::OkStatus() : errors::CallerGone();
}

absl::Status IdentityService::TrainModel(rpc::Call& call, const v1::TrainModelRequest& request,
                                         rpc::Writer<v1::TrainModelResponse>& writer) {
  const double precision = request.precision();
  if (precision != 0 && !(precision >= kLeastPrecision && precision <= kMostPrecision))
    return PrecisionWrong();
  if (training_.exchange(true)) return errors::TrainingBusy();
  const absl::Status status = Train(call, request, writer);
  training_ = false;
  return status;
}

// ------------------------------------------------------------------------------------------------------
// models

absl::Status IdentityService::ListModels(rpc::Call&, const v1::ListModelsRequest&,
                                         v1::ListModelsResponse& response) {
  const auto view = store_.Read();
  PHAROS_ASSIGN_OR_RETURN(const LinkEpochRow epoch, LoadEpoch(*view));
  PHAROS_ASSIGN_OR_RETURN(const auto rows, LoadModels(*view));
  for (const auto& row : rows) *response.add_models() = ShowModel(row, epoch);
  return absl::OkStatus();
}

absl::Status IdentityService::CompareModel(const v1::DiffModelRequest& request,
                                           v1::ModelDiff& response) const {
  PHAROS_ASSIGN_OR_RETURN(const auto model, ModelNamed(*store_.Read(), request.name()));
  Partition now, then;
  {
    PHAROS_ASSIGN_OR_RETURN(const auto index, linker_.IndexUnder(model));
    then = PartitionOf(*index);
  }
  PHAROS_RETURN_IF_ERROR(linker_.Read([&](const LinkIndex& index, const RecordNames&) {
    now = PartitionOf(index);
    return absl::OkStatus();
  }));
  const size_t samples = static_cast<size_t>(request.samples() <= 0 ? kDefaultSamples : request.samples());
  const PartitionDiff diff = Compare(now, then, samples);
  response.set_people_now(static_cast<int64_t>(now.groups.size()));
  response.set_people_then(static_cast<int64_t>(then.groups.size()));
  response.set_linked(diff.linked);
  response.set_split(diff.split);
  response.set_reviews_now(now.reviews);
  response.set_reviews_then(then.reviews);
  return linker_.Read([&](const LinkIndex&, const RecordNames& names) {
    AddSamples(diff.linked_samples, true, names, response);
    AddSamples(diff.split_samples, false, names, response);
    return absl::OkStatus();
  });
}

absl::Status IdentityService::DiffModel(rpc::Call& call, const v1::DiffModelRequest& request,
                                        v1::ModelDiff& response) {
  PHAROS_ASSIGN_OR_RETURN(const LinkEpochRow epoch, LoadEpoch(*store_.Read()));
  const std::string what = fmt::format("{} {} {}", request.name(), request.samples(), EtagOf(epoch));
  const auto done_already = [&] {
    base::MutexLock lock(compared_mutex_);
    if (compared_.what != what || clock_.WallMicros() - compared_.time_us > kComparedMicros) return false;
    response = compared_.diff;
    return true;
  };
  PHAROS_RETURN_IF_ERROR(
      comparing_.Run(call.RemainingMicros() - kToAnswerMicros, done_already, [&]() -> absl::Status {
        PHAROS_RETURN_IF_ERROR(CompareModel(request, response));
        base::MutexLock lock(compared_mutex_);
        compared_ = {what, clock_.WallMicros(), response};
        return absl::OkStatus();
      }));
  std::set<std::string> people;
  for (const auto& sample : response.samples()) people.insert(sample.people().begin(), sample.people().end());
  return rpc::AuditRead(call, store_, "linkModel.compared", {people.begin(), people.end()},
                        clock_.WallMicros());
}

absl::Status IdentityService::Switch(const rpc::Call& call, const v1::SwitchModelRequest& request) const {
  const int64_t now = clock_.WallMicros();
  const auto view = store_.Read();
  PHAROS_ASSIGN_OR_RETURN(const LinkEpochRow epoch, LoadEpoch(*view));
  if (!request.etag().empty() && request.etag() != EtagOf(epoch)) return errors::EtagMismatch(request.name());
  const bool shipped = request.name() == kShippedModel;
  std::shared_ptr<const identity::Model> model;
  if (!shipped) {
    PHAROS_ASSIGN_OR_RETURN(model, ModelNamed(*view, request.name()));
  }
  LinkEpochRow to;
  if (!shipped) to.set_model(request.name());
  to.set_epoch(epoch.epoch() + 1);
  to.set_switch_time_us(now);
  to.set_principal(call.caller().principal);
  const ChangeMaker change = [&](std::string_view resource, std::string_view kind, uint64_t version) {
    return rpc::ChangeBy(call, resource, kind, version, now);
  };
  return linker_.SwitchModel(to, model, epoch.epoch(), change);
}

absl::Status IdentityService::SwitchModel(rpc::Call& call, const v1::SwitchModelRequest& request,
                                          v1::LinkModel& response) {
  PHAROS_ASSIGN_OR_RETURN(const auto row, LoadModel(*store_.Read(), request.name()));
  if (!row) return errors::ModelNotFound(request.name());
  // A repeat of a switch that has been made changes nothing, whatever it had read before.
  const auto done_already = [&] {
    const auto epoch = LoadEpoch(*store_.Read());
    return epoch.ok() && ActiveModel(*epoch) == request.name();
  };
  PHAROS_RETURN_IF_ERROR(switching_.Run(call.RemainingMicros() - kToAnswerMicros, done_already,
                                        [&] { return Switch(call, request); }));
  opt_outs_.AwaitAllOutstanding();
  PHAROS_ASSIGN_OR_RETURN(const LinkEpochRow stands, LoadEpoch(*store_.Read()));
  response = ShowModel(*row, stands);
  return absl::OkStatus();
}

absl::Status IdentityService::GetIdentityState(rpc::Call&, const v1::GetIdentityStateRequest& request,
                                               v1::IdentityState& response) {
  PHAROS_ASSIGN_OR_RETURN(const LinkEpochRow epoch, LoadEpoch(*store_.Read()));
  response.set_model(ActiveModel(epoch));
  return linker_.Read([&](const LinkIndex& index, const RecordNames&) {
    const identity::IndexStats stats = index.stats();
    response.set_records(static_cast<int64_t>(stats.records));
    response.set_people(static_cast<int64_t>(stats.groups));
    response.set_reviews(static_cast<int64_t>(stats.reviews));
    response.set_retired_keys(static_cast<int64_t>(stats.retired_keys));
    response.set_index_bytes(static_cast<int64_t>(stats.bytes));
    response.set_model_records(static_cast<int64_t>(index.model().row().records()));
    response.set_outgrown(stats.records / kOutgrown > index.model().row().records());
    if (request.with_hash()) response.set_partition_hash(HexOf(index.PartitionHash()));
    return absl::OkStatus();
  });
}

}  // namespace pharos::customer
