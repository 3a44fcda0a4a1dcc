// A partner's streams: a feed up, two feeds down.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "pharos/customer/v1/agreement_service.pb.h"
#include "pharos/customer/v1/sync_service.pb.h"
#include "tests/support/system.h"

namespace pharos::tests {

// What an agreement of the principal "partner" lets it do with sources/{id}: "agreements/{id}", for the
// story's purpose.
struct PartnerTerms {
  std::vector<std::string> write_fields = {"given_name", "family_name", "email", "phone"};
  std::vector<std::string> read_fields = {"given_name"};
};
void MakeAgreement(const System& system, const std::string& source_id, const PartnerTerms& terms = {});

customer::v1::SyncItem Upsert(const std::string& record, const std::map<std::string, std::string>& fields,
                              const std::string& cursor = "");
// Adds what the person said about SMS for the story's purpose.
customer::v1::SyncItem& Said(customer::v1::SyncItem& item, type::v1::EntryKind kind, int64_t time_us);

struct SyncAnswer {
  absl::Status status;
  std::vector<customer::v1::SyncResult> results;
};
// One stream from beginning to end, as `principal`.
SyncAnswer Sync(const System& system, const std::string& principal, const customer::v1::SyncHeader& header,
                const std::vector<customer::v1::SyncItem>& items);

// Follow until `enough` says so of a message, or the stream ends by itself: its status then, else OK.
absl::Status FollowChanges(const System& system, const std::string& principal, const std::string& agreement,
                           const std::function<bool(const customer::v1::FollowChangesResponse&)>& enough);
absl::Status FollowConsents(const System& system, const std::string& principal, const std::string& agreement,
                            const std::function<bool(const customer::v1::FollowConsentsResponse&)>& enough);

}  // namespace pharos::tests
