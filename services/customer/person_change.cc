// What changes people through PersonService: corrections and erasure. Several commits each, so that the
// answer is remembered with the last one, and a call that was cut short does what is left when it comes
// again.
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/correction.h"
#include "services/customer/erasure.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"
#include "services/customer/person_service.h"
#include "services/rpc/once.h"
#include "storage/envelope.h"

namespace pharos::customer {

using record::v1::PersonRow;
using record::v1::RecordRow;

namespace {

ChangeMaker ChangesOf(const rpc::Call& call, int64_t now) {
  return [&call, now](std::string_view resource, std::string_view kind, uint64_t version) {
    return rpc::ChangeBy(call, resource, kind, version, now);
  };
}

// The same for a repeat of the call, so that a record that was stored before it was linked is found again.
std::string FreshRecord(const rpc::Call& call, const std::string& request_id, int64_t now) {
  const std::string id =
      request_id.empty()
          ? base::NewId(now)
          : base::ToHex(base::Sha256(call.caller().principal + '\n' + request_id).substr(0, 12));
  return RecordName("stewards", id);
}

// The person with its records, opened; those gone left out.
struct OpenedPerson {
  PersonRow row;
  std::vector<RecordRow> records;
};
absl::StatusOr<OpenedPerson> OpenPerson(const storage::View& view, const PersonStore& people,
                                        const std::string& name) {
  PHAROS_ASSIGN_OR_RETURN(auto row, people.Load(view, name));
  if (!row) return errors::PersonNotFound(name);
  if (row->erased()) return errors::PersonErased(row->name());
  OpenedPerson opened;
  opened.row = *std::move(row);
  for (const auto& record : opened.row.records()) {
    PHAROS_ASSIGN_OR_RETURN(auto one, people.LoadRecord(view, record));
    if (!one) return errors::RecordMissing(record);
    if (!SealedRows::IsGone(*one)) opened.records.push_back(*std::move(one));
  }
  PHAROS_RETURN_IF_ERROR(people.Open({&opened.row, 1}));
  PHAROS_RETURN_IF_ERROR(people.Open(opened.records));
  return opened;
}

absl::Status RegisterStewards(storage::Store& store, const ChangeMaker& change, int64_t now) {
  const record::v1::SourceRow row = StewardsSource(now);
  return store.Transact([&](storage::Transaction& tx) -> absl::Status {
    record::v1::SourceRow known;
    PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(tx, SourceKey(row.name()), known));
    if (found) return absl::OkStatus();
    storage::PutRecord(tx, SourceKey(row.name()), row);
    tx.AppendChange(change(row.name(), "source.created", 1));
    return absl::OkStatus();
  });
}

}  // namespace

absl::StatusOr<bool> PersonService::Recall(rpc::Call& call, const google::protobuf::Message& request,
                                           google::protobuf::Message& response) const {
  bool first = false;
  const absl::Status status = rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction&) {
        first = true;
        return absl::CancelledError("nothing is to be remembered yet");
      },
      clock_.WallMicros());
  if (first) return false;
  PHAROS_RETURN_IF_ERROR(status);
  return true;
}

// The new record is asserted to be the person's; if that is refused it does not stay behind as somebody else.
absl::Status PersonService::PutCorrection(std::vector<RecordChange> changes, const std::string& fresh,
                                          const std::string& anchor, const std::string& reason,
                                          const std::string& principal, const ChangeMaker& change) {
  const bool is_new = !changes.empty() && changes.front().row.name() == fresh;
  PHAROS_ASSIGN_OR_RETURN(const auto results, linker_->Apply(std::move(changes), change, {}));
  for (const auto& result : results) {
    if (result.outcome == RecordOutcome::kRefused) return result.status;
  }
  if (!is_new) return absl::OkStatus();
  const int64_t now = clock_.WallMicros();
  record::v1::AssertionRow decision;
  decision.set_name("assertions/" + base::NewId(now));
  auto& side = *decision.add_sides();
  side.add_records(std::min(anchor, fresh));
  side.add_records(std::max(anchor, fresh));
  decision.set_reason(reason);
  decision.set_principal(principal);
  decision.set_create_time_us(now);
  const absl::Status decided = linker_->Assert(decision, change, nullptr);
  if (decided.ok()) return decided;
  RecordChange back;
  back.kind = RecordChange::kDelete;
  back.row.set_name(fresh);
  PHAROS_RETURN_IF_ERROR(linker_->Apply({back}, change, {}).status());
  return decided;
}

absl::Status PersonService::Correct(rpc::Call& call, const v1::CorrectPersonRequest& request) {
  const int64_t now = clock_.WallMicros();
  const ChangeMaker change = ChangesOf(call, now);
  PHAROS_ASSIGN_OR_RETURN(const OpenedPerson person, OpenPerson(*store_.Read(), people_, request.person()));
  const std::string anchor = AnchorOf(person.records);
  if (anchor.empty()) return errors::PersonWithoutRecords(person.row.name());
  std::vector<RecordRow> stewards;
  for (const auto& record : person.records) {
    if (IsStewardsRecord(record.name())) stewards.push_back(record);
  }
  const std::string fresh = FreshRecord(call, request.request_id(), now);
  std::vector<RecordChange> changes;
  for (auto& corrected : Corrected(stewards, person.row, request.fields(), fresh, now)) {
    const bool nothing_there = corrected.empty && corrected.row.name() == fresh;
    if (nothing_there) continue;
    RecordChange& one = changes.emplace_back();
    one.kind = corrected.empty ? RecordChange::kDelete : RecordChange::kPut;
    one.row = std::move(corrected.row);
  }
  if (changes.empty()) return absl::OkStatus();
  PHAROS_RETURN_IF_ERROR(RegisterStewards(store_, change, now));
  return PutCorrection(std::move(changes), fresh, anchor, request.reason(), call.caller().principal, change);
}

absl::Status PersonService::CorrectPerson(rpc::Call& call, const v1::CorrectPersonRequest& request,
                                          v1::Person& response) {
  if (linker_ == nullptr) return errors::IdentityLoading();
  PHAROS_RETURN_IF_ERROR(CheckCorrection(request.fields()));
  PHAROS_ASSIGN_OR_RETURN(const bool answered, Recall(call, request, response));
  if (answered) return absl::OkStatus();
  PHAROS_RETURN_IF_ERROR(Correct(call, request));
  const int64_t now = clock_.WallMicros();
  const auto view = store_.Read();
  PHAROS_ASSIGN_OR_RETURN(const auto person, people_.Load(*view, request.person()));
  if (!person) return errors::PersonNotFound(request.person());
  v1::Person shown;
  PHAROS_RETURN_IF_ERROR(ShowPerson(*view, people_, *person, {}, shown));
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) {
        tx.AppendChange(rpc::ChangeBy(call, person->name(), "person.corrected", person->version(), now));
        response = shown;
        return absl::OkStatus();
      },
      now);
}

absl::Status PersonService::ErasePerson(rpc::Call& call, const v1::ErasePersonRequest& request,
                                        v1::ErasePersonResponse& response) {
  if (linker_ == nullptr || opt_outs_ == nullptr) return errors::IdentityLoading();
  PHAROS_ASSIGN_OR_RETURN(const bool answered, Recall(call, request, response));
  if (answered) {  // waits like the first: its caller was not told yet; whom it touched is not known any more
    opt_outs_->AwaitAllOutstanding();
    return absl::OkStatus();
  }
  const int64_t now = clock_.WallMicros();
  record::v1::ErasureRow erasure;
  erasure.set_reason(request.reason());
  erasure.set_principal(call.caller().principal);
  erasure.set_create_time_us(now);
  PHAROS_ASSIGN_OR_RETURN(Erased erased, customer::ErasePerson(store_, people_, *linker_, request.person(),
                                                               erasure, ChangesOf(call, now)));
  PHAROS_RETURN_IF_ERROR(rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) {
        tx.AppendChange(rpc::ChangeBy(call, erased.person, "person.erased", 0, now));
        response.set_records(static_cast<int64_t>(erased.records.size()));
        response.set_endpoints(static_cast<int64_t>(erased.endpoints.size()));
        return absl::OkStatus();
      },
      now));
  return opt_outs_->AwaitPerson(request.person(), std::move(erased.endpoints));
}

}  // namespace pharos::customer
