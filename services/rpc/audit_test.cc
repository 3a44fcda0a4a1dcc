// Reads of people over a real server and a real store: no entry, no data.
#include "services/rpc/audit.h"

#include <grpcpp/grpcpp.h>

#include "gmock/gmock.h"
#include "pharos/customer/v1/organisation_service.grpc.pb.h"
#include "pharos/customer/v1/organisation_service.serve.h"
#include "pharos/record/v1/change.pb.h"
#include "services/base/errors.h"
#include "services/rpc/channel.h"
#include "services/rpc/credentials.h"
#include "services/rpc/once.h"
#include "services/rpc/server.h"
#include "storage/open.h"

namespace pharos::rpc {
namespace {

namespace v1 = pharos::customer::v1;
using ::testing::ElementsAre;

constexpr int64_t kNow = 1'790'000'000'000'000;

absl::Status NotHere() {
  return absl::UnimplementedError("not part of this test");
}

// ListRoles reads people (its policy row says so).
class Organisations : public v1::OrganisationServiceHandler {
 public:
  explicit Organisations(storage::Store& store) : store_(store) {}
  absl::Status CreateOrganisation(Call&, const v1::CreateOrganisationRequest&, v1::Organisation&) override {
    return NotHere();
  }
  absl::Status GetOrganisation(Call&, const v1::GetOrganisationRequest&, v1::Organisation&) override {
    return NotHere();
  }
  absl::Status ListOrganisations(Call&, const v1::ListOrganisationsRequest&,
                                 v1::ListOrganisationsResponse&) override {
    return NotHere();
  }
  absl::Status UpdateOrganisation(Call&, const v1::UpdateOrganisationRequest&, v1::Organisation&) override {
    return NotHere();
  }
  absl::Status AssignRole(Call&, const v1::AssignRoleRequest&, v1::Role&) override { return NotHere(); }
  absl::Status EndRole(Call&, const v1::EndRoleRequest&, v1::Role&) override { return NotHere(); }
  absl::Status FindRoleHolders(Call&, const v1::FindRoleHoldersRequest&, v1::ListRolesResponse&) override {
    return NotHere();
  }
  absl::Status ListRoles(Call& call, const v1::ListRolesRequest&, v1::ListRolesResponse& response) override {
    response.set_next_page_token("people");
    return audits ? AuditRead(call, store_, "role.read", resources, kNow) : absl::OkStatus();
  }

  bool audits = true;
  std::vector<std::string> resources = {"people/a", "people/b"};

 private:
  storage::Store& store_;
};

class AuditTest : public ::testing::Test {
 protected:
  void SetUp() override {
    storage::OpenOptions open;
    open.folder = "/audit_test";
    open.name = "test";
    open.in_memory = true;
    auto opened = storage::Open(open);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
    organisations_ = std::make_unique<Organisations>(*store_);
    credentials_.Add("gwen", {"principals/gwen", {"governance"}, false});
    std::vector<std::unique_ptr<Service>> services;
    services.push_back(v1::MakeOrganisationService(*organisations_));
    ServerOptions options;
    options.credentials = &credentials_;
    auto started = StartServer(options, std::move(services));
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
  }

  absl::StatusOr<v1::ListRolesResponse> List() {
    grpc::ClientContext context;
    CallOptions options;
    options.token = "gwen";
    options.request_id = "r1";
    options.purpose = "purposes/access-requests";
    Prepare(context, options);
    v1::ListRolesRequest request;
    request.set_parent("organisations/surgery");
    v1::ListRolesResponse response;
    const absl::Status status = FromGrpc(
        v1::OrganisationService::NewStub(server_->InProcess())->ListRoles(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }
  std::vector<record::v1::ChangeEntry> Entries() {
    std::vector<record::v1::ChangeEntry> entries;
    const std::vector<storage::Change> changes = store_->ReadChanges(0, 100).value();
    for (const storage::Change& change : changes) entries.emplace_back().ParseFromString(change.entry);
    return entries;
  }

  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Organisations> organisations_;
  Credentials credentials_;
  std::unique_ptr<Server> server_;
};

TEST_F(AuditTest, AReadLeavesWhoWhatHowAndWhatFor) {
  const auto answer = List();
  ASSERT_TRUE(answer.ok()) << answer.status();
  const auto entries = Entries();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].kind(), "role.read");
  EXPECT_EQ(entries[0].principal(), "principals/gwen");
  EXPECT_EQ(entries[0].rpc(), "/pharos.customer.v1.OrganisationService/ListRoles");
  EXPECT_EQ(entries[0].request_id(), "r1");
  EXPECT_EQ(entries[0].purpose(), "purposes/access-requests");
  EXPECT_EQ(entries[0].resource(), "people");
  EXPECT_THAT(entries[0].resources(), ElementsAre("people/a", "people/b"));
}

TEST_F(AuditTest, OneResourceIsTheResourceAndNoneIsAnEntryToo) {
  organisations_->resources = {"people/a"};
  ASSERT_TRUE(List().ok());
  organisations_->resources = {};
  ASSERT_TRUE(List().ok());
  const auto entries = Entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].resource(), "people/a");
  EXPECT_EQ(entries[0].resources_size(), 0);
  EXPECT_EQ(entries[1].resource(), "");
}

TEST_F(AuditTest, AnAnswerWithoutAnEntryIsWithheld) {
  organisations_->audits = false;
  EXPECT_EQ(base::ReasonOf(List().status()), "AUDIT_MISSING");
}

}  // namespace
}  // namespace pharos::rpc
