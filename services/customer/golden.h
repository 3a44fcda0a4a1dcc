// The single customer view of one person, derived from its records. Pure: the same records give the same
// person in any order.
//
// For each field the first of these that decides (the rule is named with the value):
//   0. a contact value that bounced or is suppressed loses, whatever its rank   "suppressed"
//   1. a steward's correction (source `stewards`)                               "steward"
//   2. verified by its source, or an endpoint that has been confirmed           "verified"
//   3. trust in the source for this field; for preferred name and language what the
//      person told us themselves                                                "trust 80"
//   4. the time when it was said                                                "latest"
//   5. how many independent sources say the same                                "2 sources agree"
//   6. a whole value over a part or a stand-in (an initial, a role mailbox)     "more complete"
//   7. the record's name                                                        "first by name"
// The postal address is one unit: all its lines come from one record. Interests are the union.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pharos/record/v1/customer.pb.h"

namespace pharos::customer {

// Row of a source by its id; nullptr: not registered (trust 0, no capacity).
using SourceLookup = std::function<const record::v1::SourceRow*(std::string_view source_id)>;
// Blind index of an address.
using EndpointIndex = std::function<std::string(type::v1::Channel channel, std::string_view address)>;

// Everything but version and former_names. Not to be called without records. What is known of endpoints
// besides records does not count here, as it changes without them: the gate looks at it each time, and so
// does RankFields.
record::v1::PersonRow BuildPerson(std::string_view person,
                                  const std::vector<const record::v1::RecordRow*>& records,
                                  const SourceLookup& source, const EndpointIndex& index);

// The part of a person that needs no personal value, from the same records and those that are gone (deleted,
// erased): record names, entries, deceased, paused, sensitive, erased, time. What stood there is replaced. Of
// those gone, withdrawals and facts count, grants do not.
void SetFacts(record::v1::PersonRow& person, const std::vector<const record::v1::RecordRow*>& records);

// Adds an entry to a row's entries, which hold only what the gate needs: per (record, scope, endpoint,
// channel, purpose, direct) the latest; at the same time an opt-out wins. False: it changes nothing (known
// already, overtaken, or a LIFTED, which is for the ledger only).
bool AddEntry(google::protobuf::RepeatedPtrField<type::v1::GateEntry>& entries,
              const type::v1::GateEntry& entry);
// The entry of that key, or nullptr.
const type::v1::GateEntry* FindEntry(const google::protobuf::RepeatedPtrField<type::v1::GateEntry>& entries,
                                     const type::v1::GateEntry& like);

// What is known of an address besides what records say.
struct AddressStanding {
  bool confirmed = false;  // somebody answered from there
  bool suppressed = false;
};
using AddressStandings = std::function<AddressStanding(type::v1::Channel channel, std::string_view address)>;

// One value of a field, from the record of highest rank that gives it.
struct RankedValue {
  std::string value;
  const record::v1::RecordRow* record = nullptr;
  bool verified = false;
  std::string rule;  // of the first: why it won; of the others: what put them behind the one before
};
struct RankedField {
  std::string field;
  std::vector<RankedValue> values;  // best first, each value once
};
// Every value that a record gives, in the order of the fields of BuildPerson. Where the address that won
// lacks a line that others have, the first value is empty.
std::vector<RankedField> RankFields(const std::vector<const record::v1::RecordRow*>& records,
                                    const SourceLookup& source, const AddressStandings& standing);

// Fields that a golden record may have.
bool IsGoldenField(std::string_view field);
// Lines of the postal address.
bool IsAddressLine(std::string_view field);
// Where somebody can be reached or found: what is not shown of a sensitive person.
bool IsContactField(std::string_view field);

}  // namespace pharos::customer
