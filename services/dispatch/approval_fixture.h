// For tests: a key that signs approvals as access does, and the digests that a manifest holds.
#pragma once

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "pharos/dispatch/internal/v1/plan_service.pb.h"
#include "pharos/type/v1/manifest.pb.h"
#include "services/base/ids.h"
#include "services/content/digest.h"
#include "services/policy/snapshot.h"

namespace pharos::dispatch {

using Members = std::vector<internal::v1::PlannedMember>;

inline constexpr size_t kMembersAPage = 1000;
inline constexpr int64_t kApprovedAtMicros = 1'700'000'000'000'000;

// An Ed25519 key of the test's own.
class TestApprover {
 public:
  TestApprover() : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free) {
    size_t length = public_.size();
    EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<uint8_t*>(public_.data()), &length);
  }

  type::v1::SignedApproval Sign(const type::v1::CampaignManifest& manifest,
                                const std::string& approver = "principals/bob") const {
    type::v1::SignedApproval approval;
    approval.set_manifest(manifest.SerializeAsString());
    approval.set_approver(approver);
    approval.set_time_us(kApprovedAtMicros);
    approval.set_signature(
        SignatureOf(policy::ApprovalBytes(approval.manifest(), approval.approver(), approval.time_us())));
    return approval;
  }

  // What a process knows once it has heard of access.
  policy::Snapshot Snapshot(uint64_t version, bool live = false) const {
    policy::Snapshot snapshot;
    snapshot.version = version;
    snapshot.live = live;
    snapshot.approval_keys = {public_};
    return snapshot;
  }

 private:
  std::string SignatureOf(const std::string& bytes) const {
    std::string signature(64, '\0');
    size_t length = signature.size();
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get());
    EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()), &length,
                   reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    return signature;
  }

  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_;
  std::string public_ = std::string(32, '\0');
};

inline std::string PageDigestOf(const Members& members, size_t from) {
  std::string lines;
  for (size_t i = from; i < std::min(from + kMembersAPage, members.size()); ++i) {
    const auto& member = members[i];
    lines += fmt::format("{}\t{}\t{}", member.person(), static_cast<int>(member.channel()),
                         base::ToHex(member.endpoint()));
    for (const auto& other : member.alternatives())
      lines += fmt::format("\t{}\t{}", static_cast<int>(other.channel()), base::ToHex(other.endpoint()));
    lines += '\n';
  }
  return base::Sha256(lines);
}

// Fills in what the manifest says of these members and this text.
inline void Describe(type::v1::CampaignManifest& manifest, const std::string& step, const Members& members,
                     const internal::v1::StepContent& content) {
  manifest.set_members(static_cast<int64_t>(members.size()));
  manifest.clear_member_pages();
  for (size_t from = 0; from < members.size(); from += kMembersAPage)
    manifest.add_member_pages(PageDigestOf(members, from));
  manifest.clear_templates();
  auto* text = manifest.add_templates();
  text->set_step(step);
  text->set_template_("templates/quit");
  text->set_version(1);
  text->set_digest(content::DigestOf(content.sms_body(), content.email_subject(), content.email_body()));
}

}  // namespace pharos::dispatch
