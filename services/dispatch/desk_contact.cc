// Who has had what: one message of a step to a person and to an endpoint, and the caps over all campaigns.
#include <algorithm>

#include "services/base/log.h"
#include "services/dispatch/caps.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {

std::string Desk::PersonHash(const std::string& person) const {
  return reference_key_.Of("contact-person", person);
}

std::string Desk::WithholdFor(Turn& turn, const Step& step, const record::v1::IntentRow& intent,
                              const customer::internal::v1::Grant& grant, Contacts& contacts) {
  if (auto row = LoadRow<record::v1::ContactRow>(turn, EndpointContactKey(intent.endpoint())))
    contacts.endpoint = *std::move(row);
  if (PersonHasIt(turn, intent, grant)) return "DUPLICATE_PERSON";
  if (EndpointHasIt(turn, intent, contacts.endpoint)) return "DUPLICATE_ENDPOINT";
  const type::v1::PurposeClass purpose_class = step.manifest.purpose_class();
  if (intent.key().campaign() == kConfirmations || !IsCounted(purpose_class)) return "";
  if (settings_.caps.person_most > 0) {
    contacts.person_key = PersonContactKey(PersonHash(grant.person()));
    if (auto row = LoadRow<record::v1::ContactRow>(turn, contacts.person_key))
      contacts.person = *std::move(row);
  }
  const auto capped = [&](const record::v1::ContactRow& person) {
    return IsCapped(purpose_class, person, contacts.endpoint, settings_.caps, turn.now_us, &intent.key());
  };
  const bool linked = settings_.caps.person_most > 0 && !grant.former_names().empty();
  return capped(linked ? WithFormer(turn, grant, contacts.person) : contacts.person) ? "FREQUENCY_CAP" : "";
}

// What the person was sent by the names that were linked into theirs counts, too. It is not moved: a name
// that is unlinked again takes what is its own with it.
record::v1::ContactRow Desk::WithFormer(Turn& turn, const customer::internal::v1::Grant& grant,
                                        const record::v1::ContactRow& person) {
  record::v1::ContactRow all = person;
  for (const auto& name : grant.former_names()) {
    if (const auto row = LoadRow<record::v1::ContactRow>(turn, PersonContactKey(PersonHash(name))))
      AddEntriesOf(*row, all);
  }
  return all;
}

// Planned under another id that is the same person as linked now. Ids are never used again, so the intents
// themselves tell.
bool Desk::PersonHasIt(Turn& turn, const record::v1::IntentRow& intent,
                       const customer::internal::v1::Grant& grant) {
  if (grant.former_names().empty() && grant.person() == intent.key().person()) return false;
  std::vector<std::string> names(grant.former_names().begin(), grant.former_names().end());
  names.push_back(grant.person());
  record::v1::IntentKey other = intent.key();
  for (const auto& name : names) {
    if (name == intent.key().person()) continue;
    other.set_person(name);
    if (IsTaken(turn, other, intent.key())) return true;
  }
  return false;
}

bool Desk::EndpointHasIt(Turn& turn, const record::v1::IntentRow& intent,
                         const record::v1::ContactRow& endpoint) {
  const record::v1::IntentKey& key = intent.key();
  for (const auto& entry : endpoint.entries()) {
    const bool same_step = entry.key().campaign() == key.campaign() && entry.key().step() == key.step();
    if (same_step && IsTaken(turn, entry.key(), key)) return true;
  }
  if (!old_claims_) return false;
  const auto claim = LoadRow<record::v1::IntentKey>(turn, ClaimKey(key, EndpointClaim(intent.endpoint())));
  return claim && IsTaken(turn, *claim, key);
}

// By another intent whose message reached, or may have reached, the provider. A definite refusal does not
// count.
bool Desk::IsTaken(Turn& turn, const record::v1::IntentKey& claimant, const record::v1::IntentKey& by) {
  if (claimant.person() == by.person()) return false;
  const record::v1::IntentRow* row = intents_.Load(turn, claimant);
  if (row == nullptr) return false;
  const State state = StateOf(*row);
  const bool refused = state == State::kFailed && row->parts_size() == 0 && row->reason() != "PARTIAL";
  if (WasResent(*row)) return true;  // the attempt before may have reached them
  return state != State::kPending && state != State::kWithheld && !refused;
}

void Desk::NoteContact(Turn& turn, const Step& step, const record::v1::IntentRow& intent,
                       Contacts& contacts) {
  if (intent.key().campaign() == kConfirmations) return;  // nobody answers those, and no cap counts them
  const type::v1::PurposeClass purpose_class = step.manifest.purpose_class();
  const int64_t keep_us = KeepMicros(settings_.caps);
  const auto is_over = [&](const record::v1::IntentKey& key) {
    const Step* other = StepOf(turn, key);
    return other == nullptr || Expired(*other, turn.now_us) ||
           SteeringOf(turn, key.campaign()) == internal::v1::HALT ||
           intents_.Tally(turn, key.campaign()).pending() == 0;
  };
  int lost = AddContact(contacts.endpoint, intent.key(), purpose_class, turn.now_us, keep_us, is_over);
  storage::PutRecord(turn.tx, EndpointContactKey(intent.endpoint()), contacts.endpoint);
  if (!contacts.person_key.empty()) {
    lost += AddContact(contacts.person, intent.key(), purpose_class, turn.now_us, keep_us,
                       [](const record::v1::IntentKey&) { return true; });
    storage::PutRecord(turn.tx, contacts.person_key, contacts.person);
  }
  if (lost > 0) base::Log(base::LogLevel::kWarning, "dispatch.contacts_forgotten", {{"count", lost}});
}

// Nothing stands at the old endpoint any more: it is free for whoever shares it.
void Desk::FreeEndpoint(Turn& turn, const record::v1::IntentRow& intent) {
  auto row = LoadRow<record::v1::ContactRow>(turn, EndpointContactKey(intent.endpoint()));
  if (row && RemoveContact(*row, intent.key()))
    storage::PutRecord(turn.tx, EndpointContactKey(intent.endpoint()), *row);
  if (!old_claims_) return;
  const std::string claim = ClaimKey(intent.key(), EndpointClaim(intent.endpoint()));
  const auto claimant = LoadRow<record::v1::IntentKey>(turn, claim);
  if (claimant && claimant->person() == intent.key().person()) turn.tx.Delete(claim);
}

// Whose message a text from that endpoint answers.
std::optional<record::v1::IntentKey> Desk::LastTo(Turn& turn, const std::string& endpoint) {
  const auto row = LoadRow<record::v1::ContactRow>(turn, EndpointContactKey(endpoint));
  if (row && LastOf(*row) != nullptr) return LastOf(*row)->key();
  return LoadRow<record::v1::IntentKey>(turn, LastToKey(endpoint));
}

}  // namespace pharos::dispatch
