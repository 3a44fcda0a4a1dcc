#include "services/audience/audience.h"

#include "services/audience/audience_service.h"
#include "services/audience/engagement_client.h"
#include "services/audience/feed_client.h"
#include "services/audience/index_keeper.h"
#include "services/audience/member_service.h"
#include "services/audience/people_index.h"
#include "services/audience/pin_store.h"
#include "services/audience/query_service.h"
#include "services/audience/reference_service.h"
#include "services/audience/snapshot_shelf.h"
#include "services/audience/tables.h"
#include "services/base/errors.h"
#include "storage/open.h"

namespace pharos::audience {
namespace {

class AudienceImpl : public Audience {
 public:
  // `folder`: of the checkpoint; empty: none.
  AudienceImpl(std::unique_ptr<storage::Store> store, std::string folder, base::Clock& clock,
               FeedClient::PositionHere position_here)
      : store_(std::move(store)),
        index_(PeopleIndex::New()),
        feed_(FeedClient::New(*index_, std::move(position_here))),
        engagement_(EngagementClient::New(*index_)),
        shelf_(folder, *index_, clock),
        keeper_(*index_, *feed_, shelf_, clock, std::move(folder)),
        audience_service_(*store_, *index_, Asker(), clock, &shelf_),
        query_service_(*store_, *index_, Asker(), clock, &shelf_),
        member_service_(*store_, *index_, Asker(), clock),
        reference_service_(*store_, clock, [this](std::shared_ptr<const Reference> data) {
          index_->SetReference(std::move(data));
        }) {}
  ~AudienceImpl() override { Stop(); }

  absl::Status OpenReference() { return reference_service_.Open(); }

  std::vector<std::unique_ptr<rpc::Service>> Services() override {
    std::vector<std::unique_ptr<rpc::Service>> services;
    services.push_back(v1::MakeAudienceService(audience_service_));
    services.push_back(v1::MakeQueryService(query_service_));
    services.push_back(v1::MakeReferenceService(reference_service_));
    services.push_back(internal::v1::MakeMemberService(member_service_));
    return services;
  }

  void Start(const rpc::Peers& peers) override {
    keeper_.Start(peers);
    engagement_->Start(peers);  // follows when everybody has been read
  }

  void Stop() override {
    index_->Stop();
    feed_->Stop();
    engagement_->Stop();
    keeper_.Stop();
  }

 private:
  AskFreshness Asker() {
    return {[this](bool with_purposes, int64_t micros) { return feed_->Ask(with_purposes, micros); },
            [this](const std::vector<std::string>& campaigns, int64_t micros) {
              return engagement_->Wait(campaigns, micros);
            }};
  }

  const std::unique_ptr<storage::Store> store_;
  const std::unique_ptr<PeopleIndex> index_;
  const std::unique_ptr<FeedClient> feed_;
  const std::unique_ptr<EngagementClient> engagement_;
  SnapshotShelf shelf_;
  IndexKeeper keeper_;
  AudienceService audience_service_;
  QueryService query_service_;
  MemberService member_service_;
  ReferenceService reference_service_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Audience>> Audience::Open(const AudienceOptions& options) {
  storage::OpenOptions open;
  open.folder = options.folder;
  open.name = "audience";
  open.format = kFormat;
  open.block_cache_bytes = options.block_cache_bytes;
  open.in_memory = options.in_memory;
  open.settings = options.store;
  PHAROS_ASSIGN_OR_RETURN(auto store, storage::Open(open));
  base::Clock& clock = options.clock != nullptr ? *options.clock : base::Clock::System();
  PHAROS_RETURN_IF_ERROR(PinStore(*store).DropDrafts());
  PHAROS_RETURN_IF_ERROR(PinStore(*store).DropOldRequests(clock.WallMicros()));
  auto audience = std::make_unique<AudienceImpl>(std::move(store), options.in_memory ? "" : options.folder,
                                                 clock, options.position_here);
  PHAROS_RETURN_IF_ERROR(audience->OpenReference());
  return audience;
}

}  // namespace pharos::audience
