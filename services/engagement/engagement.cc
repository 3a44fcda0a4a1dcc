#include "services/engagement/engagement.h"

#include "services/base/errors.h"
#include "services/engagement/counters.h"
#include "services/engagement/counters_store.h"
#include "services/engagement/engagement_service.h"
#include "services/engagement/feed_client.h"
#include "services/engagement/feed_service.h"
#include "services/engagement/inbox_service.h"
#include "services/engagement/inbox_store.h"
#include "services/engagement/reply_client.h"
#include "services/engagement/tables.h"

namespace pharos::engagement {
namespace {

class EngagementImpl : public Engagement {
 public:
  EngagementImpl(std::unique_ptr<storage::Store> store, base::Clock& clock)
      : store_(std::move(store)),
        counters_store_(*store_),
        counters_(counters_store_, clock),
        feed_(FeedClient::New({.cursor = [this] { return counters_store_.Cursor(); },
                               .apply = [this](const auto& news) { return counters_.Apply(news); }})),
        service_(counters_store_, counters_),
        feed_service_(counters_store_, counters_, clock),
        inbox_(*store_, replies_, clock) {}
  ~EngagementImpl() override { Stop(); }

  std::vector<std::unique_ptr<rpc::Service>> Services() override {
    std::vector<std::unique_ptr<rpc::Service>> services;
    services.push_back(v1::MakeEngagementService(service_));
    services.push_back(internal::v1::MakeFeedService(feed_service_));
    services.push_back(v1::MakeInboxService(inbox_));
    return services;
  }
  void Start(const rpc::Peers& peers) override {
    replies_.Start(peers);
    feed_->Start(peers);
  }
  void Stop() override {
    counters_.Stop();
    feed_->Stop();
  }

 private:
  const std::unique_ptr<storage::Store> store_;
  CountersStore counters_store_;
  Counters counters_;
  const std::unique_ptr<FeedClient> feed_;
  EngagementService service_;
  FeedService feed_service_;
  ReplyClient replies_;
  InboxService inbox_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Engagement>> Engagement::Open(const EngagementOptions& options) {
  storage::OpenOptions open;
  open.folder = options.folder;
  open.name = "engagement";
  open.format = kFormat;
  open.block_cache_bytes = options.block_cache_bytes;
  open.in_memory = options.in_memory;
  open.settings = options.store;
  PHAROS_ASSIGN_OR_RETURN(auto store, storage::Open(open));
  PHAROS_RETURN_IF_ERROR(CountersStore(*store).OrderEvents());
  base::Clock& clock = options.clock != nullptr ? *options.clock : base::Clock::System();
  return std::make_unique<EngagementImpl>(std::move(store), clock);
}

}  // namespace pharos::engagement
