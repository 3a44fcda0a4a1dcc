// The order of the values that several records give for one field. Pure; the rules are in golden.h.
#pragma once

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "services/customer/golden.h"

namespace pharos::customer {

// Lines of a postal address, which are one unit.
inline constexpr std::array<std::string_view, 6> kAddressLines = {"house",  "street",   "town",
                                                                  "county", "postcode", "country"};
// What stands for the unit in a source's field_trust and verified_fields; "postcode" does, too.
inline constexpr std::string_view kAddress = "address";

struct Candidate {
  const record::v1::RecordRow* record = nullptr;
  std::string_view value;  // of an address: its postcode, or "" if it has none
  bool suppressed = false;
  bool steward = false;
  bool verified = false;
  int trust = 0;
  int agree = 1;         // sources that say the same; counted only where there is something to decide
  int completeness = 0;  // more is better; comparable within a field
};

class Ranking {
 public:
  // What it is given must outlive it. `standing` may be empty.
  Ranking(const std::vector<const record::v1::RecordRow*>& records, const SourceLookup& source,
          const AddressStandings& standing);

  // Best first.
  std::vector<Candidate> Of(std::string_view field) const;
  // Records that give a postal address, best first; one that says the same and more stands before its part.
  std::vector<Candidate> Addresses() const;
  std::set<int> AudienceKinds() const;

 private:
  Candidate Make(size_t at, std::string_view field) const;
  int Trust(size_t at, std::string_view field) const;
  bool Verified(size_t at, std::string_view field) const;
  void Sort(std::vector<Candidate>& candidates, bool addresses) const;
  void CountAgreement(std::vector<Candidate>& candidates, bool addresses) const;

  const std::vector<const record::v1::RecordRow*>& records_;
  const AddressStandings& standing_;
  std::vector<const record::v1::SourceRow*> sources_;
  std::vector<std::string> source_ids_;
};

// The cleaned value of a record; "" if it gives none.
std::string_view CleanValue(const record::v1::RecordRow& record, std::string_view field);
// What puts `a` before `b`.
std::string RuleBetween(const Candidate& a, const Candidate& b);

}  // namespace pharos::customer
