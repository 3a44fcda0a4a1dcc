// People in words: fields, kinds, verdicts, consent, links. Pure.
#pragma once

#include <string>
#include <string_view>

#include "pharos/customer/v1/consent_service.pb.h"
#include "pharos/customer/v1/identity_service.pb.h"
#include "pharos/customer/v1/person_service.pb.h"
#include "services/edge/console/blocks.h"

namespace pharos::edge::console {

// "date_of_birth" → "Date of birth".
std::string FieldInWords(std::string_view field);
// A value as people write it: dates as "5 March 1980", NHS numbers in groups.
std::string ValueInWords(std::string_view field, std::string_view value);
// "sources/quit/records/q-17" → "quit, q-17".
std::string RecordInWords(std::string_view record);
// Last part of a name: its id.
std::string IdOf(std::string_view name);
// "23 November 2026 at 4:05pm"; "at an unknown time" for 0.
std::string MomentInWords(int64_t wall_us);

std::string ChannelInWords(type::v1::Channel channel);    // "text message"
std::string KindInWords(type::v1::AudienceKind kind);     // "Member of the public"
std::string VerdictInWords(type::v1::GateReason reason);  // "The person opted out."
std::string VerdictColour(type::v1::GateReason reason);
std::string SuppressionInWords(type::v1::SuppressionReason reason);
std::string TimelineKindInWords(customer::v1::TimelineKind kind);
// "Said yes to stop-smoking by text message".
std::string EntryInWords(const customer::v1::ConsentEntry& entry);
// Why two records are, or are not, one person: a row for each comparison with its bits and their running sum.
Table WaterfallOf(const customer::v1::LinkExplanation& explanation, std::string caption);
// "14.1 bits: enough to link without asking (from 13.3) …".
std::vector<std::string> WeightInWords(const customer::v1::LinkExplanation& explanation);

// What somebody typed into the one search box.
enum class SearchKind { kNothing, kPhone, kEmail, kNhsNumber, kRecord };
// "a@b" is an email address, "sources/…/records/…" (or "source/record") a record, ten digits that check as an
// NHS number and do not begin with 0 one, other digits a phone number.
SearchKind KindOfSearch(std::string_view typed);
// "quit/q-17" → "sources/quit/records/q-17".
std::string RecordName(std::string_view typed);

// The golden record's names: "Ann Lee"; "Person 01jd3v7m" if none is known.
std::string NameOfPerson(const customer::v1::Person& person);
// The cleaned value of a golden field; "" if there is none.
std::string ValueOf(const customer::v1::Person& person, std::string_view field);

}  // namespace pharos::edge::console
