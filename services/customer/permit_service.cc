#include "services/customer/permit_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"
#include "services/customer/nation.h"
#include "services/customer/opt_out_store.h"
#include "services/customer/purpose_store.h"
#include "services/rpc/audit.h"
#include "services/rpc/once.h"
#include "storage/envelope.h"

namespace pharos::customer {

using internal::v1::Grant;
using internal::v1::IssuePermitsRequest;
using internal::v1::IssuePermitsResponse;
using internal::v1::PermitAnswer;
using internal::v1::PermitRequest;
using record::v1::PersonEndpointRow;
using record::v1::PersonRow;

namespace {

constexpr size_t kIdBytes = 16;
constexpr char kMeasurement[] = "purposes/measurement";  // as Grant.measured says
// An id whose first request was denied while a repeat of it waited is looked at anew; each round needs
// another request to race.
constexpr int kMostRounds = 4;

absl::Status PermitsFull() {
  return base::MakeError(
      absl::StatusCode::kResourceExhausted, "PERMITS_FULL",
      fmt::format("more than {} permits are out; release those whose outcome is durable, then ask again",
                  PermitTable::kMostPermits));
}

absl::Status PermitContested() {
  return base::MakeError(absl::StatusCode::kAborted, "PERMIT_CONTESTED",
                         "the same permit id is asked for by several calls at once; ask with a new id");
}

absl::Status CheckRequest(const PermitRequest& wanted, int index) {
  if (wanted.id().size() != kIdBytes)
    return errors::FieldMissing(fmt::format("requests[{}].id", index), "16 bytes");
  if (wanted.endpoint().size() != kIdBytes) {
    return errors::FieldMissing(fmt::format("requests[{}].endpoint", index),
                                "16 bytes: the endpoint's blind index");
  }
  if (wanted.purpose().empty() && wanted.confirmation_of().empty()) {
    return errors::FieldMissing(fmt::format("requests[{}].purpose", index), "purposes/{purpose}");
  }
  return absl::OkStatus();
}

const PersonEndpointRow* FindEndpoint(const PersonRow& person, const PermitRequest& wanted) {
  for (const auto& endpoint : person.endpoints()) {
    if (endpoint.endpoint() == wanted.endpoint() && endpoint.channel() == wanted.channel()) return &endpoint;
  }
  return nullptr;
}

// PersonStore::FactsOf for one endpoint.
type::v1::GateFacts TakeFacts(PersonRow& person) {
  type::v1::GateFacts facts;
  facts.set_deceased(person.deceased());
  facts.set_paused(person.paused());
  facts.mutable_entries()->Swap(person.mutable_entries());
  return facts;
}
type::v1::GateEndpoint TakeEndpoint(record::v1::EndpointRow& row, const std::string& id,
                                    type::v1::Channel channel) {
  type::v1::GateEndpoint endpoint;
  endpoint.set_endpoint(id);
  endpoint.set_channel(channel);
  endpoint.set_suppressed(row.suppressed());
  endpoint.mutable_entries()->Swap(row.mutable_entries());
  return endpoint;
}

void WriteGrant(PersonRow& person, const std::string& address, const IssuePermitsRequest& request,
                Grant& grant) {
  grant.set_person(person.name());
  grant.mutable_former_names()->Swap(person.mutable_former_names());
  grant.set_address(address);
  for (const auto& row : person.fields()) {
    if (row.field() == "postcode") grant.set_nation(NationOf(row.value()));
    const bool asked =
        std::find(request.fields().begin(), request.fields().end(), row.field()) != request.fields().end();
    if (asked) (*grant.mutable_fields())[row.field()] = row.value();
  }
}

bool IsFresh(PermitTable::Registration::Kind kind) {
  return kind == PermitTable::Registration::kFresh;
}

}  // namespace

absl::Status PermitService::IssuePermits(rpc::Call& call, const IssuePermitsRequest& request,
                                         IssuePermitsResponse& response) {
  for (int i = 0; i < request.requests_size(); ++i)
    PHAROS_RETURN_IF_ERROR(CheckRequest(request.requests(i), i));
  std::vector<Item> items;
  items.reserve(static_cast<size_t>(request.requests_size()));
  for (const auto& wanted : request.requests()) {
    items.push_back({&wanted, permits_.Register(wanted.id(), wanted.person(), wanted.endpoint())});
  }
  const absl::Status status = LookAtAll(call, request, items, response);
  if (status.ok()) return status;
  // Nothing of this call is answered. What was settled may have been answered to a repeat: that runs out by
  // itself.
  for (const auto& item : items) {
    if (IsFresh(item.registered.kind) && !item.settled) {
      permits_.Remove(item.wanted->id(), item.registered.ticket);
    }
  }
  return status;
}

absl::Status PermitService::LookAtAll(const rpc::Call& call, const IssuePermitsRequest& request,
                                      std::vector<Item>& items, IssuePermitsResponse& response) {
  // Taken after every id of the call is in the table: an opt-out that this state lacks will wait for all of
  // them.
  const std::unique_ptr<storage::View> view = store_.Read();
  PHAROS_RETURN_IF_ERROR(UseConfirmations(items));
  for (const auto& item : items) {
    if (item.registered.kind == PermitTable::Registration::kFull) return PermitsFull();
    response.add_answers()->set_id(item.wanted->id());
  }
  PHAROS_RETURN_IF_ERROR(AnswerFresh(call, *view, request, items, response));
  // Repeats last: two calls that repeat each other's ids do not wait for one another.
  std::vector<std::string> repeated;
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].registered.kind != PermitTable::Registration::kRepeat) continue;
    PHAROS_RETURN_IF_ERROR(AnswerRepeat(call, request, items, i, response));
    const PermitAnswer& answer = response.answers(static_cast<int>(i));
    const bool answered_before = items[i].registered.kind == PermitTable::Registration::kRepeat;
    if (answered_before && answer.has_granted()) repeated.push_back(answer.granted().person());
  }
  return Audit(call, repeated);
}

absl::Status PermitService::AnswerFresh(const rpc::Call& call, const storage::View& view,
                                        const IssuePermitsRequest& request, std::vector<Item>& items,
                                        IssuePermitsResponse& response) {
  Purposes purposes;
  std::vector<Allowed> allowed;
  const auto is_due = [&](const Item& item) { return IsFresh(item.registered.kind) && !item.settled; };
  for (size_t i = 0; i < items.size(); ++i) {
    if (!is_due(items[i])) continue;
    PHAROS_ASSIGN_OR_RETURN(std::optional<PersonRow> person,
                            Look(view, items[i], purposes, *response.mutable_answers(static_cast<int>(i))));
    if (person) allowed.push_back({i, *std::move(person)});
  }
  PHAROS_RETURN_IF_ERROR(WriteGrants(request, allowed, response));
  std::vector<std::string> people;
  for (const auto& one : allowed) people.push_back(one.person.name());
  PHAROS_RETURN_IF_ERROR(Audit(call, people));
  for (size_t i = 0; i < items.size(); ++i) {
    if (!is_due(items[i])) continue;
    const PermitAnswer& answer = response.answers(static_cast<int>(i));
    items[i].settled = true;
    if (answer.has_granted()) {
      permits_.Settle(answer.id(), items[i].registered.ticket, answer);
    } else {
      permits_.Remove(answer.id(), items[i].registered.ticket);
    }
  }
  return absl::OkStatus();
}

absl::Status PermitService::AnswerRepeat(const rpc::Call& call, const IssuePermitsRequest& request,
                                         std::vector<Item>& items, size_t index,
                                         IssuePermitsResponse& response) {
  Item& item = items[index];
  PermitAnswer& answer = *response.mutable_answers(static_cast<int>(index));
  for (size_t i = 0; i < index; ++i) {  // the same id twice in one call
    if (response.answers(static_cast<int>(i)).id() == answer.id()) {
      answer = response.answers(static_cast<int>(i));
      return absl::OkStatus();
    }
  }
  for (int round = 0; round < kMostRounds; ++round) {
    if (std::optional<PermitAnswer> earlier = permits_.AwaitAnswer(answer.id())) {
      answer = *std::move(earlier);
      return absl::OkStatus();
    }
    item.registered = permits_.Register(item.wanted->id(), item.wanted->person(), item.wanted->endpoint());
    if (item.registered.kind == PermitTable::Registration::kFull) return PermitsFull();
    if (IsFresh(item.registered.kind)) {
      PHAROS_RETURN_IF_ERROR(UseConfirmations({&item, 1}));
      return AnswerFresh(call, *store_.Read(), request, items, response);
    }
  }
  return PermitContested();
}

absl::StatusOr<std::optional<PersonRow>> PermitService::LookAtHolders(const storage::View& view,
                                                                      const Item& item, Purposes& purposes,
                                                                      PermitAnswer& answer) {
  PHAROS_ASSIGN_OR_RETURN(const std::vector<std::string> holders,
                          people_.PeopleAt(view, item.wanted->endpoint()));
  PermitRequest wanted = *item.wanted;
  wanted.clear_whoever();
  const Item one{&wanted, item.registered};
  // Nobody has it: what stands on the endpoint itself may still be the stronger reason.
  if (holders.empty()) return Look(view, one, purposes, answer);
  std::optional<PersonRow> chosen;
  bool denied = false;
  for (const std::string& holder : holders) {
    PermitAnswer verdict;
    wanted.set_person(holder);
    PHAROS_ASSIGN_OR_RETURN(std::optional<PersonRow> person, Look(view, one, purposes, verdict));
    if (!person) {
      answer.set_denied(denied ? std::min(answer.denied(), verdict.denied()) : verdict.denied());
      denied = true;
    } else if (!chosen || holder == item.wanted->person()) {
      chosen = std::move(person);
    }
  }
  if (denied) return std::nullopt;
  return chosen;
}

absl::StatusOr<std::optional<PersonRow>> PermitService::Look(const storage::View& view, const Item& item,
                                                             Purposes& purposes, PermitAnswer& answer) {
  if (item.wanted->whoever()) return LookAtHolders(view, item, purposes, answer);
  const PermitRequest& wanted = *item.wanted;
  const bool confirmation = !wanted.confirmation_of().empty();
  PHAROS_ASSIGN_OR_RETURN(std::optional<PersonRow> person, people_.Load(view, wanted.person()));
  if (confirmation && (!person || FindEndpoint(*person, wanted) == nullptr)) {
    PHAROS_ASSIGN_OR_RETURN(person, WhoseConfirmation(view, wanted));
  }
  if (!person) {
    answer.set_denied(type::v1::NO_ENDPOINT);
    return std::nullopt;
  }
  const type::v1::GateFacts facts = TakeFacts(*person);
  PHAROS_ASSIGN_OR_RETURN(record::v1::EndpointRow row, people_.LoadEndpoint(view, wanted.endpoint()));
  const type::v1::GateEndpoint endpoint = TakeEndpoint(row, wanted.endpoint(), wanted.channel());

  PHAROS_ASSIGN_OR_RETURN(gate::Verdict verdict, Judge(view, wanted, facts, endpoint, purposes));
  const bool held = FindEndpoint(*person, wanted) != nullptr;
  if (verdict.reason == type::v1::ALLOW && !held) verdict.reason = type::v1::NO_ENDPOINT;
  if (verdict.reason == type::v1::ALLOW && confirmation && !item.exempt) verdict.reason = type::v1::OPTED_OUT;
  if (verdict.reason != type::v1::ALLOW) {
    answer.set_denied(verdict.reason);
    return std::nullopt;
  }
  if (wanted.measure()) {
    PHAROS_ASSIGN_OR_RETURN(const bool measured,
                            IsMeasured(view, wanted.channel(), facts, endpoint, purposes));
    answer.mutable_granted()->set_measured(measured);
  }
  return person;
}

absl::Status PermitService::WriteGrants(const IssuePermitsRequest& request, std::vector<Allowed>& allowed,
                                        IssuePermitsResponse& response) {
  std::vector<PersonRow> people;
  for (auto& one : allowed) people.push_back(std::move(one.person));
  PHAROS_RETURN_IF_ERROR(people_.Open(people));
  std::vector<Allowed> granted;
  for (size_t i = 0; i < allowed.size(); ++i) {
    const int index = static_cast<int>(allowed[i].index);
    const std::string address = FindEndpoint(people[i], request.requests(index))->address();
    PermitAnswer& answer = *response.mutable_answers(index);
    if (address.empty()) {  // the record that gave it has been erased
      answer.set_denied(type::v1::NO_ENDPOINT);
      continue;
    }
    WriteGrant(people[i], address, request, *answer.mutable_granted());
    granted.push_back({allowed[i].index, std::move(people[i])});
  }
  allowed = std::move(granted);
  return absl::OkStatus();
}

// Durable before the answer: who may write to whom, and that their data went out.
absl::Status PermitService::Audit(const rpc::Call& call, const std::vector<std::string>& people) {
  if (people.empty()) return absl::OkStatus();
  return rpc::AuditRead(call, store_, "permits.issued", people, clock_.WallMicros());
}

// A confirmation answers whoever wrote from the endpoint: if the person planned for no longer has it,
// somebody who does.
absl::StatusOr<std::optional<PersonRow>> PermitService::WhoseConfirmation(const storage::View& view,
                                                                          const PermitRequest& wanted) {
  PHAROS_ASSIGN_OR_RETURN(const std::vector<std::string> holders, people_.PeopleAt(view, wanted.endpoint()));
  if (holders.empty()) return std::nullopt;
  return people_.Load(view, holders.front());
}

absl::StatusOr<gate::Verdict> PermitService::Judge(const storage::View& view, const PermitRequest& wanted,
                                                   const type::v1::GateFacts& facts,
                                                   const type::v1::GateEndpoint& endpoint,
                                                   Purposes& purposes) {
  if (!wanted.confirmation_of().empty()) return gate::JudgeConfirmation(facts, wanted.channel(), &endpoint);
  PHAROS_ASSIGN_OR_RETURN(const record::v1::PurposeRow* purpose, PurposeOf(view, wanted.purpose(), purposes));
  gate::Verdict verdict;
  if (purpose == nullptr) {
    verdict.reason = type::v1::NO_CONSENT;  // nobody agreed to what is not registered
    return verdict;
  }
  // Retired meanwhile: no rule of the gate says so, none is asked, and the reason stays unspecified. What is
  // planned already is withheld.
  if (purpose->retire_time_us() != 0) return verdict;
  return gate::Judge(facts, GatePurpose(*purpose), wanted.channel(), &endpoint);
}

absl::StatusOr<const record::v1::PurposeRow*> PermitService::PurposeOf(const storage::View& view,
                                                                       const std::string& name,
                                                                       Purposes& purposes) const {
  const auto [known, missing] = purposes.try_emplace(name);
  if (missing) {
    PHAROS_ASSIGN_OR_RETURN(known->second, LoadPurpose(view, name));
  }
  return known->second ? &*known->second : nullptr;
}

absl::StatusOr<bool> PermitService::IsMeasured(const storage::View& view, type::v1::Channel channel,
                                               const type::v1::GateFacts& facts,
                                               const type::v1::GateEndpoint& endpoint,
                                               Purposes& purposes) const {
  PHAROS_ASSIGN_OR_RETURN(const record::v1::PurposeRow* purpose, PurposeOf(view, kMeasurement, purposes));
  if (purpose == nullptr || purpose->retire_time_us() != 0) return false;
  // On any other basis the gate would not ask whether they agreed.
  if (purpose->lawful_basis() != type::v1::LAWFUL_BASIS_CONSENT) return false;
  return gate::Judge(facts, GatePurpose(*purpose), channel, &endpoint).reason == type::v1::ALLOW;
}

absl::Status PermitService::MayMeasure(rpc::Call&, const internal::v1::MayMeasureRequest& request,
                                       internal::v1::MayMeasureResponse& response) {
  if (request.endpoint().size() != kIdBytes)
    return errors::FieldMissing("endpoint", "16 bytes: the endpoint's blind index");
  const std::unique_ptr<storage::View> view = store_.Read();
  PHAROS_ASSIGN_OR_RETURN(std::optional<PersonRow> person, people_.Load(*view, request.person()));
  if (!person) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(record::v1::EndpointRow row, people_.LoadEndpoint(*view, request.endpoint()));
  const type::v1::GateEndpoint endpoint = TakeEndpoint(row, request.endpoint(), request.channel());
  Purposes purposes;
  PHAROS_ASSIGN_OR_RETURN(const bool measured,
                          IsMeasured(*view, request.channel(), TakeFacts(*person), endpoint, purposes));
  response.set_measured(measured);
  return absl::OkStatus();
}

// All the confirmations among the items, in one commit.
absl::Status PermitService::UseConfirmations(std::span<Item> items) {
  const auto is_confirmation = [](const Item& item) { return !item.wanted->confirmation_of().empty(); };
  if (std::none_of(items.begin(), items.end(), is_confirmation)) return absl::OkStatus();
  return store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    for (Item& item : items) {
      if (!is_confirmation(item)) continue;
      PHAROS_ASSIGN_OR_RETURN(item.exempt, UseConfirmation(tx, *item.wanted));
    }
    return absl::OkStatus();
  });
}

// Only the confirmation of an opt-out that changed something, to the endpoint it came from. That it is handed
// over once is dispatch's at-most-once: the confirmation is one intent, named after the opt-out. A second
// permit for it (the first one ran out before its hand-over began) is therefore allowed; the row says which
// attempt had the first one.
absl::StatusOr<bool> PermitService::UseConfirmation(storage::Transaction& tx, const PermitRequest& wanted) {
  PHAROS_ASSIGN_OR_RETURN(std::optional<record::v1::OptOutRow> row, LoadOptOut(tx, wanted.confirmation_of()));
  if (!row || !row->changed() || row->endpoint() != wanted.endpoint()) return false;
  PHAROS_ASSIGN_OR_RETURN(const std::optional<record::v1::LedgerRow> entry, LoadEntry(tx, row->entry()));
  if (!entry || entry->gate().kind() != type::v1::WITHDRAWN) return false;
  if (!row->confirmation().empty()) return true;
  row->set_confirmation(base::ToHex(wanted.id()));
  SaveOptOut(tx, *row);
  tx.AppendChange(
      rpc::ChangeByLoop("internal:permits", row->name(), "optOut.confirmed", 0, clock_.WallMicros()));
  return true;
}

absl::Status PermitService::ReleasePermits(rpc::Call& call,
                                           const internal::v1::ReleasePermitsRequest& request,
                                           internal::v1::ReleasePermitsResponse& response) {
  for (const auto& id : request.ids()) permits_.Release(id);
  return absl::OkStatus();
}

}  // namespace pharos::customer
