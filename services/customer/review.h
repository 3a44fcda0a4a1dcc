// Pairs of people who may be one: how a pair is named, what is shown of a comparison, and what became of a
// pair that does not stand any more. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "pharos/customer/v1/identity_service.pb.h"
#include "services/customer/identity/link_index.h"

namespace pharos::customer {

// "reviews/{review}" of two records: {source}.{length of record}.{record}.{source}.{record}, so that the name
// alone says whom it is about; "reviews/~{digest}" where that is longer than a name may be.
std::string ReviewName(std::string_view record_a, std::string_view record_b);
// The records that a name says; nullopt: it is a digest, or no such name.
std::optional<std::pair<std::string, std::string>> RecordsOfReview(std::string_view name);
// True for a name that has to be looked for among all reviews.
bool IsDigestOfReview(std::string_view name);

// Where a page of reviews ended.
struct ReviewPlace {
  int32_t weight = 0;
  std::string record_a, record_b;
};
std::string TokenOf(const ReviewPlace& place);
// INVALID_ARGUMENT (PAGE_TOKEN_WRONG).
absl::StatusOr<ReviewPlace> PlaceOf(const std::string& token);

// 1/1024 bit in bits.
inline double Bits(int32_t weight) {
  return weight / 1024.0;
}
// The comparison of two records without who they are: evidence in the order compared, weight, veto.
v1::LinkExplanation ShowExplanation(const identity::Explanation& explanation, const identity::Model& model);

// How two records of a review stand now.
struct ReviewStanding {
  bool known_a = false, known_b = false;  // the records are there
  bool linked = false;                    // and one person
  std::string decision;                   // "assertions/…" in force about the two; empty: none
  bool stands = false;                    // a review between their people is open
};
// FAILED_PRECONDITION (REVIEW_GONE) with what became of it, unless it stands.
absl::Status CheckStands(const ReviewStanding& standing);

}  // namespace pharos::customer
