// People as the rest of the world sees them, corrected and erased. Every read of people leaves an audit entry
// before it is answered.
#pragma once

#include "pharos/customer/v1/person_service.pb.h"
#include "pharos/customer/v1/person_service.serve.h"
#include "services/base/clock.h"
#include "services/customer/linker.h"
#include "services/customer/opt_out.h"
#include "services/customer/person_store.h"
#include "services/customer/person_view.h"
#include "services/rpc/call.h"

namespace pharos::customer {

class PersonService : public v1::PersonServiceHandler {
 public:
  // Without `linker` and `opt_outs` it only reads: CorrectPerson and ErasePerson are UNAVAILABLE
  // (IDENTITY_LOADING).
  PersonService(storage::Store& store, const PersonStore& people, base::Clock& clock = base::Clock::System(),
                Linker* linker = nullptr, OptOuts* opt_outs = nullptr)
      : store_(store), people_(people), clock_(clock), linker_(linker), opt_outs_(opt_outs) {}

  absl::Status GetPerson(rpc::Call& call, const v1::GetPersonRequest& request, v1::Person& response) override;
  absl::Status LookupPeople(rpc::Call& call, const v1::LookupPeopleRequest& request,
                            v1::LookupPeopleResponse& response) override;
  absl::Status JudgePerson(rpc::Call& call, const v1::JudgePersonRequest& request,
                           v1::Judgement& response) override;
  // What the sources said (fields) is left out for callers without people.read_personal.
  absl::Status ListPersonRecords(rpc::Call& call, const v1::ListPersonRecordsRequest& request,
                                 v1::ListPersonRecordsResponse& response) override;
  absl::Status ListTimeline(rpc::Call& call, const v1::ListTimelineRequest& request,
                            v1::ListTimelineResponse& response) override;
  // Answers with the basic view: answers are remembered, and personal values are not to lie there in clear.
  absl::Status CorrectPerson(rpc::Call& call, const v1::CorrectPersonRequest& request,
                             v1::Person& response) override;
  absl::Status ErasePerson(rpc::Call& call, const v1::ErasePersonRequest& request,
                           v1::ErasePersonResponse& response) override;
  absl::Status GetCounts(rpc::Call& call, const v1::GetCountsRequest& request, v1::Counts& response) override;

  static constexpr size_t kMostFound = 100;

 private:
  absl::Status Audit(const rpc::Call& call, std::string_view kind,
                     const std::vector<std::string>& people) const;
  absl::Status GetPersonThen(rpc::Call& call, const storage::View& view, const v1::GetPersonRequest& request,
                             v1::Person& response) const;
  // The remembered answer of a repeated call, in `response`; false: it comes for the first time.
  absl::StatusOr<bool> Recall(rpc::Call& call, const google::protobuf::Message& request,
                              google::protobuf::Message& response) const;
  absl::Status Correct(rpc::Call& call, const v1::CorrectPersonRequest& request);
  absl::Status PutCorrection(std::vector<RecordChange> changes, const std::string& fresh,
                             const std::string& anchor, const std::string& reason,
                             const std::string& principal, const ChangeMaker& change);
  absl::StatusOr<std::vector<std::string>> Find(const storage::View& view,
                                                const v1::LookupPeopleRequest& request) const;
  absl::StatusOr<std::vector<std::string>> FindByNhsNumber(const storage::View& view,
                                                           std::string_view typed) const;
  absl::StatusOr<std::vector<std::string>> FindByRecord(const storage::View& view,
                                                        const std::string& name) const;
  absl::StatusOr<std::vector<std::string>> FindByAddress(const storage::View& view, type::v1::Channel channel,
                                                         const std::string& address,
                                                         std::string_view field) const;

  storage::Store& store_;
  const PersonStore& people_;
  base::Clock& clock_;
  Linker* const linker_;
  OptOuts* const opt_outs_;
};

}  // namespace pharos::customer
