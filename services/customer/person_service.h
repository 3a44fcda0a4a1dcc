// People as the rest of the world sees them. Reads only; every read of people leaves an audit entry before it
// is answered.
#pragma once

#include "pharos/customer/v1/person_service.pb.h"
#include "pharos/customer/v1/person_service.serve.h"
#include "services/base/clock.h"
#include "services/customer/person_store.h"
#include "services/rpc/call.h"

namespace pharos::customer {

class PersonService : public v1::PersonServiceHandler {
 public:
  PersonService(storage::Store& store, const PersonStore& people, base::Clock& clock = base::Clock::System())
      : store_(store), people_(people), clock_(clock) {}

  absl::Status GetPerson(rpc::Call& call, const v1::GetPersonRequest& request, v1::Person& response) override;
  absl::Status LookupPeople(rpc::Call& call, const v1::LookupPeopleRequest& request,
                            v1::LookupPeopleResponse& response) override;
  absl::Status JudgePerson(rpc::Call& call, const v1::JudgePersonRequest& request,
                           v1::Judgement& response) override;
  // What the sources said (fields) is left out for callers without people.read_personal.
  absl::Status ListPersonRecords(rpc::Call& call, const v1::ListPersonRecordsRequest& request,
                                 v1::ListPersonRecordsResponse& response) override;
  absl::Status GetCounts(rpc::Call& call, const v1::GetCountsRequest& request, v1::Counts& response) override;

  static constexpr size_t kMostFound = 100;

 private:
  absl::Status Audit(const rpc::Call& call, std::string_view kind,
                     const std::vector<std::string>& people) const;
  // `row` is open if everything is to be shown.
  absl::Status Show(const storage::View& view, const record::v1::PersonRow& row, v1::PersonView how,
                    v1::Person& person) const;
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
};

}  // namespace pharos::customer
