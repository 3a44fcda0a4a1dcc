#include "services/customer/record_reading.h"

#include <algorithm>

#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/customer/clean.h"

namespace pharos::customer {

namespace {

bool Has(const std::vector<std::string>& sorted, std::string_view word) {
  return std::binary_search(sorted.begin(), sorted.end(), word, std::less<>());
}

// The field that holds a channel's address.
const char* AddressField(type::v1::Channel channel) {
  if (channel == type::v1::CHANNEL_SMS) return "phone";
  return channel == type::v1::CHANNEL_EMAIL ? "email" : "";
}

}  // namespace

const std::vector<std::string>& KnownFields() {
  static const auto* const known = new std::vector<std::string>{
      "area",      "date_of_birth", "email",       "family_name", "given_name", "house",
      "interests", "language",      "middle_name", "national_id", "nhs_number", "organisation",
      "phone",     "postcode",      "role",        "sex",         "street",     "town"};
  return *known;
}

bool IsKnownField(std::string_view field) {
  return Has(KnownFields(), field);
}

const std::vector<std::string>& KnownFacts() {
  static const auto* const known = new std::vector<std::string>{"deceased", "paused", "sensitive"};
  return *known;
}

bool IsReservedSource(std::string_view source_id) {
  return source_id == "direct" || source_id == "stewards";
}

bool ReadField(record::v1::RecordRow& row, const std::string& field, const std::string& typed) {
  if (base::TrimAscii(typed).empty()) return true;
  (*row.mutable_fields())[field] = typed;
  std::string clean = CleanField(field, typed);
  if (clean.empty()) return false;
  (*row.mutable_clean())[field] = std::move(clean);
  return true;
}

bool ReadFact(record::v1::RecordRow& row, std::string_view fact) {
  if (fact == "deceased") {
    row.set_deceased(true);
  } else if (fact == "paused") {
    row.set_paused(true);
  } else if (fact == "sensitive") {
    row.set_sensitive(true);
  } else {
    return false;
  }
  return true;
}

std::optional<RowConsent> ReadConsent(const record::v1::RecordRow& row, type::v1::EntryKind kind,
                                      type::v1::Channel channel, int64_t event_time_us) {
  RowConsent consent{kind, channel, {}, event_time_us};
  if (channel == type::v1::CHANNEL_UNSPECIFIED) return consent;
  const auto it = row.clean().find(AddressField(channel));
  if (it != row.clean().end()) consent.address = it->second;
  if (channel == type::v1::CHANNEL_SMS && !IsMobile(consent.address)) consent.address.clear();
  if (kind == type::v1::GRANTED && consent.address.empty()) return std::nullopt;
  return consent;
}

int64_t EffectiveTime(type::v1::EntryKind kind, int64_t said_us, int64_t now_us) {
  if (said_us == 0 && kind != type::v1::GRANTED) return now_us;
  return std::min(said_us, now_us);
}

record::v1::LedgerRow MakeEntry(const std::string& record, const RowConsent& consent,
                                const EntryOrigin& origin, const AddressIndex& index) {
  record::v1::LedgerRow entry;
  auto& gate = *entry.mutable_gate();
  gate.set_name("consentEntries/" + base::NewId(origin.now));
  gate.set_record(record);
  gate.set_kind(consent.kind);
  gate.set_scope(type::v1::SCOPE_PURPOSE);
  if (!consent.address.empty()) gate.set_endpoint(index(consent.channel, consent.address));
  gate.set_channel(consent.channel);
  gate.set_purpose(origin.purpose);
  gate.set_event_time_us(EffectiveTime(consent.kind, consent.event_time_us, origin.now));
  entry.add_subjects(record);
  entry.set_create_time_us(origin.now);
  entry.set_how(origin.how);
  entry.set_wording(origin.wording);
  entry.set_principal(origin.principal);
  return entry;
}

}  // namespace pharos::customer
