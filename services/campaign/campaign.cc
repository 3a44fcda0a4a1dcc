#include "services/campaign/campaign.h"

#include "services/base/errors.h"
#include "services/campaign/campaign_service.h"
#include "services/campaign/launch_loop.h"
#include "services/campaign/peers_client.h"
#include "services/campaign/steering.h"
#include "services/campaign/tables.h"
#include "services/campaign/template_service.h"
#include "storage/open.h"

namespace pharos::campaign {
namespace {

class CampaignImpl : public Campaign {
 public:
  CampaignImpl(std::unique_ptr<storage::Store> store, base::Clock& clock)
      : store_(std::move(store)),
        steering_(*store_, peers_, clock),
        loop_(*store_, peers_, steering_, clock),
        templates_(*store_, clock),
        campaigns_(*store_, peers_, steering_, loop_, clock) {}
  ~CampaignImpl() override { Stop(); }

  std::vector<std::unique_ptr<rpc::Service>> Services() override {
    std::vector<std::unique_ptr<rpc::Service>> services;
    services.push_back(v1::MakeTemplateService(templates_));
    services.push_back(v1::MakeCampaignService(campaigns_));
    return services;
  }
  void Start(const rpc::Peers& peers) override {
    peers_.Connect(peers);
    loop_.Start();
  }
  void Stop() override { loop_.Stop(); }

 private:
  std::unique_ptr<storage::Store> store_;
  PeersClient peers_;
  Steering steering_;
  LaunchLoop loop_;
  TemplateHandler templates_;
  CampaignHandler campaigns_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Campaign>> Campaign::Open(const CampaignOptions& options) {
  storage::OpenOptions open;
  open.folder = options.folder;
  open.name = "campaign";
  open.format = kFormat;
  open.block_cache_bytes = options.block_cache_bytes;
  open.in_memory = options.in_memory;
  open.settings = options.store;
  PHAROS_ASSIGN_OR_RETURN(std::unique_ptr<storage::Store> store, storage::Open(open));
  base::Clock& clock = options.clock != nullptr ? *options.clock : base::Clock::System();
  return std::make_unique<CampaignImpl>(std::move(store), clock);
}

}  // namespace pharos::campaign
