#include "services/customer/permit_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"
#include "services/customer/opt_out_store.h"
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

void FillFields(const PersonRow& person, const IssuePermitsRequest& request, Grant& grant) {
  for (const auto& row : person.fields()) {
    const bool asked =
        std::find(request.fields().begin(), request.fields().end(), row.field()) != request.fields().end();
    if (asked) (*grant.mutable_fields())[row.field()] = row.value();
  }
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
  const absl::Status status = LookAtAll(request, items, response);
  if (status.ok()) return status;
  // Nothing of this call is answered. What was settled may have been answered to a repeat: that runs out by
  // itself.
  for (const auto& item : items) {
    if (item.registered.kind == PermitTable::Registration::kFresh && !item.settled) {
      permits_.Remove(item.wanted->id(), item.registered.ticket);
    }
  }
  return status;
}

absl::Status PermitService::LookAtAll(const IssuePermitsRequest& request, std::vector<Item>& items,
                                      IssuePermitsResponse& response) {
  // Taken after every id of the call is in the table: an opt-out that this state lacks will wait for all of
  // them.
  const std::unique_ptr<storage::View> view = store_.Read();
  PHAROS_RETURN_IF_ERROR(UseConfirmations(items));
  for (auto& item : items) {
    PermitAnswer& answer = *response.add_answers();
    answer.set_id(item.wanted->id());
    if (item.registered.kind == PermitTable::Registration::kFull) return PermitsFull();
    if (item.registered.kind == PermitTable::Registration::kFresh) {
      PHAROS_RETURN_IF_ERROR(AnswerFresh(*view, request, item, answer));
    }
  }
  // Repeats last: two calls that repeat each other's ids do not wait for one another.
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].registered.kind == PermitTable::Registration::kRepeat) {
      PHAROS_RETURN_IF_ERROR(AnswerRepeat(request, items[i], static_cast<int>(i), response));
    }
  }
  return absl::OkStatus();
}

absl::Status PermitService::AnswerFresh(const storage::View& view, const IssuePermitsRequest& request,
                                        Item& item, PermitAnswer& answer) {
  PHAROS_RETURN_IF_ERROR(Look(view, item, request, answer));
  item.settled = true;
  if (answer.has_granted()) {
    permits_.Settle(item.wanted->id(), item.registered.ticket, answer);
  } else {
    permits_.Remove(item.wanted->id(), item.registered.ticket);
  }
  return absl::OkStatus();
}

absl::Status PermitService::AnswerRepeat(const IssuePermitsRequest& request, Item& item, int index,
                                         IssuePermitsResponse& response) {
  PermitAnswer& answer = *response.mutable_answers(index);
  for (int i = 0; i < index; ++i) {  // the same id twice in one call
    if (response.answers(i).id() == answer.id()) {
      answer = response.answers(i);
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
    if (item.registered.kind == PermitTable::Registration::kFresh) {
      PHAROS_RETURN_IF_ERROR(UseConfirmations({&item, 1}));
      return AnswerFresh(*store_.Read(), request, item, answer);
    }
  }
  return PermitContested();
}

absl::Status PermitService::Look(const storage::View& view, const Item& item,
                                 const IssuePermitsRequest& request, PermitAnswer& answer) {
  const PermitRequest& wanted = *item.wanted;
  const bool confirmation = !wanted.confirmation_of().empty();
  PHAROS_ASSIGN_OR_RETURN(std::optional<PersonRow> person, people_.Load(view, wanted.person()));
  if (confirmation && (!person || FindEndpoint(*person, wanted) == nullptr)) {
    PHAROS_ASSIGN_OR_RETURN(person, WhoseConfirmation(view, wanted));
  }
  if (!person) {
    answer.set_denied(type::v1::NO_ENDPOINT);
    return absl::OkStatus();
  }
  // PersonStore::FactsOf for this one endpoint.
  type::v1::GateFacts facts;
  facts.set_deceased(person->deceased());
  facts.set_paused(person->paused());
  facts.mutable_entries()->Swap(person->mutable_entries());
  PHAROS_ASSIGN_OR_RETURN(record::v1::EndpointRow row, people_.LoadEndpoint(view, wanted.endpoint()));
  type::v1::GateEndpoint endpoint;
  endpoint.set_endpoint(wanted.endpoint());
  endpoint.set_channel(wanted.channel());
  endpoint.set_suppressed(row.suppressed());
  endpoint.mutable_entries()->Swap(row.mutable_entries());

  PHAROS_ASSIGN_OR_RETURN(gate::Verdict verdict, Judge(view, wanted, facts, endpoint));
  const PersonEndpointRow* held = FindEndpoint(*person, wanted);
  if (verdict.reason == type::v1::ALLOW && held == nullptr) verdict.reason = type::v1::NO_ENDPOINT;
  if (verdict.reason == type::v1::ALLOW && confirmation && !item.exempt) verdict.reason = type::v1::OPTED_OUT;
  if (verdict.reason != type::v1::ALLOW) {
    answer.set_denied(verdict.reason);
    return absl::OkStatus();
  }
  Grant& grant = *answer.mutable_granted();
  grant.set_person(person->name());
  grant.mutable_former_names()->Swap(person->mutable_former_names());
  grant.set_address(held->address());
  FillFields(*person, request, grant);
  return absl::OkStatus();
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
                                                   const type::v1::GateEndpoint& endpoint) {
  if (!wanted.confirmation_of().empty()) return gate::JudgeConfirmation(facts, wanted.channel(), &endpoint);
  PHAROS_ASSIGN_OR_RETURN(const std::optional<gate::Purpose> purpose, PurposeOf(view, wanted.purpose()));
  if (purpose) return gate::Judge(facts, *purpose, wanted.channel(), &endpoint);
  gate::Verdict verdict;  // nobody agreed to what is not registered
  verdict.reason = type::v1::NO_CONSENT;
  return verdict;
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

absl::StatusOr<std::optional<gate::Purpose>> PermitService::PurposeOf(const storage::View& view,
                                                                      const std::string& name) {
  {
    base::MutexLock lock(mutex_);
    if (const auto known = purposes_.find(name); known != purposes_.end()) return known->second;
  }
  record::v1::PurposeRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(view, PurposeKey(name), row));
  if (!found) return std::nullopt;
  const gate::Purpose purpose{row.name(), row.purpose_class(), row.lawful_basis()};
  base::MutexLock lock(mutex_);
  purposes_.emplace(name, purpose);
  return purpose;
}

absl::Status PermitService::ReleasePermits(rpc::Call& call,
                                           const internal::v1::ReleasePermitsRequest& request,
                                           internal::v1::ReleasePermitsResponse& response) {
  for (const auto& id : request.ids()) permits_.Release(id);
  return absl::OkStatus();
}

}  // namespace pharos::customer
