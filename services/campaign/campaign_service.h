// CampaignService: load, call the rule, save, answer. What a verb does outside the store follows its commit.
#pragma once

#include <functional>
#include <optional>

#include "pharos/campaign/v1/campaign_service.pb.h"
#include "pharos/campaign/v1/campaign_service.serve.h"
#include "services/base/clock.h"
#include "services/campaign/launch_loop.h"
#include "services/campaign/lifecycle.h"
#include "services/campaign/peers_client.h"
#include "services/campaign/steering.h"
#include "services/campaign/submission.h"
#include "storage/store.h"

namespace pharos::campaign {

class CampaignHandler : public v1::CampaignServiceHandler {
 public:
  CampaignHandler(storage::Store& store, PeersClient& peers, Steering& steering, LaunchLoop& loop,
                  base::Clock& clock)
      : store_(store), peers_(peers), steering_(steering), loop_(loop), clock_(clock) {}

  absl::Status CreateCampaign(rpc::Call& call, const v1::CreateCampaignRequest& request,
                              v1::Campaign& response) override;
  absl::Status GetCampaign(rpc::Call& call, const v1::GetCampaignRequest& request,
                           v1::Campaign& response) override;
  absl::Status ListCampaigns(rpc::Call& call, const v1::ListCampaignsRequest& request,
                             v1::ListCampaignsResponse& response) override;
  absl::Status UpdateCampaign(rpc::Call& call, const v1::UpdateCampaignRequest& request,
                              v1::Campaign& response) override;
  absl::Status SubmitCampaign(rpc::Call& call, const v1::SubmitCampaignRequest& request,
                              v1::Campaign& response) override;
  absl::Status ApproveCampaign(rpc::Call& call, const v1::ApproveCampaignRequest& request,
                               v1::Campaign& response) override;
  absl::Status RejectCampaign(rpc::Call& call, const v1::RejectCampaignRequest& request,
                              v1::Campaign& response) override;
  absl::Status LaunchCampaign(rpc::Call& call, const v1::LaunchCampaignRequest& request,
                              v1::Campaign& response) override;
  absl::Status PauseCampaign(rpc::Call& call, const v1::PauseCampaignRequest& request,
                             v1::Campaign& response) override;
  absl::Status ResumeCampaign(rpc::Call& call, const v1::ResumeCampaignRequest& request,
                              v1::Campaign& response) override;
  absl::Status StopCampaign(rpc::Call& call, const v1::StopCampaignRequest& request,
                            v1::StopCampaignResponse& response) override;
  absl::Status GetReport(rpc::Call& call, const v1::GetReportRequest& request, v1::Report& response) override;

 private:
  using Apply = std::function<absl::Status(record::v1::CampaignRow&)>;
  // One verb in one commit, once for a request id: the table decides, `apply` changes the rest of the row.
  // `shown` is the response, or its part that shows the campaign.
  absl::Status Change(rpc::Call& call, std::string_view name, Verb verb,
                      const google::protobuf::Message& request, google::protobuf::Message& response,
                      v1::Campaign& (*shown)(google::protobuf::Message&), const Apply& apply);
  absl::Status Change(rpc::Call& call, std::string_view name, Verb verb,
                      const google::protobuf::Message& request, v1::Campaign& response, const Apply& apply);
  // Everything that a submission freezes; repeatable. nullopt if the state does not allow one.
  absl::Status GoOn(rpc::Call& call, const std::string& name);
  absl::StatusOr<std::optional<Gathered>> Gather(const v1::SubmitCampaignRequest& request,
                                                 std::string_view principal);
  // access's signature for what the campaign holds now; nullopt if it may not be approved so (the commit says
  // why).
  absl::StatusOr<std::optional<type::v1::SignedApproval>> Sign(const v1::ApproveCampaignRequest& request,
                                                               std::string_view approver);

  storage::Store& store_;
  PeersClient& peers_;
  Steering& steering_;
  LaunchLoop& loop_;
  base::Clock& clock_;
};

}  // namespace pharos::campaign
