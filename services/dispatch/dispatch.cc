#include "services/dispatch/dispatch.h"

#include "pharos/dispatch/internal/v1/plan_service.serve.h"
#include "services/base/errors.h"
#include "services/dispatch/customer_client.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/feed_service.h"
#include "services/dispatch/inbound_service.h"
#include "services/dispatch/intent_service.h"
#include "services/dispatch/measure_client.h"
#include "services/dispatch/message_service.h"
#include "services/dispatch/message_vault.h"
#include "services/dispatch/plan_service.h"
#include "services/dispatch/recipient_client.h"
#include "services/dispatch/reply_service.h"
#include "services/dispatch/tables.h"
#include "services/dispatch/work_service.h"
#include "services/rpc/key_client.h"
#include "storage/open.h"

namespace pharos::dispatch {
namespace {

// Customer is known only once services are started; until then every call waits its turn.
class LateCustomer : public CustomerClient {
 public:
  void Set(std::unique_ptr<CustomerClient> client) { client_ = std::move(client); }
  bool IssuePermits(customer::internal::v1::IssuePermitsRequest request, PermitsDone done) override {
    return client_->IssuePermits(std::move(request), std::move(done));
  }
  void ReleasePermits(std::vector<std::string> ids) override { client_->ReleasePermits(std::move(ids)); }
  bool RecordReply(customer::internal::v1::RecordReplyRequest request, ReplyStages stages) override {
    return client_->RecordReply(std::move(request), std::move(stages));
  }
  bool ReportEndpoints(customer::internal::v1::ReportEndpointsRequest request,
                       std::function<void(absl::Status)> done) override {
    return client_->ReportEndpoints(std::move(request), std::move(done));
  }
  void Stop() override {
    if (client_) client_->Stop();
  }

 private:
  std::unique_ptr<CustomerClient> client_;
};

class DispatchImpl : public Dispatch {
 public:
  DispatchImpl(std::unique_ptr<storage::Store> store, std::unique_ptr<storage::BlindIndex> key,
               base::Clock& clock, const policy::SnapshotHolder& access, DispatchSettings settings, bool seal)
      : store_(std::move(store)),
        key_(std::move(key)),
        vault_(seal),
        loop_(*store_, clock),
        desk_(*store_, loop_, customer_, clock, *key_, access, std::move(settings)),
        plan_(loop_, desk_),
        work_(loop_, desk_, clock, access),
        intents_(*store_, desk_),
        connectors_(loop_, desk_),
        inbound_(loop_, desk_, measures_),
        feed_(*store_, clock),
        replies_(*store_, vault_, *key_),
        messages_({*store_, loop_, desk_, vault_, recipients_, *key_, clock}) {
    desk_.UseVault(&vault_);
  }
  ~DispatchImpl() override { Stop(); }

  std::vector<std::unique_ptr<rpc::Service>> Services() override {
    std::vector<std::unique_ptr<rpc::Service>> services;
    services.push_back(internal::v1::MakePlanService(plan_));
    services.push_back(internal::v1::MakeWorkService(work_));
    services.push_back(v1::MakeIntentService(intents_));
    services.push_back(v1::MakeConnectorService(connectors_));
    services.push_back(v1::MakeMessageService(messages_));
    services.push_back(internal::v1::MakeFeedService(feed_));
    services.push_back(internal::v1::MakeInboundService(inbound_));
    services.push_back(internal::v1::MakeReplyService(replies_));
    return services;
  }

  // Inputs that came before wait in the loop's queue; recovery is always the first to run.
  void Start(const rpc::Peers& peers) override {
    customer_.Set(CustomerClient::Make(peers));
    recipients_.Start(peers);
    measures_.Start(peers);
    vault_.Start(rpc::MakeKeyClient(peers.access, peers.token),
                 rpc::MakeKeyDestroyer(peers.access, peers.token));
    loop_.PostSelf([this](Turn& turn) { desk_.Recover(turn); });
    loop_.Start([this](Turn& turn) { desk_.Tick(turn); }, [this](Turn& turn) { desk_.Flush(turn); });
  }

  bool halted() const override { return loop_.halted(); }

  void Stop() override {
    recipients_.Stop();
    loop_.Stop();
    customer_.Stop();
    vault_.Stop();
  }

 private:
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<storage::BlindIndex> key_;
  LateCustomer customer_;
  RecipientClient recipients_;
  MeasureClient measures_;
  MessageVault vault_;
  TurnLoop loop_;
  Desk desk_;
  PlanService plan_;
  WorkService work_;
  IntentService intents_;
  ConnectorService connectors_;
  InboundService inbound_;
  FeedService feed_;
  ReplyService replies_;
  MessageService messages_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Dispatch>> Dispatch::Open(const DispatchOptions& options) {
  PHAROS_ASSIGN_OR_RETURN(auto store, storage::Open({.folder = options.folder,
                                                     .name = "dispatch",
                                                     .format = kFormat,
                                                     .oldest_format = kOldestFormat,
                                                     .block_cache_bytes = options.block_cache_bytes,
                                                     .in_memory = options.in_memory,
                                                     .settings = options.store}));
  std::unique_ptr<storage::BlindIndex> key;
  if (options.in_memory) {
    key = std::make_unique<storage::BlindIndex>(std::string(32, 'k'));
  } else {
    PHAROS_ASSIGN_OR_RETURN(key, storage::BlindIndex::FromFile(options.folder + "/reference.key"));
  }
  base::Clock& clock = options.clock == nullptr ? base::Clock::System() : *options.clock;
  static const policy::SnapshotHolder kUnheard;
  const policy::SnapshotHolder& access = options.access == nullptr ? kUnheard : *options.access;
  return std::make_unique<DispatchImpl>(std::move(store), std::move(key), clock, access, options.settings,
                                        options.seal);
}

}  // namespace pharos::dispatch
