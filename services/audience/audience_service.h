// Handler of pharos.audience.v1.AudienceService: saved audiences here, numbers in
// audience_service_numbers.cc, people in audience_service_people.cc. Thread-safe.
#pragma once

#include <string>

#include "pharos/audience/v1/audience_service.serve.h"
#include "services/audience/answers.h"
#include "services/audience/audience_store.h"
#include "services/audience/errors.h"
#include "services/audience/feed_client.h"
#include "services/audience/people_index.h"
#include "services/audience/pin_store.h"
#include "services/audience/query_store.h"
#include "services/audience/told_memory.h"
#include "services/base/clock.h"
#include "services/rpc/call.h"
#include "storage/store.h"

namespace pharos::audience {

// Of a call's time, what evaluating and answering needs after the index has caught up.
inline constexpr int64_t kAnswerUs = 300'000;

class AudienceService : public v1::AudienceServiceHandler {
 public:
  // `shelf`: of earlier days; nullptr: there are none.
  AudienceService(storage::Store& store, const PeopleIndex& index, AskFreshness ask, base::Clock& clock,
                  SnapshotShelf* shelf = nullptr);

  absl::Status CreateAudience(rpc::Call& call, const v1::CreateAudienceRequest& request,
                              v1::Audience& response) override;
  absl::Status GetAudience(rpc::Call& call, const v1::GetAudienceRequest& request,
                           v1::Audience& response) override;
  absl::Status ListAudiences(rpc::Call& call, const v1::ListAudiencesRequest& request,
                             v1::ListAudiencesResponse& response) override;
  absl::Status UpdateAudience(rpc::Call& call, const v1::UpdateAudienceRequest& request,
                              v1::Audience& response) override;
  absl::Status ListAudienceVersions(rpc::Call& call, const v1::ListAudienceVersionsRequest& request,
                                    v1::ListAudienceVersionsResponse& response) override;
  absl::Status CountAudience(rpc::Call& call, const v1::CountAudienceRequest& request,
                             v1::CountAudienceResponse& response) override;
  absl::Status BreakDownAudience(rpc::Call& call, const v1::BreakDownAudienceRequest& request,
                                 v1::BreakDownAudienceResponse& response) override;
  absl::Status PreviewAudience(rpc::Call& call, const v1::PreviewAudienceRequest& request,
                               v1::PreviewAudienceResponse& response) override;
  absl::Status StreamAudience(rpc::Call& call, const v1::StreamAudienceRequest& request,
                              rpc::Writer<v1::StreamAudienceResponse>& writer) override;
  absl::Status ExportAudience(rpc::Call& call, const v1::ExportAudienceRequest& request,
                              rpc::Writer<v1::ExportAudienceResponse>& writer) override;
  absl::Status ListFields(rpc::Call& call, const v1::ListFieldsRequest& request,
                          v1::ListFieldsResponse& response) override;
  absl::Status GetMembership(rpc::Call& call, const v1::GetMembershipRequest& request,
                             v1::Membership& response) override;

 private:
  // The filter of a request that has an audience or a filter.
  template <typename Request>
  absl::StatusOr<std::string> FilterOf(const Request& request) const;
  // To whom numbers go: exactly, or by the rules and with the guard, which then knows what was told before.
  absl::StatusOr<Listener> ListenerOf(const rpc::Call& call);
  // Keeps a statistical question with its answer, or with why it was refused; `answer` gets the question's
  // name.
  template <typename Request, typename Response>
  absl::Status Keep(const rpc::Call& call, const Request& request, const std::string& filter,
                    const absl::Status& answered, Response& answer) const;
  // Everybody whom the filter matches, checked, kept and audited; nobody has been told yet.
  struct Everybody;
  template <typename Request>
  absl::StatusOr<Everybody> ReadEverybody(rpc::Call& call, const Request& request,
                                          std::string_view kind) const;

  storage::Store& store_;
  const PeopleIndex& index_;
  const AskFreshness ask_;
  base::Clock& clock_;
  SnapshotShelf* const shelf_;
  const AudienceStore audiences_;
  const PinStore pins_;
  const QueryStore queries_;
  const Answers answers_;
  ToldMemory told_;
};

template <typename Request>
absl::StatusOr<std::string> AudienceService::FilterOf(const Request& request) const {
  if (request.what_case() == Request::WHAT_NOT_SET) return AudienceErrors::NothingAsked();
  if (request.what_case() == Request::kFilter) return request.filter();
  auto row = audiences_.Load(request.audience());
  if (!row.ok()) return row.status();
  return row->filter();
}

}  // namespace pharos::audience
