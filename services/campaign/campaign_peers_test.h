// For tests: small services in memory that stand for the campaign service's peers, and check what it sends
// them.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pharos/access/internal/v1/approval_service.pb.h"
#include "pharos/access/internal/v1/approval_service.serve.h"
#include "pharos/audience/internal/v1/member_service.pb.h"
#include "pharos/audience/internal/v1/member_service.serve.h"
#include "pharos/audience/v1/audience_service.pb.h"
#include "pharos/audience/v1/audience_service.serve.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/customer/v1/purpose_service.serve.h"
#include "pharos/dispatch/internal/v1/plan_service.pb.h"
#include "pharos/dispatch/internal/v1/plan_service.serve.h"
#include "pharos/dispatch/v1/intent_service.pb.h"
#include "pharos/dispatch/v1/intent_service.serve.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/mutex.h"
#include "services/content/digest.h"

namespace pharos::campaign {

namespace plan = dispatch::internal::v1;
namespace members = audience::internal::v1;

inline absl::Status NotHere() {
  return absl::UnimplementedError("not part of this test");
}
inline absl::Status Away() {
  return base::MakeError(absl::StatusCode::kUnavailable, "AWAY", "Away for this test.");
}

// Signs like the access service, with a key of this test.
class Access : public access::internal::v1::ApprovalServiceHandler {
 public:
  Access() : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free) {}
  absl::Status SignApproval(rpc::Call& call, const access::internal::v1::SignApprovalRequest& request,
                            type::v1::SignedApproval& response) override {
    if (const auto first = std::exchange(before_signing, nullptr)) first();
    if (away) return Away();
    response.set_manifest(request.manifest());
    response.set_approver(call.caller().principal);
    response.set_time_us(7);
    response.set_signature(Sign(SignedBytes(response)));
    return absl::OkStatus();
  }

  bool Verifies(const type::v1::SignedApproval& approval) const {
    const std::string bytes = SignedBytes(approval);
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    const bool good = EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr, key_.get()) == 1 &&
                      EVP_DigestVerify(context, reinterpret_cast<const uint8_t*>(approval.signature().data()),
                                       approval.signature().size(),
                                       reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) == 1;
    EVP_MD_CTX_free(context);
    return good;
  }

 private:
  // As pharos/type/v1/manifest.proto says.
  static std::string SignedBytes(const type::v1::SignedApproval& approval) {
    return fmt::format("pharos approval 1\n{}{}\n{}", base::Sha256(approval.manifest()), approval.approver(),
                       approval.time_us());
  }
  std::string Sign(const std::string& bytes) const {
    std::string signature(64, '\0');
    size_t size = signature.size();
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EXPECT_EQ(EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key_.get()), 1);
    EXPECT_EQ(EVP_DigestSign(context, reinterpret_cast<uint8_t*>(signature.data()), &size,
                             reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()),
              1);
    EVP_MD_CTX_free(context);
    return signature;
  }
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_;

 public:
  std::atomic<bool> away = false;
  std::function<void()> before_signing;
};

class Purposes : public customer::v1::PurposeServiceHandler {
 public:
  absl::Status CreatePurpose(rpc::Call&, const customer::v1::CreatePurposeRequest&,
                             customer::v1::Purpose&) override {
    return NotHere();
  }
  absl::Status ListPurposes(rpc::Call&, const customer::v1::ListPurposesRequest&,
                            customer::v1::ListPurposesResponse&) override {
    return NotHere();
  }
  absl::Status UpdatePurpose(rpc::Call&, const customer::v1::UpdatePurposeRequest&,
                             customer::v1::Purpose&) override {
    return NotHere();
  }
  absl::Status RetirePurpose(rpc::Call&, const customer::v1::RetirePurposeRequest&,
                             customer::v1::Purpose&) override {
    return NotHere();
  }
  absl::Status GetPurpose(rpc::Call&, const customer::v1::GetPurposeRequest& request,
                          customer::v1::Purpose& response) override {
    if (request.name() != "purposes/quit")
      return base::MakeError(absl::StatusCode::kNotFound, "PURPOSE_NOT_FOUND", "No such purpose.");
    response.set_name(request.name());
    response.set_purpose_class(urgent      ? type::v1::PURPOSE_CLASS_URGENT
                               : marketing ? type::v1::PURPOSE_CLASS_MARKETING
                                           : type::v1::PURPOSE_CLASS_PUBLIC_TASK);
    response.set_lawful_basis(type::v1::LAWFUL_BASIS_PUBLIC_TASK);
    response.set_version(3);
    response.set_retire_time_us(retired ? 5 : 0);
    return absl::OkStatus();
  }
  std::atomic<bool> retired = false, marketing = false, urgent = false;
};

// A page of members as the audience service hashes it and dispatch checks it.
template <typename Members>
std::string PageDigest(const Members& page) {
  std::string lines;
  for (const auto& m : page) {
    lines += fmt::format("{}\t{}\t{}", m.person(), static_cast<int>(m.channel()), base::ToHex(m.endpoint()));
    for (const auto& a : m.alternatives())
      lines += fmt::format("\t{}\t{}", static_cast<int>(a.channel()), base::ToHex(a.endpoint()));
    lines += '\n';
  }
  return base::Sha256(lines);
}

class Audiences : public audience::v1::AudienceServiceHandler, public members::MemberServiceHandler {
 public:
  static constexpr int kMembers = 2500, kMatched = 2600, kPage = 1000;

  absl::Status CreateAudience(rpc::Call&, const audience::v1::CreateAudienceRequest&,
                              audience::v1::Audience&) override {
    return NotHere();
  }
  absl::Status ListAudiences(rpc::Call&, const audience::v1::ListAudiencesRequest&,
                             audience::v1::ListAudiencesResponse&) override {
    return NotHere();
  }
  absl::Status CountAudience(rpc::Call&, const audience::v1::CountAudienceRequest&,
                             audience::v1::CountAudienceResponse&) override {
    return NotHere();
  }
  absl::Status BreakDownAudience(rpc::Call&, const audience::v1::BreakDownAudienceRequest&,
                                 audience::v1::BreakDownAudienceResponse&) override {
    return NotHere();
  }
  absl::Status PreviewAudience(rpc::Call&, const audience::v1::PreviewAudienceRequest&,
                               audience::v1::PreviewAudienceResponse&) override {
    return NotHere();
  }
  absl::Status StreamAudience(rpc::Call&, const audience::v1::StreamAudienceRequest&,
                              rpc::Writer<audience::v1::StreamAudienceResponse>&) override {
    return NotHere();
  }
  absl::Status ExportAudience(rpc::Call&, const audience::v1::ExportAudienceRequest&,
                              rpc::Writer<audience::v1::ExportAudienceResponse>&) override {
    return NotHere();
  }
  absl::Status UpdateAudience(rpc::Call&, const audience::v1::UpdateAudienceRequest&,
                              audience::v1::Audience&) override {
    return NotHere();
  }
  absl::Status ListAudienceVersions(rpc::Call&, const audience::v1::ListAudienceVersionsRequest&,
                                    audience::v1::ListAudienceVersionsResponse&) override {
    return NotHere();
  }
  absl::Status ListFields(rpc::Call&, const audience::v1::ListFieldsRequest&,
                          audience::v1::ListFieldsResponse&) override {
    return NotHere();
  }
  absl::Status GetMembership(rpc::Call&, const audience::v1::GetMembershipRequest&,
                             audience::v1::Membership&) override {
    return NotHere();
  }
  absl::Status GetAudience(rpc::Call&, const audience::v1::GetAudienceRequest& request,
                           audience::v1::Audience& response) override {
    response.set_name(request.name());
    response.set_filter("area = \"E08000025\"");
    return absl::OkStatus();
  }
  absl::Status PinMembers(rpc::Call& call, const members::PinMembersRequest& request,
                          members::Pin& response) override {
    base::MutexLock lock(mutex);
    EXPECT_EQ(request.filter(), "area = \"E08000025\"");
    pinned_for = call.caller().principal;
    pin_requests.insert(request.request_id());
    response.set_name("pins/" + std::to_string(pin_requests.size()));
    response.set_matched(kMatched);
    response.set_members(kMembers);
    (*response.mutable_excluded())["OPTED_OUT"] = kMatched - kMembers;
    std::string pages;
    for (int from = 0; from < kMembers; from += kPage) {
      members::ListMembersResponse page;
      for (int i = from; i < std::min(from + kPage, kMembers); ++i) *page.add_members() = MemberNumber(i);
      pages += *response.add_pages() = PageDigest(page.members());
    }
    response.set_digest(base::Sha256(pages));
    channels.assign(request.channels().begin(), request.channels().end());
    return absl::OkStatus();
  }
  // Every third has an email address too.
  static members::Member MemberNumber(int i) {
    members::Member member;
    member.set_person(fmt::format("people/p{:06}", i));
    member.set_channel(type::v1::CHANNEL_SMS);
    member.set_endpoint(std::string(16, 's'));
    if (i % 3 != 0) return member;
    members::Alternative& email = *member.add_alternatives();
    email.set_channel(type::v1::CHANNEL_EMAIL);
    email.set_endpoint(std::string(16, 'e'));
    return member;
  }
  absl::Status ListMembers(rpc::Call&, const members::ListMembersRequest& request,
                           members::ListMembersResponse& response) override {
    const int from = request.page_token().empty() ? 0 : std::stoi(request.page_token());
    const int to = std::min(from + request.page_size(), kMembers);
    for (int i = from; i < to; ++i) *response.add_members() = MemberNumber(i);
    if (to < kMembers) response.set_next_page_token(std::to_string(to));
    return absl::OkStatus();
  }

  base::Mutex mutex;
  std::set<std::string> pin_requests;
  std::string pinned_for;
  std::vector<int> channels;
};

class Dispatch : public plan::PlanServiceHandler, public dispatch::v1::IntentServiceHandler {
 public:
  absl::Status GetIntent(rpc::Call&, const dispatch::v1::GetIntentRequest&, dispatch::v1::Intent&) override {
    return NotHere();
  }
  absl::Status ListIntents(rpc::Call&, const dispatch::v1::ListIntentsRequest&,
                           dispatch::v1::ListIntentsResponse&) override {
    return NotHere();
  }
  absl::Status ListReplies(rpc::Call&, const dispatch::v1::ListRepliesRequest&,
                           dispatch::v1::ListRepliesResponse&) override {
    return NotHere();
  }

  absl::Status DeclareStep(rpc::Call&, const plan::DeclareStepRequest& request,
                           plan::DeclareStepResponse&) override {
    base::MutexLock lock(mutex);
    if (away) return Away();
    const type::v1::SignedApproval& approval = request.approval();
    EXPECT_TRUE(access->Verifies(approval));
    EXPECT_TRUE(manifest.ParseFromString(approval.manifest()));
    const auto& content = request.content();
    EXPECT_EQ(content::DigestOf(content.sms_body(), content.email_subject(), content.email_body()),
              manifest.templates(0).digest());
    const bool another = step.campaign() != request.campaign();
    if (declared && !another && step.SerializeAsString() != request.SerializeAsString()) {
      return base::MakeError(absl::StatusCode::kAborted, "STEP_DIFFERS", "Another body.");
    }
    declared = true;
    step = request;
    return absl::OkStatus();
  }
  absl::Status PlanIntents(rpc::Call&, const plan::PlanIntentsRequest& request,
                           plan::PlanIntentsResponse& response) override {
    if (const auto slow = SlowPage()) slow();
    base::MutexLock lock(mutex);
    page_order.push_back(request.campaign());
    if (away || !declared) return Away();
    EXPECT_LT(request.page(), manifest.member_pages_size());
    EXPECT_EQ(PageDigest(request.members()), manifest.member_pages(request.page()))
        << "page " << request.page();
    for (const auto& member : request.members()) {
      if (intents.insert(member.person()).second)
        response.set_written(response.written() + 1);
      else
        response.set_existing(response.existing() + 1);
    }
    pages += 1;
    existing += response.existing();
    return pages == lose_answer_of_page ? Away() : absl::OkStatus();
  }
  absl::Status SteerCampaign(rpc::Call&, const plan::SteerCampaignRequest& request,
                             plan::SteerCampaignResponse& response) override {
    if (const auto slow = SlowWord(request.steering())) slow();
    base::MutexLock lock(mutex);
    if (away) return Away();
    if (!declared)
      return base::MakeError(absl::StatusCode::kNotFound, "CAMPAIGN_NOT_PLANNED", "Not declared.");
    steering = request.steering();
    revision = request.revision();
    halts += steering == plan::HALT ? 1 : 0;
    if (request.go_on()) {
      EXPECT_EQ(steering, plan::GO);
      went_on += 1;
      held.clear();
    }
    response.set_left(left);
    response.set_not_sent(static_cast<int64_t>(intents.size()) - left);
    return absl::OkStatus();
  }
  absl::Status GetTally(rpc::Call&, const dispatch::v1::GetTallyRequest&,
                        dispatch::v1::Tally& response) override {
    base::MutexLock lock(mutex);
    if (away) return Away();
    const auto all = static_cast<int64_t>(intents.size());
    response.set_intents(all);
    response.set_planned(declared && all == manifest.members());
    response.set_delivered(delivering && steering == plan::GO ? all : left);
    response.set_pending(all - response.delivered());
    (*response.mutable_accepted_by_channel())["CHANNEL_SMS"] = response.delivered();
    response.set_held(held);
    response.set_complained(3);
    response.set_parts(2 * response.delivered());
    response.set_cost_micropounds(22'700 * response.parts());
    response.set_followed(2);
    (*response.mutable_followed_by_link())["1/2"] = 2;
    return absl::OkStatus();
  }

  base::Mutex mutex;
  bool away = false, declared = false, delivering = true;
  int pages = 0, lose_answer_of_page = 0, halts = 0, went_on = 0;
  std::string held;                           // why nothing leaves
  std::function<void()> before_answer_to_go;  // once
  std::function<void()> before_page;          // once
  std::vector<std::string> page_order;        // whose pages came
  uint64_t revision = 0;                      // of the last word
  int64_t left = 0, existing = 0;
  const Access* access = nullptr;
  plan::DeclareStepRequest step;
  type::v1::CampaignManifest manifest;
  plan::Steering steering = plan::STEERING_UNSPECIFIED;
  std::set<std::string> intents;

 private:
  std::function<void()> SlowPage() {
    base::MutexLock lock(mutex);
    return std::exchange(before_page, nullptr);
  }
  std::function<void()> SlowWord(plan::Steering said) {
    base::MutexLock lock(mutex);
    return said == plan::GO ? std::exchange(before_answer_to_go, nullptr) : nullptr;
  }
};

}  // namespace pharos::campaign
