// Why two records are, or are not, one person, as lines: each comparison with the bits that it adds, their
// running sum, and where the sum lies between the thresholds.
#pragma once

#include <string>
#include <vector>

#include "pharos/customer/v1/identity_service.pb.h"

namespace pharos::cli {

// "+12.4", "-3.0".
std::string BitsText(double bits);
// Aligned: field, level, bits, sum.
std::vector<std::string> WaterfallLines(
    const google::protobuf::RepeatedPtrField<customer::v1::LinkEvidence>& evidence);
// "14.1 bits: links without asking (from 13.3); a person is asked from 3.3." and what else decides.
std::vector<std::string> VerdictLines(const customer::v1::LinkExplanation& explanation);

}  // namespace pharos::cli
