#include "services/customer/customer.h"

#include "services/base/errors.h"
#include "services/customer/agreement_book.h"
#include "services/customer/agreement_service.h"
#include "services/customer/consent_service.h"
#include "services/customer/endpoint_service.h"
#include "services/customer/entry_index.h"
#include "services/customer/feed_service.h"
#include "services/customer/identity_service.h"
#include "services/customer/import_service.h"
#include "services/customer/linker.h"
#include "services/customer/opt_out.h"
#include "services/customer/opt_out_choice.h"
#include "services/customer/opt_out_service.h"
#include "services/customer/organisation_service.h"
#include "services/customer/permit_service.h"
#include "services/customer/permit_table.h"
#include "services/customer/person_service.h"
#include "services/customer/person_store.h"
#include "services/customer/purpose_service.h"
#include "services/customer/recipient_service.h"
#include "services/customer/record_keys.h"
#include "services/customer/source_service.h"
#include "services/customer/sync_service.h"
#include "services/customer/tables.h"
#include "services/rpc/key_client.h"
#include "storage/blind_index.h"
#include "storage/open.h"

namespace pharos::customer {

namespace {

class CustomerParts : public Customer {
 public:
  CustomerParts(std::unique_ptr<storage::Store> store, std::unique_ptr<storage::BlindIndex> blind,
                std::unique_ptr<PermitTable> permits, base::Clock& clock, bool seal, LinkerOptions linking)
      : store_(std::move(store)),
        blind_(std::move(blind)),
        permits_(std::move(permits)),
        keys_(seal),
        people_(*store_, *blind_, &clock, &keys_),
        linker_(Linker::Make(*store_, people_, clock, std::move(linking))),
        opt_outs_(*store_, people_, *permits_, clock),
        pause_ends_(*store_, people_, clock),
        identity_service_(*store_, people_, *linker_, opt_outs_, clock),
        source_service_(*store_, clock),
        purpose_service_(*store_, clock, [this] { opt_outs_.AwaitAllOutstanding(); }),
        person_service_(*store_, people_, clock, linker_.get(), &opt_outs_),
        organisation_service_(*store_, people_, clock),
        agreements_(*store_, clock),
        agreement_service_(*store_, agreements_, clock),
        import_service_(
            *store_, people_, *linker_, clock, [this] { opt_outs_.AwaitAllOutstanding(); }, &agreements_),
        sync_service_(
            {*store_, people_, *linker_, agreements_, clock, [this] { opt_outs_.AwaitAllOutstanding(); }},
            *blind_),
        consent_service_(*store_, people_, opt_outs_, clock),
        endpoint_service_(*store_, people_, opt_outs_, clock),
        opt_out_service_(opt_outs_),
        permit_service_(*store_, people_, *permits_, clock),
        recipient_service_(*store_, people_, *linker_, opt_outs_, clock),
        feed_service_(*store_, people_, clock) {}

  std::vector<std::unique_ptr<rpc::Service>> Services() override {
    std::vector<std::unique_ptr<rpc::Service>> services;
    services.push_back(v1::MakeSourceService(source_service_));
    services.push_back(v1::MakePurposeService(purpose_service_));
    services.push_back(v1::MakePersonService(person_service_));
    services.push_back(v1::MakeIdentityService(identity_service_));
    services.push_back(v1::MakeOrganisationService(organisation_service_));
    services.push_back(v1::MakeImportService(import_service_));
    services.push_back(v1::MakeAgreementService(agreement_service_));
    services.push_back(v1::MakeSyncService(sync_service_));
    services.push_back(v1::MakeConsentService(consent_service_));
    services.push_back(v1::MakeEndpointService(endpoint_service_));
    services.push_back(internal::v1::MakeOptOutService(opt_out_service_));
    services.push_back(internal::v1::MakePermitService(permit_service_));
    services.push_back(internal::v1::MakeRecipientService(recipient_service_));
    services.push_back(internal::v1::MakeFeedService(feed_service_));
    return services;
  }
  absl::Status Position(const internal::v1::GetPositionRequest& request,
                        internal::v1::GetPositionResponse& response) override {
    return feed_service_.Position(request, response);
  }
  // Calls nobody but access, for keys: all the others depend on it.
  void Start(const rpc::Peers& peers) override {
    if (peers.access != nullptr) keys_.Bind(rpc::MakeKeyClient(peers.access, peers.token));
    linker_->Start();
    pause_ends_.Start();
  }
  void Stop() override {
    feed_service_.Stop();
    sync_service_.Stop();
    pause_ends_.Stop();
    linker_->Stop();
  }

 private:
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<storage::BlindIndex> blind_;
  std::unique_ptr<PermitTable> permits_;
  RecordKeys keys_;
  PersonStore people_;
  std::unique_ptr<Linker> linker_;
  OptOuts opt_outs_;
  PauseEnds pause_ends_;
  IdentityService identity_service_;
  SourceService source_service_;
  PurposeService purpose_service_;
  PersonService person_service_;
  OrganisationService organisation_service_;
  AgreementBook agreements_;
  AgreementService agreement_service_;
  ImportService import_service_;
  SyncService sync_service_;
  ConsentService consent_service_;
  EndpointService endpoint_service_;
  OptOutService opt_out_service_;
  PermitService permit_service_;
  RecipientService recipient_service_;
  FeedService feed_service_;
};

// In memory there is nothing that a key from a file would have to fit.
absl::StatusOr<std::unique_ptr<storage::BlindIndex>> OpenBlindIndex(const CustomerOptions& options) {
  if (options.in_memory && options.blind_key_file.empty()) {
    return std::make_unique<storage::BlindIndex>(std::string(32, '\x2a'));
  }
  return storage::BlindIndex::FromFile(options.blind_key_file);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Customer>> Customer::Open(const CustomerOptions& options) {
  base::Clock& clock = options.clock == nullptr ? base::Clock::System() : *options.clock;
  storage::OpenOptions open;
  open.folder = options.folder;
  open.name = "customer";
  open.format = kFormat;
  open.block_cache_bytes = options.block_cache_bytes;
  open.in_memory = options.in_memory;
  open.settings = options.store;
  PHAROS_ASSIGN_OR_RETURN(auto store, storage::Open(open));
  PHAROS_ASSIGN_OR_RETURN(auto blind, OpenBlindIndex(options));
  PHAROS_RETURN_IF_ERROR(storage::CheckBlindKey(*store, *blind));
  PHAROS_RETURN_IF_ERROR(IndexOldEntries(*store));
  PHAROS_ASSIGN_OR_RETURN(auto permits, PermitTable::Open(*store, clock, options.permit_term_us));
  LinkerOptions linking;
  if (!options.in_memory) linking.folder = options.folder;
  return std::make_unique<CustomerParts>(std::move(store), std::move(blind), std::move(permits), clock,
                                         options.seal, std::move(linking));
}

}  // namespace pharos::customer
