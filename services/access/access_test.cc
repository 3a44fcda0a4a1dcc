// The access service behind a real server, on a real store.
#include "services/access/access.h"

#include <grpcpp/grpcpp.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "pharos/access/internal/v1/approval_service.grpc.pb.h"
#include "pharos/access/internal/v1/key_service.grpc.pb.h"
#include "pharos/access/internal/v1/snapshot_service.grpc.pb.h"
#include "pharos/access/v1/act_service.grpc.pb.h"
#include "pharos/access/v1/principal_service.grpc.pb.h"
#include "pharos/type/v1/manifest.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/queue.h"
#include "services/policy/snapshot.h"
#include "services/rpc/channel.h"
#include "services/rpc/credentials.h"
#include "services/rpc/key_client.h"
#include "services/rpc/server.h"
#include "services/rpc/snapshot_client.h"

namespace pharos::access {
namespace {

namespace inner = internal::v1;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// olga and otto are operators, gwen is governance, maya marketing, sam an approver; svc is a process of ours.
// Their tokens are their names.
class AccessTest : public ::testing::Test {
 protected:
  AccessTest() {
    char folder[] = "/tmp/pharos-access-XXXXXX";
    folder_ = mkdtemp(folder);
    std::ofstream tokens(folder_ + "/tokens");
    for (const auto& [who, role] : {std::pair{"olga", "operator"},
                                    {"otto", "operator"},
                                    {"gwen", "governance"},
                                    {"maya", "marketing"},
                                    {"sam", "approver"},
                                    {"svc", "service"}})
      tokens << base::ToHex(base::Sha256(who)) << " " << who << " " << role << "\n";
    tokens.close();
    chmod((folder_ + "/tokens").c_str(), 0600);
    options_.folder = folder_ + "/access";
    options_.tokens_file = folder_ + "/tokens";
    options_.kek_file = folder_ + "/kek";
  }
  ~AccessTest() override {
    Down();
    std::filesystem::remove_all(folder_);
  }

  absl::Status Open() {
    auto opened = Access::Open(options_);
    if (!opened.ok()) return opened.status();
    access_ = *std::move(opened);
    return absl::OkStatus();
  }
  void Up() {
    const absl::Status opened = Open();
    ASSERT_TRUE(opened.ok()) << opened;
    access_->Attach(holder_);
    rpc::ServerOptions options;
    options.credentials = &credentials_;
    if (port_ != 0) options.address = "127.0.0.1:" + std::to_string(port_);
    auto started = rpc::StartServer(options, access_->Services());
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
    port_ = server_->port();
    channel_ = server_->InProcess();
  }
  void Down() {
    channel_.reset();
    if (access_ != nullptr) access_->Stop();
    server_.reset();
    access_.reset();
  }

  // Calls a method as somebody.
  template <typename Service, typename Request, typename Response>
  absl::StatusOr<Response> As(const std::string& token,
                              grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                    Response*),
                              const Request& request, const std::string& on_behalf_of = "") {
    grpc::ClientContext context;
    rpc::CallOptions options;
    options.token = token;
    options.on_behalf_of = on_behalf_of;
    rpc::Prepare(context, options);
    const auto stub = Service::NewStub(channel_);
    Response response;
    const absl::Status status = rpc::FromGrpc((stub.get()->*method)(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }

  absl::StatusOr<v1::Act> Propose(const std::string& who, v1::ActKind kind, const std::string& policy = "") {
    v1::ProposeActRequest request;
    request.set_kind(kind);
    request.set_reason("It is time.");
    request.set_policy(policy);
    return As<v1::ActService>(who, &v1::ActService::Stub::ProposeAct, request);
  }
  absl::StatusOr<v1::Act> Confirm(const std::string& who, const v1::Act& act) {
    v1::ConfirmActRequest request;
    request.set_name(act.name());
    request.set_digest(act.digest());
    return As<v1::ActService>(who, &v1::ActService::Stub::ConfirmAct, request);
  }
  absl::StatusOr<v1::Principal> Create(const std::string& id, const std::vector<std::string>& roles) {
    v1::CreatePrincipalRequest request;
    request.set_principal_id(id);
    request.mutable_principal()->mutable_roles()->Assign(roles.begin(), roles.end());
    return As<v1::PrincipalService>("olga", &v1::PrincipalService::Stub::CreatePrincipal, request);
  }
  absl::StatusOr<v1::IssueTokenResponse> Issue(const std::string& name) {
    v1::IssueTokenRequest request;
    request.set_name(name);
    return As<v1::PrincipalService>("olga", &v1::PrincipalService::Stub::IssueToken, request);
  }
  absl::StatusOr<v1::Principal> Revoke(const std::string& name, const std::string& token_id) {
    v1::RevokeTokenRequest request;
    request.set_name(name);
    request.set_token_id(token_id);
    return As<v1::PrincipalService>("olga", &v1::PrincipalService::Stub::RevokeToken, request);
  }
  absl::StatusOr<v1::WhoAmIResponse> WhoAmI(const std::string& token) {
    return As<v1::PrincipalService>(token, &v1::PrincipalService::Stub::WhoAmI, v1::WhoAmIRequest());
  }
  absl::StatusOr<type::v1::SignedApproval> Sign(const std::string& on_behalf_of, const std::string& author) {
    type::v1::CampaignManifest manifest;
    manifest.set_campaign("campaigns/quit");
    manifest.set_author(author);
    inner::SignApprovalRequest request;
    request.set_manifest(manifest.SerializeAsString());
    return As<inner::ApprovalService>("svc", &inner::ApprovalService::Stub::SignApproval, request,
                                      on_behalf_of);
  }
  absl::Status Verify(const type::v1::SignedApproval& approval) const {
    return policy::CheckApprovalSignature(approval.manifest(), approval.approver(), approval.time_us(),
                                          approval.signature(), holder_.Get()->approval_keys);
  }

  std::string folder_;
  AccessOptions options_;
  policy::SnapshotHolder holder_;
  rpc::Credentials credentials_{&holder_};
  std::unique_ptr<Access> access_;
  std::unique_ptr<rpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  int port_ = 0;
};

TEST_F(AccessTest, OnePersonCannotGoLiveAndTwoCan) {
  Up();
  const auto act = Propose("olga", v1::GO_LIVE);
  ASSERT_TRUE(act.ok()) << act.status();
  const absl::Status alone = Confirm("olga", *act).status();
  EXPECT_EQ(base::ReasonOf(alone), "ACT_NEEDS_SECOND_PERSON");
  EXPECT_THAT(std::string(alone.message()), HasSubstr("nobody may do this alone"));
  EXPECT_FALSE(holder_.Get()->live);
  ASSERT_TRUE(Confirm("gwen", *act).ok());
  EXPECT_TRUE(holder_.Get()->live);
  EXPECT_TRUE(WhoAmI("maya")->live());
  EXPECT_EQ(base::ReasonOf(Confirm("otto", *act).status()), "ACT_STATE");
  EXPECT_EQ(base::ReasonOf(Propose("olga", v1::GO_LIVE).status()), "MODE_ALREADY");
  Down();
  Up();
  EXPECT_TRUE(WhoAmI("maya")->live());  // decided once
}

TEST_F(AccessTest, AProcessActsForNobody) {
  Up();
  EXPECT_EQ(base::ReasonOf(Propose("svc", v1::GO_LIVE).status()), "ACT_NEEDS_PEOPLE");
  const auto act = Propose("olga", v1::GO_LIVE);
  ASSERT_TRUE(act.ok()) << act.status();
  v1::ConfirmActRequest request;
  request.set_name(act->name());
  request.set_digest(act->digest());
  const auto forged =
      As<v1::ActService>("svc", &v1::ActService::Stub::ConfirmAct, request, "principals/gwen");
  EXPECT_EQ(base::ReasonOf(forged.status()), "ACT_NEEDS_PEOPLE");
  EXPECT_EQ(base::ReasonOf(Confirm("maya", *act).status()), "PERMISSION_MISSING");
}

TEST_F(AccessTest, AnActIsWithdrawnAndListedNewestFirst) {
  Up();
  const auto first = Propose("olga", v1::GO_LIVE);
  const auto second = Propose("olga", v1::GO_LIVE);
  ASSERT_TRUE(first.ok() && second.ok());
  v1::WithdrawActRequest withdraw;
  withdraw.set_name(first->name());
  ASSERT_TRUE(As<v1::ActService>("gwen", &v1::ActService::Stub::WithdrawAct, withdraw).ok());
  EXPECT_EQ(base::ReasonOf(Confirm("gwen", *first).status()), "ACT_STATE");
  v1::ListActsRequest list;
  list.set_page_size(1);
  auto page = As<v1::ActService>("maya", &v1::ActService::Stub::ListActs, list);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_THAT(page->acts(), SizeIs(1));
  EXPECT_EQ(page->acts(0).name(), second->name());
  list.set_page_token(page->next_page_token());
  page = As<v1::ActService>("maya", &v1::ActService::Stub::ListActs, list);
  ASSERT_THAT(page->acts(), SizeIs(1));
  EXPECT_EQ(page->acts(0).state(), v1::WITHDRAWN);
  EXPECT_EQ(page->next_page_token(), "");
}

TEST_F(AccessTest, APolicyThatFailsItsOwnTestIsRefusedNamingTheLine) {
  Up();
  const std::string shipped(policy::Policy::ShippedText());
  const auto lines = std::count(shipped.begin(), shipped.end(), '\n');
  const std::string wrong = shipped + "[[tests]]\nroles = [\"analyst\"]\nallow = [\"people.read\"]\n";
  const absl::Status refused = Propose("olga", v1::APPLY_POLICY, wrong).status();
  EXPECT_EQ(base::ReasonOf(refused), "POLICY_WRONG");
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("line " + std::to_string(lines + 3) + ": test fails"));
  v1::CheckPolicyRequest check;
  check.set_policy(wrong);
  const auto findings = As<v1::ActService>("olga", &v1::ActService::Stub::CheckPolicy, check);
  ASSERT_TRUE(findings.ok()) << findings.status();
  EXPECT_THAT(findings->problems(), Contains(HasSubstr("analyst may not people.read")));
  EXPECT_GT(findings->tests(), 100);
}

TEST_F(AccessTest, AnAcceptedPolicyDecidesAtOnceAndStays) {
  Up();
  std::string text(policy::Policy::ShippedText());
  text += "[roles.auditor]\nabout = \"Reads acts.\"\nmay = [\"acts.read\", \"self.read\"]\n";
  const auto act = Propose("gwen", v1::APPLY_POLICY, text);
  ASSERT_TRUE(act.ok()) << act.status();
  EXPECT_EQ(base::ReasonOf(Create("ann", {"auditor"}).status()), "ROLE_UNKNOWN");
  ASSERT_TRUE(Confirm("olga", *act).ok());
  EXPECT_TRUE(Create("ann", {"auditor"}).ok());
  Down();
  Up();
  const auto policy = As<v1::ActService>("maya", &v1::ActService::Stub::GetPolicy, v1::GetPolicyRequest());
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->version(), 2u);
  EXPECT_EQ(policy->text(), text);
}

TEST_F(AccessTest, APersonGetsATokenCallsWithItAndLosesIt) {
  Up();
  ASSERT_TRUE(Create("ada", {"analyst"}).ok());
  EXPECT_EQ(base::ReasonOf(Create("ada", {"analyst"}).status()), "PRINCIPAL_EXISTS");
  EXPECT_EQ(base::ReasonOf(Create("maya", {"analyst"}).status()), "PRINCIPAL_EXISTS");
  const auto issued = Issue("principals/ada");
  ASSERT_TRUE(issued.ok()) << issued.status();
  EXPECT_THAT(issued->token(), SizeIs(64));
  const auto self = WhoAmI(issued->token());
  ASSERT_TRUE(self.ok()) << self.status();
  EXPECT_EQ(self->principal(), "principals/ada");
  EXPECT_THAT(self->permissions(), Contains("audiences.count"));
  EXPECT_THAT(self->permissions(), ::testing::Not(Contains("people.read")));
  ASSERT_TRUE(Revoke("principals/ada", issued->info().id()).ok());
  EXPECT_EQ(base::ReasonOf(WhoAmI(issued->token()).status()), "CREDENTIAL_UNKNOWN");
}

TEST_F(AccessTest, ADisabledPersonMayNotCallAndNobodyChangesThemselves) {
  Up();
  ASSERT_TRUE(Create("ada", {"operator"}).ok());
  const auto issued = Issue("principals/ada");
  ASSERT_TRUE(issued.ok()) << issued.status();
  v1::GetPrincipalRequest get;
  get.set_name("principals/ada");
  v1::UpdatePrincipalRequest update;
  *update.mutable_principal() =
      *As<v1::PrincipalService>("olga", &v1::PrincipalService::Stub::GetPrincipal, get);
  update.mutable_principal()->add_roles("governance");
  const auto method = &v1::PrincipalService::Stub::UpdatePrincipal;
  EXPECT_EQ(base::ReasonOf(As<v1::PrincipalService>(issued->token(), method, update).status()), "OWN_ROLES");
  update.mutable_principal()->set_disabled(true);
  ASSERT_TRUE(As<v1::PrincipalService>("olga", method, update).ok());
  EXPECT_EQ(base::ReasonOf(WhoAmI(issued->token()).status()), "CREDENTIAL_UNKNOWN");
  update.mutable_principal()->set_name("principals/maya");
  EXPECT_EQ(base::ReasonOf(As<v1::PrincipalService>("olga", method, update).status()), "PRINCIPAL_FROM_FILE");
}

TEST_F(AccessTest, ThePeopleOfTheFileAreListedWithTheOthers) {
  Up();
  ASSERT_TRUE(Create("nina", {"partner"}).ok());
  v1::ListPrincipalsRequest request;
  request.set_page_size(3);
  std::vector<std::string> names;
  do {
    const auto page = As<v1::PrincipalService>("gwen", &v1::PrincipalService::Stub::ListPrincipals, request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Principal& principal : page->principals()) {
      names.push_back(principal.name().substr(11));
      EXPECT_EQ(principal.from_file(), principal.name() != "principals/nina");
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(names, ::testing::ElementsAre("gwen", "maya", "nina", "olga", "otto", "sam", "svc"));
}

TEST_F(AccessTest, NobodyIsMadeAProcessOfOurs) {
  Up();
  for (const char* role : {"service", "connector"})
    EXPECT_EQ(base::ReasonOf(Create("process", {"analyst", role}).status()), "ROLE_BUILT_IN") << role;
  auto nina = Create("nina", {"analyst"});
  ASSERT_TRUE(nina.ok()) << nina.status();
  v1::UpdatePrincipalRequest request;
  *request.mutable_principal() = *nina;
  request.mutable_principal()->add_roles("service");
  EXPECT_EQ(
      base::ReasonOf(
          As<v1::PrincipalService>("olga", &v1::PrincipalService::Stub::UpdatePrincipal, request).status()),
      "ROLE_BUILT_IN");
}

TEST_F(AccessTest, ARevokedTokenIsGoneFromTheNextSnapshotWithinASecond) {
  Up();
  ASSERT_TRUE(Create("nina", {"analyst"}).ok());
  const auto issued = Issue("principals/nina");
  ASSERT_TRUE(issued.ok()) << issued.status();
  grpc::ClientContext context;
  rpc::CallOptions options;
  options.token = "svc";
  options.timeout_ms = 60'000;
  rpc::Prepare(context, options);
  const auto stub = inner::SnapshotService::NewStub(channel_);
  auto reader = stub->FollowSnapshot(&context, inner::FollowSnapshotRequest());
  inner::Snapshot snapshot;
  const auto knows_nina = [&] {
    return std::any_of(snapshot.callers().begin(), snapshot.callers().end(),
                       [](const auto& caller) { return caller.principal() == "principals/nina"; });
  };
  ASSERT_TRUE(reader->Read(&snapshot));
  ASSERT_TRUE(knows_nina());
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(Revoke("principals/nina", issued->info().id()).ok());
  while (knows_nina()) ASSERT_TRUE(reader->Read(&snapshot));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  EXPECT_EQ(base::ReasonOf(WhoAmI(issued->token()).status()), "CREDENTIAL_UNKNOWN");
  context.TryCancel();
  reader->Finish();
}

TEST_F(AccessTest, OtherProcessesFollowAndComeBackAfterARestart) {
  Up();
  policy::SnapshotHolder other;
  base::BoundedQueue<bool> changes(100);
  other.Watch([&](const policy::Snapshot& snapshot) { changes.Push(snapshot.live); });
  rpc::SnapshotClient client(rpc::Connect("127.0.0.1:" + std::to_string(port_)), "svc", other);
  client.Start();
  ASSERT_THAT(changes.PopAll(1, 5'000'000), SizeIs(1));
  EXPECT_EQ(other.Get()->callers.size(), 6u);
  EXPECT_EQ(other.Get()->approval_keys, holder_.Get()->approval_keys);
  Down();
  Up();
  const auto act = Propose("olga", v1::GO_LIVE);
  ASSERT_TRUE(act.ok()) << act.status();
  ASSERT_TRUE(Confirm("gwen", *act).ok());
  while (!other.Get()->live) ASSERT_THAT(changes.PopAll(1, 10'000'000), SizeIs(1));
  EXPECT_EQ(other.Get()->version, holder_.Get()->version);
  client.Stop();
}

TEST_F(AccessTest, AnApprovalVerifiesAndAnAlteredOneDoesNot) {
  Up();
  const auto approval = Sign("principals/sam", "principals/maya");
  ASSERT_TRUE(approval.ok()) << approval.status();
  EXPECT_EQ(approval->approver(), "principals/sam");
  EXPECT_TRUE(Verify(*approval).ok());
  type::v1::SignedApproval altered = *approval;
  altered.set_approver("principals/maya");
  EXPECT_EQ(base::ReasonOf(Verify(altered)), "APPROVAL_FORGED");
  altered = *approval;
  type::v1::CampaignManifest manifest;
  ASSERT_TRUE(manifest.ParseFromString(altered.manifest()));
  manifest.set_members(1'000'000);
  altered.set_manifest(manifest.SerializeAsString());
  EXPECT_EQ(base::ReasonOf(Verify(altered)), "APPROVAL_FORGED");
  altered = *approval;
  altered.set_signature(std::string(64, 'x'));
  EXPECT_EQ(base::ReasonOf(Verify(altered)), "APPROVAL_FORGED");
  Down();
  Up();
  EXPECT_TRUE(Verify(*approval).ok());  // the signing key is kept
}

TEST_F(AccessTest, TheAuthorAndThoseWithoutTheRightDoNotSign) {
  Up();
  EXPECT_EQ(base::ReasonOf(Sign("principals/sam", "principals/sam").status()), "APPROVER_IS_AUTHOR");
  EXPECT_EQ(base::ReasonOf(Sign("principals/maya", "principals/sam").status()), "PERMISSION_MISSING");
  EXPECT_EQ(base::ReasonOf(Sign("principals/nobody", "principals/sam").status()), "PERMISSION_MISSING");
  EXPECT_EQ(base::ReasonOf(Sign("", "principals/sam").status()), "PERMISSION_MISSING");
}

TEST_F(AccessTest, KeysAreKeptAndDestroyedOnesStayDestroyed) {
  Up();
  auto keys = rpc::MakeKeyClient(channel_, "svc");
  const auto made = keys->Create(5000);  // more than one call gives
  ASSERT_TRUE(made.ok()) << made.status();
  ASSERT_THAT(*made, SizeIs(5000));
  EXPECT_THAT((*made)[4999].bytes, SizeIs(32));
  inner::DestroyKeysRequest destroy;
  destroy.add_ids((*made)[1].id);
  destroy.add_ids(999'999);
  ASSERT_TRUE(As<inner::KeyService>("svc", &inner::KeyService::Stub::DestroyKeys, destroy).ok());
  keys.reset();
  Down();
  Up();
  keys = rpc::MakeKeyClient(channel_, "svc");
  const auto read = keys->Fetch({(*made)[2].id, (*made)[1].id});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ((*read)[0].bytes, (*made)[2].bytes);
  EXPECT_EQ((*read)[1].bytes, "");
  EXPECT_EQ(base::ReasonOf(keys->Fetch({999'999}).status()),
            "KEY_UNKNOWN");                                         // another store's: never taken for erased
  EXPECT_EQ(keys->Create(1)->front().id, made->front().id + 5000);  // no id comes twice
}

TEST_F(AccessTest, NoKeyLiesOnDiskInClear) {
  Up();
  auto keys = rpc::MakeKeyClient(channel_, "svc");
  const auto made = keys->Create(3);
  ASSERT_TRUE(made.ok()) << made.status();
  keys.reset();
  Down();
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(options_.folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    for (const auto& key : *made) EXPECT_EQ(bytes.find(key.bytes), std::string::npos) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 2u);
}

TEST_F(AccessTest, ALostOrExchangedKeyFileIsNoticedAtStart) {
  Up();
  Down();
  std::filesystem::rename(options_.kek_file, folder_ + "/kept");
  const absl::Status lost = Open();
  EXPECT_EQ(base::ReasonOf(lost), "KEK_MISSING");
  EXPECT_THAT(std::string(lost.message()), HasSubstr("Restore the file"));
  EXPECT_FALSE(std::filesystem::exists(options_.kek_file));
  std::ofstream(options_.kek_file) << std::string(32, 'x');
  EXPECT_EQ(base::ReasonOf(Open()), "KEK_UNUSABLE");  // others can read it
  chmod(options_.kek_file.c_str(), 0600);
  const absl::Status wrong = Open();
  EXPECT_EQ(base::ReasonOf(wrong), "KEK_WRONG");
  EXPECT_THAT(std::string(wrong.message()), HasSubstr("Restore the file that belongs to this store"));
  std::filesystem::rename(folder_ + "/kept", options_.kek_file);
  EXPECT_TRUE(Open().ok());
}

TEST_F(AccessTest, KeysAreForOurOwnProcessesOnly) {
  Up();
  EXPECT_EQ(base::ReasonOf(rpc::MakeKeyClient(channel_, "olga")->Create(1).status()), "PERMISSION_MISSING");
  const auto channel = rpc::Connect("127.0.0.1:" + std::to_string(port_));
  Down();
  EXPECT_EQ(base::ReasonOf(rpc::MakeKeyClient(channel, "svc")->Create(1).status()), "ACCESS_AWAY");
}

}  // namespace
}  // namespace pharos::access
