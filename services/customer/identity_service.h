// Who is one person and who is not: reviews, people's decisions, explanations (identity_service_read.cc), and
// the models behind the score (identity_service_model.cc). What moves a link goes through the linker; before
// a decision is answered, every permit of whomever it may have made stricter has ended, as with an opt-out.
#pragma once

#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "pharos/customer/v1/identity_service.pb.h"
#include "pharos/customer/v1/identity_service.serve.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/customer/assertion.h"
#include "services/customer/linker.h"
#include "services/customer/model_work.h"
#include "services/customer/opt_out.h"
#include "services/customer/person_store.h"
#include "services/customer/review.h"
#include "services/rpc/once.h"

namespace pharos::customer {

// Thread-safe.
class IdentityService : public v1::IdentityServiceHandler {
 public:
  // `threads`: for training.
  IdentityService(storage::Store& store, const PersonStore& people, Linker& linker, OptOuts& opt_outs,
                  base::Clock& clock, int threads = 2)
      : store_(store),
        people_(people),
        linker_(linker),
        opt_outs_(opt_outs),
        clock_(clock),
        threads_(threads) {}

  absl::Status ListReviews(rpc::Call& call, const v1::ListReviewsRequest& request,
                           v1::ListReviewsResponse& response) override;
  absl::Status DecideReview(rpc::Call& call, const v1::DecideReviewRequest& request,
                            v1::Assertion& response) override;
  absl::Status AssertSame(rpc::Call& call, const v1::AssertSameRequest& request,
                          v1::Assertion& response) override;
  absl::Status AssertDifferent(rpc::Call& call, const v1::AssertDifferentRequest& request,
                               v1::Assertion& response) override;
  absl::Status UnlinkRecords(rpc::Call& call, const v1::UnlinkRecordsRequest& request,
                             v1::UnlinkRecordsResponse& response) override;
  absl::Status RevokeAssertion(rpc::Call& call, const v1::RevokeAssertionRequest& request,
                               v1::Assertion& response) override;
  absl::Status ListAssertions(rpc::Call& call, const v1::ListAssertionsRequest& request,
                              v1::ListAssertionsResponse& response) override;
  using AssertionStream = rpc::Stream<v1::ImportAssertionsRequest, v1::ImportAssertionsResponse>;
  absl::Status ImportAssertions(rpc::Call& call, AssertionStream& stream) override;
  absl::Status ExplainLink(rpc::Call& call, const v1::ExplainLinkRequest& request,
                           v1::LinkExplanation& response) override;
  absl::Status MatchContact(rpc::Call& call, const v1::MatchContactRequest& request,
                            v1::MatchContactResponse& response) override;
  absl::Status TrainModel(rpc::Call& call, const v1::TrainModelRequest& request,
                          rpc::Writer<v1::TrainModelResponse>& writer) override;
  absl::Status ListModels(rpc::Call& call, const v1::ListModelsRequest& request,
                          v1::ListModelsResponse& response) override;
  absl::Status DiffModel(rpc::Call& call, const v1::DiffModelRequest& request,
                         v1::ModelDiff& response) override;
  absl::Status SwitchModel(rpc::Call& call, const v1::SwitchModelRequest& request,
                           v1::LinkModel& response) override;
  absl::Status GetIdentityState(rpc::Call& call, const v1::GetIdentityStateRequest& request,
                                v1::IdentityState& response) override;

 private:
  // ---- decisions
  // The records that names stand for: a record is itself, a person all the records that it has now.
  absl::StatusOr<Side> RecordsOf(const storage::View& view,
                                 const google::protobuf::RepeatedPtrField<std::string>& members) const;
  absl::StatusOr<Side> RecordsOfPerson(const storage::View& view, const std::string& person) const;
  // Makes it so, once: `fill` makes the answer that is remembered. Ends permits before it returns.
  using Fill = std::function<void(const record::v1::AssertionRow&)>;
  absl::Status Record(const rpc::Call& call, const google::protobuf::Message& request,
                      google::protobuf::Message& response, record::v1::AssertionRow row, bool revoke,
                      const Fill& fill, int64_t now) const;
  absl::Status InWords(const absl::Status& refused, const record::v1::AssertionRow& row) const;
  // The answer to this request id, if it had one: then its people's permits have ended, too.
  absl::StatusOr<bool> AnsweredBefore(const rpc::FirstAnswer& first,
                                      google::protobuf::Message& response) const;
  absl::Status EndPermits(const std::set<std::string>& people) const;
  // "people/…" that the records of these belong to now.
  absl::StatusOr<std::vector<std::string>> PeopleOf(const storage::View& view,
                                                    const v1::Assertion& assertion) const;
  absl::Status AddPeople(v1::Assertion& assertion) const;
  absl::StatusOr<record::v1::AssertionRow> RowOfReview(const storage::View& view,
                                                       const v1::DecideReviewRequest& request,
                                                       const std::pair<std::string, std::string>& records,
                                                       std::string_view principal, int64_t now) const;

  // ---- known links
  struct ImportState {
    int64_t groups = 0, stored = 0, unchanged = 0;
    std::string reason;
  };
  absl::Status ImportSome(const rpc::Call& call, const v1::ImportAssertionsRequest& request,
                          ImportState& state, v1::ImportAssertionsResponse& response) const;
  absl::StatusOr<bool> IsKnown(const storage::View& view, const record::v1::AssertionRow& row) const;

  // ---- reviews and explanations
  absl::StatusOr<std::pair<std::string, std::string>> RecordsOfReviewNamed(const std::string& name) const;
  absl::StatusOr<ReviewStanding> StandingOf(const storage::View& view, const std::string& record_a,
                                            const std::string& record_b) const;
  absl::StatusOr<std::string> DecisionAbout(const storage::View& view, const std::string& record_a,
                                            const std::string& record_b, bool same) const;
  absl::Status ExplainCandidate(const identity::Features& probe,
                                const std::shared_ptr<const identity::Model>& model,
                                v1::MatchContactResponse::Candidate& candidate) const;
  absl::StatusOr<std::shared_ptr<const identity::Model>> ModelInForce(const storage::View& view) const;

  // ---- models
  absl::Status Train(const rpc::Call& call, const v1::TrainModelRequest& request,
                     rpc::Writer<v1::TrainModelResponse>& writer) const;
  absl::StatusOr<std::unique_ptr<identity::LinkIndex>> CopyOfIndex() const;
  absl::Status CompareModel(const v1::DiffModelRequest& request, v1::ModelDiff& diff) const;
  absl::Status Switch(const rpc::Call& call, const v1::SwitchModelRequest& request) const;
  absl::StatusOr<std::shared_ptr<const identity::Model>> ModelNamed(const storage::View& view,
                                                                    const std::string& name) const;

  storage::Store& store_;
  const PersonStore& people_;
  Linker& linker_;
  OptOuts& opt_outs_;
  base::Clock& clock_;
  const int threads_;
  std::atomic<bool> training_ = false;  // one at a time: it takes all the processors it may
  ModelWork comparing_, switching_;
  struct Compared {
    std::string what;  // model, samples and model in force
    int64_t time_us = 0;
    v1::ModelDiff diff;
  };
  base::Mutex compared_mutex_;
  Compared compared_ ABSL_GUARDED_BY(compared_mutex_);  // for who asks again after a deadline
};

}  // namespace pharos::customer
