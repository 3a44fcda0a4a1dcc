#include "services/customer/sync_item.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/customer/agreement.h"
#include "services/customer/keys.h"

namespace pharos::customer {

using v1::SyncResult;

namespace {

struct Advice {
  std::string_view reason, words;
};
constexpr Advice kAdvice[] = {
    {"RECORD_ID_WRONG",
     "a record id is 1 to 128 characters of A-Z, a-z, 0-9, '.', '_', '~' and '-'; correct it"},
    {"CHANGE_MISSING", "say what happened to the record: upsert or delete"},
    {"ITEM_TOO_LARGE",
     "the item has more than 64 KiB, 64 fields, 64 consents or 8 facts; send what belongs to one contact"},
    {"FIELD_NOT_AGREED", "the agreement does not let you bring this field; leave it out"},
    {"FIELD_TOO_LONG", "a field has at most 4,096 bytes and a wording 1,000; shorten it"},
    {"DATE_WRONG", "times are microseconds since 1970 and lie in the past; 0 if it is not known"},
    {"CONSENT_WRONG", "a consent needs a purpose and one of GRANTED, WITHDRAWN, OBJECTED_TO"},
    {"FACT_UNKNOWN", "facts are deceased, paused and sensitive"},
    {"PURPOSE_UNKNOWN", "there is no such purpose; list the purposes"},
    {"PURPOSE_NOT_AGREED",
     "the agreement does not let you speak of consent for this purpose; send what the person said to the "
     "body itself"},
    {"RECORD_ERASED",
     "the person asked to be erased; stop sending this record. What it withdraws was taken all the same"},
    {"OPT_OUT_STANDS",
     "an opt-out stands that this grant does not undo: the grant is kept and opens nothing until the person "
     "says otherwise "
     "to us directly"},
    {"CORRECTION_STANDS",
     "a steward has corrected this field: your value is kept and does not show; check yours"},
    {"PURPOSE_RETIRED", "nothing new is granted for this purpose any more; the rest was stored"},
    {"GRANT_FROM_THE_FUTURE",
     "this grant is dated ahead of our clock: check the clock and the time zone of your system; the rest was "
     "stored"},
    {"GRANT_WITHOUT_ADDRESS",
     "a grant for a channel needs an address of it that can be read; the rest was stored"},
    {"VALUE_UNREADABLE",
     "this value is kept as received but cannot be read, so that it is not used; correct it"},
};

std::string_view KindOfDate(int64_t time, int64_t now) {
  return time < 0 || time > now + kMostAheadMicros ? "DATE_WRONG" : "";
}

class ItemReader {
 public:
  ItemReader(const v1::SyncItem& item, const SyncTerms& terms) : item_(item), terms_(terms) {}

  SyncReading Read() {
    read_.result.set_cursor(item_.cursor());
    if (!Check()) return std::move(read_);
    auto& row = read_.change.row;
    row.set_name(RecordName(terms_.source_id, item_.record_id()));
    row.set_update_time_us(item_.update_time_us());
    if (item_.has_delete_()) {
      read_.change.kind = RecordChange::kDelete;
      read_.refused = false;
    } else {
      read_.refused = !(Fields() && Facts() && Consents());
    }
    if (read_.refused) read_.change = {};
    return std::move(read_);
  }

 private:
  bool Refuse(std::string_view reason, std::string_view field = {}, std::string message = {}) {
    read_.result.set_outcome(SyncResult::REFUSED);
    read_.result.set_reason(std::string(reason));
    read_.result.set_message(message.empty() ? std::string(SyncAdvice(reason)) : std::move(message));
    read_.result.set_field(std::string(field));
    return false;
  }

  bool Check() {
    if (!IsRecordId(item_.record_id())) return Refuse("RECORD_ID_WRONG", "record_id");
    read_.result.set_record_id(item_.record_id());
    if (item_.change_case() == v1::SyncItem::CHANGE_NOT_SET) return Refuse("CHANGE_MISSING");
    const auto& upsert = item_.upsert();
    if (item_.ByteSizeLong() > kMostItemBytes || upsert.fields_size() > kMostItemFields ||
        upsert.consents_size() > kMostItemConsents || upsert.facts_size() > kMostItemFacts) {
      return Refuse("ITEM_TOO_LARGE");
    }
    const auto problem = KindOfDate(item_.update_time_us(), terms_.now);
    return problem.empty() || Refuse(problem, "update_time_us");
  }

  // Named in the order of their names, so that the same item always has the same answer.
  bool Fields() {
    std::map<std::string_view, const std::string*> fields;
    for (const auto& [field, value] : item_.upsert().fields()) fields.emplace(field, &value);
    for (const auto& [field, value] : fields) {
      if (!Field(std::string(field), *value)) return false;
    }
    return true;
  }

  bool Field(const std::string& field, const std::string& value) {
    if (!IsKnownField(field)) {
      const std::string nearest = base::Nearest(field, KnownFields());
      // What is no field may be anything: only what is nearest to it is said.
      return Refuse("FIELD_UNKNOWN", nearest,
                    nearest.empty()
                        ? "a field of this record is unknown; leave it out"
                        : fmt::format("a field of this record is unknown; did you mean \"{}\"?", nearest));
    }
    const bool agreed = terms_.agreement == nullptr || Lists(terms_.agreement->write_fields(), field);
    if (!agreed) return Refuse("FIELD_NOT_AGREED", field);
    if (value.size() > kLongestField) return Refuse("FIELD_TOO_LONG", field);
    if (!ReadField(read_.change.row, field, value)) NotePart("VALUE_UNREADABLE", field, read_.result);
    return true;
  }

  bool Facts() {
    for (const auto& fact : item_.upsert().facts()) {
      if (!ReadFact(read_.change.row, fact)) return Refuse("FACT_UNKNOWN", "facts");
    }
    return true;
  }

  bool Consents() {
    std::map<std::pair<std::string, int>, std::pair<const v1::SyncConsent*, SyncGrant>> last;
    for (const auto& consent : item_.upsert().consents()) {
      if (!Consent(consent, last)) return false;
    }
    for (auto& [key, said] : last) {
      if (said.first->kind() == type::v1::GRANTED) read_.grants.push_back(std::move(said.second));
    }
    return true;
  }

  bool Consent(const v1::SyncConsent& consent,
               std::map<std::pair<std::string, int>, std::pair<const v1::SyncConsent*, SyncGrant>>& last) {
    if (consent.kind() == type::v1::ENTRY_KIND_UNSPECIFIED || consent.purpose().empty())
      return Refuse("CONSENT_WRONG", "consents");
    const auto problem = KindOfDate(consent.event_time_us(), terms_.now);
    if (!problem.empty()) return Refuse(problem, "consents");
    if (consent.wording().size() > kLongestWording) return Refuse("FIELD_TOO_LONG", "consents");
    if (terms_.agreement != nullptr && !Lists(terms_.agreement->purposes(), consent.purpose()))
      return Refuse("PURPOSE_NOT_AGREED", "consents");
    const PurposeState state = terms_.purpose(consent.purpose());
    if (state == PurposeState::kUnknown) return Refuse("PURPOSE_UNKNOWN", "consents");
    if (state == PurposeState::kRetired && consent.kind() == type::v1::GRANTED) {
      NotePart("PURPOSE_RETIRED", "consents", read_.result);
      return true;
    }
    if (consent.kind() == type::v1::GRANTED && consent.event_time_us() > terms_.now + kMostGrantAheadMicros) {
      NotePart("GRANT_FROM_THE_FUTURE", "consents", read_.result);
      return true;
    }
    auto& row = read_.change.row;
    const auto said = ReadConsent(row, consent.kind(), consent.channel(), consent.event_time_us());
    if (!said) {
      NotePart("GRANT_WITHOUT_ADDRESS", "consents", read_.result);
      return true;
    }
    const EntryOrigin origin{consent.purpose(), "sync", consent.wording(), terms_.principal, terms_.now};
    read_.change.entries.push_back(MakeEntry(row.name(), *said, origin, terms_.index));
    Note(consent, read_.change.entries.back().gate(), last[{consent.purpose(), consent.channel()}]);
    return true;
  }

  // The latest word counts; of the same time, the opt-out.
  void Note(const v1::SyncConsent& consent, const type::v1::GateEntry& entry,
            std::pair<const v1::SyncConsent*, SyncGrant>& last) const {
    const int64_t time = entry.event_time_us();
    const int64_t before = last.first == nullptr
                               ? -1
                               : EffectiveTime(last.first->kind(), last.first->event_time_us(), terms_.now);
    const bool later = time > before || (time == before && consent.kind() != type::v1::GRANTED);
    if (later) last = {&consent, {consent.purpose(), consent.channel(), entry.endpoint()}};
  }

  const v1::SyncItem& item_;
  const SyncTerms& terms_;
  SyncReading read_;
};

void NoteRefusal(const absl::Status& refused, SyncResult& result) {
  const std::string reason = base::ReasonOf(refused);
  result.set_reason(reason);
  result.set_message(std::string(SyncAdvice(reason)));
  result.clear_field();
}

}  // namespace

std::string_view SyncAdvice(std::string_view reason) {
  const auto* found = std::find_if(std::begin(kAdvice), std::end(kAdvice),
                                   [&](const Advice& a) { return a.reason == reason; });
  return found == std::end(kAdvice) ? "correct the record and send it again" : found->words;
}

void NotePart(std::string_view reason, std::string_view field, SyncResult& result) {
  if (!result.reason().empty() && reason != "OPT_OUT_STANDS") return;
  result.set_reason(std::string(reason));
  result.set_message(std::string(SyncAdvice(reason)));
  result.set_field(std::string(field));
}

void SetOutcome(const RecordResult& stored, SyncResult& result) {
  result.set_person(stored.person);
  switch (stored.outcome) {
    case RecordOutcome::kStored:
      if (!stored.status.ok()) NoteRefusal(stored.status, result);
      result.set_outcome(result.reason().empty() ? SyncResult::STORED : SyncResult::STORED_IN_PART);
      return;
    case RecordOutcome::kUnchanged:
      result.set_outcome(SyncResult::UNCHANGED);
      return;
    case RecordOutcome::kDeleted:
      result.set_outcome(SyncResult::DELETED);
      return;
    case RecordOutcome::kRefused:
      break;
  }
  result.clear_person();
  result.set_outcome(SyncResult::REFUSED);
  NoteRefusal(stored.status, result);
}

SyncReading ReadItem(const v1::SyncItem& item, const SyncTerms& terms) {
  return ItemReader(item, terms).Read();
}

}  // namespace pharos::customer
