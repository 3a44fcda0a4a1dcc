// The single customer view of one person, derived from its records. Pure: the same records give the same
// person in any order. For each field the record of highest trust wins, then the latest, then the first by
// name. Interests are the union.
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

// Everything but version and former_names. Not to be called without records.
record::v1::PersonRow BuildPerson(std::string_view person,
                                  const std::vector<const record::v1::RecordRow*>& records,
                                  const SourceLookup& source, const EndpointIndex& index);

// The part of a person that needs no personal value, from the same records: record names, entries, deceased,
// paused, time. What stood there is replaced.
void SetFacts(record::v1::PersonRow& person, const std::vector<const record::v1::RecordRow*>& records);

// Adds an entry to a row's entries, which hold only what the gate needs: per (record, scope, endpoint,
// channel, purpose, direct) the latest; at the same time an opt-out wins. False: it changes nothing (known
// already, or overtaken).
bool AddEntry(google::protobuf::RepeatedPtrField<type::v1::GateEntry>& entries,
              const type::v1::GateEntry& entry);
// The entry of that key, or nullptr.
const type::v1::GateEntry* FindEntry(const google::protobuf::RepeatedPtrField<type::v1::GateEntry>& entries,
                                     const type::v1::GateEntry& like);

}  // namespace pharos::customer
