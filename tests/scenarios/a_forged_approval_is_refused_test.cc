// Promise 6, against whoever holds our own processes' credential: only what a second person signed is
// planned. Made true by services/access/approval.cc (who may sign what), services/access/signer.cc (the only
// key), services/policy/snapshot.cc (what a signature covers), services/dispatch/desk_plan.cc (no step
// without one, no member that it does not cover) and services/campaign/submission.cc (what is signed).
#include <openssl/evp.h>

#include "gmock/gmock.h"
#include "pharos/access/internal/v1/approval_service.pb.h"
#include "pharos/audience/internal/v1/member_service.pb.h"
#include "pharos/campaign/v1/template_service.pb.h"
#include "pharos/dispatch/internal/v1/plan_service.pb.h"
#include "services/base/ids.h"
#include "services/policy/snapshot.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using dispatch::internal::v1::DeclareStepRequest;
using dispatch::internal::v1::PlanIntentsRequest;
using dispatch::internal::v1::PlanIntentsResponse;
using ::testing::HasSubstr;
using type::v1::CampaignManifest;
using type::v1::SignedApproval;

constexpr int kPeople = 30;
constexpr char kCampaign[] = "campaigns/forged";
constexpr char kMarketing[] = "principals/marketing", kApprover[] = "principals/approver";

// Somebody's own Ed25519 key.
class OwnKey {
 public:
  OwnKey() : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")) {}
  ~OwnKey() { EVP_PKEY_free(key_); }
  OwnKey(const OwnKey&) = delete;
  OwnKey& operator=(const OwnKey&) = delete;

  std::string Sign(const std::string& bytes) const {
    std::string signature(64, '\0');
    size_t size = signature.size();
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EXPECT_EQ(EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key_), 1);
    EXPECT_EQ(EVP_DigestSign(context, reinterpret_cast<uint8_t*>(signature.data()), &size,
                             reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()),
              1);
    EVP_MD_CTX_free(context);
    return signature;
  }
  std::string Public() const {
    std::string bytes(32, '\0');
    size_t size = bytes.size();
    EXPECT_EQ(EVP_PKEY_get_raw_public_key(key_, reinterpret_cast<uint8_t*>(bytes.data()), &size), 1);
    return bytes;
  }

 private:
  EVP_PKEY* key_;
};

class AForgedApproval : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    story_.ImportAll(kQuit, FileOf(kPeople));
    campaign::v1::GetTemplateRequest get;
    get.set_name(kText);
    text_ =
        Must(story_.marketing.Call<campaign::v1::Template>("campaign.v1.TemplateService/GetTemplate", get));
    Pin();
  }

  // As the campaign service does.
  void Pin() {
    audience::internal::v1::PinMembersRequest request;
    request.set_request_id("forger");
    request.set_campaign(kCampaign);
    request.set_filter("audience_kinds:PUBLIC");
    request.set_purpose(kPurpose);
    request.add_channels(type::v1::CHANNEL_SMS);
    pin_ = Must(
        service_.Call<audience::internal::v1::Pin>("audience.internal.v1.MemberService/PinMembers", request));
    ASSERT_EQ(pin_.members(), kPeople);
  }
  CampaignManifest Manifest(const std::string& author = kMarketing) {
    CampaignManifest manifest;
    manifest.set_campaign(kCampaign);
    manifest.set_revision(1);
    manifest.set_author(author);
    manifest.set_pin(pin_.name());
    manifest.set_members(pin_.members());
    *manifest.mutable_member_pages() = pin_.pages();
    manifest.set_purpose(kPurpose);
    manifest.set_purpose_version(1);
    manifest.set_purpose_class(type::v1::PURPOSE_CLASS_MARKETING);
    manifest.set_lawful_basis(type::v1::LAWFUL_BASIS_CONSENT);
    auto* text = manifest.add_templates();
    text->set_step("1");
    text->set_template_(kText);
    text->set_version(text_.version());
    text->set_digest(base::Sha256("sms\n" + text_.sms_body() + "\nsubject\n\nemail\n"));
    auto* route = manifest.add_routes();
    route->set_channel(type::v1::CHANNEL_SMS);
    route->set_sender("60777");
    return manifest;
  }
  absl::StatusOr<SignedApproval> SignFor(const std::string& approver, const CampaignManifest& manifest) {
    Client service = service_;
    service.on_behalf_of = approver;
    access::internal::v1::SignApprovalRequest request;
    request.set_manifest(manifest.SerializeAsString());
    return service.Call<SignedApproval>("access.internal.v1.ApprovalService/SignApproval", request);
  }
  SignedApproval Genuine() { return Must(SignFor(kApprover, Manifest())); }

  DeclareStepRequest StepWith(const SignedApproval& approval) {
    DeclareStepRequest request;
    request.set_campaign(kCampaign);
    request.set_step("1");
    *request.mutable_approval() = approval;
    request.mutable_content()->set_sms_body(text_.sms_body());
    return request;
  }
  absl::Status Declare(const DeclareStepRequest& request) {
    return service_
        .Call<dispatch::internal::v1::DeclareStepResponse>("dispatch.internal.v1.PlanService/DeclareStep",
                                                           request)
        .status();
  }
  void ExpectForged(const DeclareStepRequest& request, const char* what) {
    const absl::Status status = Declare(request);
    EXPECT_EQ(base::ReasonOf(status), "APPROVAL_FORGED") << what << ": " << status;
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << what;
    EXPECT_THAT(std::string(status.message()), HasSubstr("pprove")) << what;
  }

  PlanIntentsRequest GenuinePage() {
    audience::internal::v1::ListMembersRequest list;
    list.set_pin(pin_.name());
    const auto members = Must(service_.Call<audience::internal::v1::ListMembersResponse>(
        "audience.internal.v1.MemberService/ListMembers", list));
    PlanIntentsRequest request;
    request.set_campaign(kCampaign);
    request.set_step("1");
    for (const auto& member : members.members()) {
      auto* planned = request.add_members();
      planned->set_person(member.person());
      planned->set_channel(member.channel());
      planned->set_endpoint(member.endpoint());
    }
    return request;
  }
  absl::StatusOr<PlanIntentsResponse> PlanPage(const PlanIntentsRequest& request) {
    return service_.Call<PlanIntentsResponse>("dispatch.internal.v1.PlanService/PlanIntents", request);
  }
  void ExpectNotApproved(const PlanIntentsRequest& request, const char* what) {
    const absl::Status status = PlanPage(request).status();
    EXPECT_EQ(base::ReasonOf(status), "MEMBERS_NOT_APPROVED") << what << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("not the one that was approved")) << what;
  }
  void ExpectNoIntent() {
    EXPECT_TRUE(story_.Intents("forged").empty());
    EXPECT_EQ(CountSubmissions(system_.journal()), 0);
  }

  System system_;
  Story story_{system_};
  const Client service_ = system_.As("service");
  campaign::v1::Template text_;
  audience::internal::v1::Pin pin_;
};

TEST_F(AForgedApproval, SignedByAnotherKeyIsRefused) {
  const OwnKey key;
  SignedApproval forged;
  forged.set_manifest(Manifest().SerializeAsString());
  forged.set_approver(kApprover);
  forged.set_time_us(WallNanos() / 1000);
  forged.set_signature(
      key.Sign(policy::ApprovalBytes(forged.manifest(), forged.approver(), forged.time_us())));
  // Nothing is wrong with it but the key.
  ASSERT_TRUE(policy::CheckApprovalSignature(forged.manifest(), forged.approver(), forged.time_us(),
                                             forged.signature(), {key.Public()})
                  .ok());
  ExpectForged(StepWith(forged), "another key");
  forged.clear_signature();
  ExpectForged(StepWith(forged), "no signature");

  PlanIntentsRequest page = GenuinePage();
  EXPECT_EQ(base::ReasonOf(PlanPage(page).status()), "STEP_UNKNOWN");
  ExpectNoIntent();
}

TEST_F(AForgedApproval, AGenuineOneCoversOneTextAndOneCampaign) {
  const SignedApproval genuine = Genuine();
  DeclareStepRequest other_text = StepWith(genuine);
  other_text.mutable_content()->set_sms_body("Hello, send your bank details to this number.");
  ExpectForged(other_text, "another text");
  DeclareStepRequest with_email = StepWith(genuine);
  with_email.mutable_content()->set_email_subject("Hello");
  with_email.mutable_content()->set_email_body("Send your bank details.");
  ExpectForged(with_email, "an email besides");
  DeclareStepRequest other_campaign = StepWith(genuine);
  other_campaign.set_campaign("campaigns/other");
  ExpectForged(other_campaign, "another campaign");
  DeclareStepRequest other_step = StepWith(genuine);
  other_step.set_step("2");
  ExpectForged(other_step, "another step");

  SignedApproval changed = genuine;
  CampaignManifest more = Manifest();
  more.set_fallback(true);
  changed.set_manifest(more.SerializeAsString());
  ExpectForged(StepWith(changed), "another manifest");
  changed = genuine;
  changed.set_approver("principals/governance");
  ExpectForged(StepWith(changed), "another approver");
  changed = genuine;
  changed.set_time_us(genuine.time_us() + 1);
  ExpectForged(StepWith(changed), "another time");
  ExpectNoIntent();
  EXPECT_TRUE(Declare(StepWith(genuine)).ok()) << "the genuine one stands";
}

TEST_F(AForgedApproval, MembersAreThoseOfTheApprovedPage) {
  ASSERT_TRUE(Declare(StepWith(Genuine())).ok());
  const PlanIntentsRequest genuine = GenuinePage();
  ASSERT_EQ(genuine.members_size(), kPeople);
  PlanIntentsRequest page = genuine;
  page.mutable_members()->RemoveLast();
  ExpectNotApproved(page, "one fewer");
  page = genuine;
  *page.add_members() = page.members(0);
  page.mutable_members(kPeople)->set_person("people/" + base::NewId(WallNanos() / 1000));
  ExpectNotApproved(page, "one more");
  page = genuine;
  page.mutable_members(3)->set_endpoint(page.members(4).endpoint());
  ExpectNotApproved(page, "another's number");
  page = genuine;
  page.mutable_members(3)->set_channel(type::v1::CHANNEL_EMAIL);
  ExpectNotApproved(page, "another channel");
  page = genuine;
  auto* other_way = page.mutable_members(3)->add_alternatives();
  other_way->set_channel(type::v1::CHANNEL_EMAIL);
  other_way->set_endpoint(page.members(4).endpoint());
  ExpectNotApproved(page, "another way");
  page = genuine;
  page.set_page(1);
  ExpectNotApproved(page, "a page that there is not");
  ExpectNoIntent();

  EXPECT_EQ(Must(PlanPage(genuine)).written(), kPeople);
  EXPECT_EQ(story_.Intents("forged").size(), static_cast<size_t>(kPeople));
}

TEST_F(AForgedApproval, AccessSignsForAnotherPersonOnly) {
  EXPECT_EQ(base::ReasonOf(SignFor("principals/author", Manifest("principals/author")).status()),
            "APPROVER_IS_AUTHOR");
  EXPECT_EQ(base::ReasonOf(SignFor(kMarketing, Manifest("principals/author")).status()),
            "PERMISSION_MISSING");
  EXPECT_EQ(base::ReasonOf(SignFor("principals/nobody", Manifest()).status()), "PERMISSION_MISSING");
  EXPECT_EQ(base::ReasonOf(SignFor("", Manifest()).status()), "PERMISSION_MISSING") << "our own process";
  Client marketing = story_.marketing;
  marketing.on_behalf_of = kApprover;
  access::internal::v1::SignApprovalRequest request;
  request.set_manifest(Manifest().SerializeAsString());
  EXPECT_EQ(base::ReasonOf(
                marketing.Call<SignedApproval>("access.internal.v1.ApprovalService/SignApproval", request)
                    .status()),
            "PERMISSION_MISSING");
  EXPECT_TRUE(SignFor(kApprover, Manifest()).ok());
}

TEST_F(AForgedApproval, TheAuthorCannotApproveTheirOwn) {
  story_.Draft("own");
  const Client author = system_.As("author");  // marketing and approver in one
  campaign::v1::SubmitCampaignRequest submit;
  submit.set_name("campaigns/own");
  const auto submitted =
      Must(author.Call<campaign::v1::Campaign>("campaign.v1.CampaignService/SubmitCampaign", submit));
  campaign::v1::ApproveCampaignRequest approve;
  approve.set_name(submitted.name());
  approve.set_digest(submitted.digest());
  const absl::Status own =
      author.Call<campaign::v1::Campaign>("campaign.v1.CampaignService/ApproveCampaign", approve).status();
  EXPECT_EQ(base::ReasonOf(own), "APPROVER_IS_AUTHOR");
  EXPECT_THAT(std::string(own.message()), HasSubstr("omebody else"));
  story_.Approve(submitted);
  story_.Launch("own");
  ASSERT_TRUE(story_.Finished("own"));
  EXPECT_EQ(story_.Report("own").delivered(), kPeople);
}

}  // namespace
}  // namespace pharos::tests
