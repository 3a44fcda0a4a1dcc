#include "services/customer/sync_verdict.h"

#include <algorithm>
#include <span>

#include "services/base/errors.h"
#include "services/customer/golden.h"
#include "services/customer/purpose_store.h"
#include "services/customer/tables.h"
#include "services/gate/gate.h"
#include "storage/key_codec.h"

namespace pharos::customer {

namespace {

constexpr std::string_view kStewards = "stewards";
constexpr std::string_view kStewardRecords = "sources/stewards/records/";

bool IsOptOut(type::v1::GateReason reason) {
  return reason == type::v1::OPTED_OUT || reason == type::v1::OBJECTED;
}

const type::v1::GateEndpoint* FindEndpoint(const type::v1::GateFacts& facts, const std::string& endpoint) {
  for (const auto& each : facts.endpoints()) {
    if (each.endpoint() == endpoint) return &each;
  }
  return nullptr;
}

bool HasCorrections(const record::v1::PersonRow& person) {
  return std::any_of(person.records().begin(), person.records().end(), [](const std::string& record) {
    return std::string_view(record).starts_with(kStewardRecords);
  });
}

}  // namespace

bool OptOutStands(const type::v1::GateFacts& facts, const record::v1::PurposeRow& purpose,
                  const SyncGrant& grant) {
  const gate::Purpose judged = GatePurpose(purpose);
  if (grant.channel != type::v1::CHANNEL_UNSPECIFIED) {
    return IsOptOut(gate::Judge(facts, judged, grant.channel, FindEndpoint(facts, grant.endpoint)).reason);
  }
  return IsOptOut(gate::Choose(facts, judged, {type::v1::CHANNEL_SMS, type::v1::CHANNEL_EMAIL}).reason);
}

std::string CorrectedField(const record::v1::PersonRow& person, const record::v1::RecordRow& row) {
  std::string first;
  for (const auto& golden : person.fields()) {
    if (!std::string_view(golden.record()).starts_with(kStewardRecords)) continue;
    const auto said = row.clean().find(golden.field());
    if (said == row.clean().end() || said->second == golden.value()) continue;
    if (first.empty() || golden.field() < first) first = golden.field();
  }
  return first;
}

bool SyncVerdict::AnyCorrections(const storage::Store& store) {
  bool any = false;
  const storage::KeyRange range = storage::PrefixRange(storage::KeyWriter(kRecord).String(kStewards).str());
  const absl::Status status = store.Read()->Scan(range, [&](std::string_view, std::string_view) {
    any = true;
    return false;
  });
  return any || !status.ok();
}

absl::Status SyncVerdict::Note(const SyncReading& reading, v1::SyncResult& result) const {
  const bool corrections = corrections_ && !reading.change.row.clean().empty();
  if (result.person().empty() || (reading.grants.empty() && !corrections)) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(auto person, people_.Load(*view_, result.person()));
  if (!person) return absl::OkStatus();
  if (!reading.grants.empty()) {
    PHAROS_ASSIGN_OR_RETURN(type::v1::GateFacts facts, people_.FactsOf(*view_, *person));
    // In a dry run they are not there yet.
    for (const auto& entry : reading.change.entries) AddEntry(*facts.mutable_entries(), entry.gate());
    for (const auto& grant : reading.grants) {
      PHAROS_ASSIGN_OR_RETURN(const auto purpose, LoadPurpose(*view_, grant.purpose));
      if (purpose && OptOutStands(facts, *purpose, grant)) NotePart("OPT_OUT_STANDS", "consents", result);
    }
  }
  if (!corrections || !HasCorrections(*person)) return absl::OkStatus();
  PHAROS_RETURN_IF_ERROR(people_.Open(std::span(&*person, 1)));
  const std::string field = CorrectedField(*person, reading.change.row);
  if (!field.empty()) NotePart("CORRECTION_STANDS", field, result);
  return absl::OkStatus();
}

}  // namespace pharos::customer
