// What an agreement shows of one person. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pharos/customer/v1/sync_service.pb.h"
#include "pharos/record/v1/customer.pb.h"
#include "pharos/record/v1/sync.pb.h"

namespace pharos::customer {

// A person, and those of its records that are the partner's.
struct SharedPerson {
  record::v1::PersonRow person;
  std::vector<record::v1::RecordRow> records;  // there, not deleted, not erased
  std::vector<std::string> lost;               // the partner's, deleted or erased with this change
  bool gone = false;                           // was shown before, and is not any more
};

// Is it one of the agreement's sources' records?
bool IsShared(const record::v1::AgreementRow& agreement, std::string_view record);

// Agreed fields of one that is shown; only that it is gone, of one that is gone or restricted. `person` is
// open.
v1::PersonChange ShowChange(const record::v1::AgreementRow& agreement, const SharedPerson& shared);

// One state for each purpose and channel, over the endpoints (blind indexes) that the partner's own records
// give. `purposes`: those of the agreement that are registered.
std::vector<v1::ConsentState> ShowConsents(const SharedPerson& shared, type::v1::GateFacts facts,
                                           const std::set<std::string>& own_endpoints,
                                           const std::vector<record::v1::PurposeRow>& purposes);

// For what was erased or deleted: nobody may be contacted by it any more. A partner that follows consent
// alone hears of it here, and nowhere else.
std::vector<v1::ConsentState> ShowLost(const SharedPerson& shared,
                                       const std::vector<record::v1::PurposeRow>& purposes);

}  // namespace pharos::customer
