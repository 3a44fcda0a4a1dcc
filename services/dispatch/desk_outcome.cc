// Outcomes: what became of what was handed over. They may come late, twice, and in any order.
#include <algorithm>

#include "services/base/crash_point.h"
#include "services/base/ids.h"
#include "services/base/log.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/mail_site.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

// A provider that says "not now" is left alone this long, twice as long each time, up to the most.
constexpr int64_t kLeastRetryMicros = 200'000;
constexpr int64_t kMostRetryMicros = 60'000'000;
constexpr int64_t kSiteHoldMicros = 30'000'000;  // a mail site that gives no time of its own

}  // namespace

void Desk::OnOutcomes(Turn& turn, const SessionPtr& session, const internal::v1::Outcomes& outcomes) {
  internal::v1::WorkResponse message;
  for (const auto& outcome : outcomes.outcomes()) {
    if (OnOutcome(turn, session, outcome)) message.mutable_acknowledgement()->add_outcomes(outcome.id());
  }
  if (!message.has_acknowledgement()) return;
  base::CrashPoint("dispatch.before_outcome");
  turn.After([session, message = std::move(message)] {
    base::CrashPoint("dispatch.after_outcome");
    (void)session->outbox.TryPush(message);
  });
}

// True: durable at the end of this turn (or long since), so the connector may forget it.
bool Desk::OnOutcome(Turn& turn, const SessionPtr& session, const internal::v1::Outcome& outcome) {
  OpenAttempt* open = open_.Find(outcome.id());
  if (open == nullptr) return true;
  if (open->row.life() != session->hello.life()) return true;  // another life's word proves nothing
  record::v1::IntentRow* intent = intents_.Load(turn, open->row.key());
  if (intent == nullptr || outcome.result_case() == internal::v1::Outcome::RESULT_NOT_SET) return true;
  if (intent->attempt() != outcome.id()) {  // it went on to another channel since
    Close(turn, outcome.id());
    Release(turn, outcome.id());
    return true;
  }
  WatchLease(session, *open, outcome);
  const bool settled = StateOf(*intent) != State::kInFlight && StateOf(*intent) != State::kUnconfirmed;
  if (outcome.has_no_answer()) {
    open_.MarkUnanswered(turn, *open);
    if (!settled) Doubt(turn, *open, outcome.no_answer().reason());
    return true;  // the permit runs out, the open attempt stays for a receipt
  }
  if (open->row.no_answer() && outcome.has_refused())
    return true;  // it was handed over: this life has said so
  if (outcome.has_accepted()) OnAccepted(turn, *open, *intent, outcome.accepted());
  if (!settled && outcome.has_rejected()) OnRejected(turn, *open, *intent, outcome.rejected());
  if (!settled && outcome.has_refused()) OnRefused(turn, *open, *intent, outcome.refused());
  Close(turn, outcome.id());
  Release(turn, outcome.id());
  return true;
}

// The connector's clock against the lease that it was given. Never silent: counted, shown, logged.
void Desk::WatchLease(const SessionPtr& session, const OpenAttempt& open,
                      const internal::v1::Outcome& outcome) {
  if (open.lease_us == 0 || outcome.elapsed_us() <= open.lease_us + kHardStopMicros + kGuardMicros) return;
  ++RouteOf(session->hello.connector()).lease_breaches;
  base::Log(base::LogLevel::kError, "dispatch.lease_breach", {{"connector", session->hello.connector()}});
}

// Also for a message that a receipt has settled before: its other parts become known.
void Desk::OnAccepted(Turn& turn, const OpenAttempt& open, record::v1::IntentRow& intent,
                      const internal::v1::Accepted& accepted) {
  const std::string& connector = open.row.connector();
  const State state = StateOf(intent);
  if (state == State::kInFlight || state == State::kUnconfirmed) {
    intents_.Move(turn, intent, State::kSent, "");
    CountAccepted(turn, open, intent);
  }
  std::vector<std::string> fresh;
  const std::string own_name = base::ToHex(open.row.id());
  for (const auto& id : accepted.provider_ids()) {
    const bool known = std::any_of(intent.parts().begin(), intent.parts().end(),
                                   [&](const auto& part) { return part.provider_id() == id; });
    if (id.empty() || known) continue;
    intent.add_parts()->set_provider_id(id);
    // An email that goes by our own name for it is found by its attempt.
    const bool found_by_attempt = id == own_name && intent.channel() == type::v1::CHANNEL_EMAIL;
    if (!found_by_attempt) storage::PutRecord(turn.tx, ProviderKey(connector, id), intent.key());
    fresh.push_back(id);
  }
  intents_.Save(turn, intent);
  if (parked_rows_ == 0) return;
  for (const auto& id : fresh) {
    const std::string parked = ParkedKey(connector, id);
    if (auto early = LoadRow<record::v1::ParkedReceiptRow>(turn, parked)) {
      turn.tx.Delete(parked);
      --parked_rows_;
      ForgetParked(*early, connector, id);
      internal::v1::Receipt receipt;
      receipt.set_provider_id(id);
      receipt.set_state(static_cast<internal::v1::ReceiptState>(early->state()));
      receipt.set_hard_bounce(early->hard_bounce());
      receipt.set_complaint(early->complaint());
      ApplyReceipt(turn, intent, receipt);
    }
  }
}

void Desk::CountAccepted(Turn& turn, const OpenAttempt& open, const record::v1::IntentRow& intent) {
  record::v1::TallyRow& tally = intents_.Tally(turn, intent.key().campaign());
  ++(*tally.mutable_accepted_by_channel())[type::v1::Channel_Name(intent.channel())];
  const int64_t parts = std::max(1, intent.expected_parts());
  tally.set_parts(tally.parts() + parts);
  tally.set_cost_micropounds(tally.cost_micropounds() +
                             parts * settings_.RouteOf(open.row.connector()).cost_micropounds);
  RouteWorks(turn, RouteOf(open.row.connector()));
  if (!intent.mail_site().empty()) AddMailSent(ChangeMailSite(turn, intent.mail_site()), turn.now_us);
}

void Desk::OnRejected(Turn& turn, const OpenAttempt& open, record::v1::IntentRow& intent,
                      const internal::v1::Rejected& rejected) {
  const std::string& connector = open.row.connector();
  const std::string reason = rejected.reason().empty() ? "PROVIDER_ERROR" : rejected.reason();
  CountRefusal(connector, reason);
  if (rejected.hard_bounce()) {
    ReportEndpoint(turn, intent.endpoint(), type::v1::HARD_BOUNCE);
    return Fail(turn, intent, "HARD_BOUNCE");
  }
  // What would refuse every message is no fault of this one: it waits for the route, or takes another.
  const bool of_route = rejected.scope() == internal::v1::ROUTE;
  if (of_route) HoldRoute(turn, connector, reason, rejected.retry_after_ms());
  if (!of_route && !rejected.transient()) return Fail(turn, intent, reason);
  // A provider that says when to come back has not refused this message, however often it says so.
  const bool asked_to_wait = of_route || rejected.retry_after_ms() > 0;
  if (!asked_to_wait && intent.attempts() >= kMaxAttempts) return Fail(turn, intent, reason);
  const int64_t least = std::max(of_route ? 0 : rejected.retry_after_ms() * 1000, kLeastRetryMicros);
  const int64_t backoff = std::min(kMostRetryMicros, kLeastRetryMicros << std::min(intent.attempts() - 1, 9));
  if (rejected.scope() == internal::v1::DOMAIN)
    HoldSite(connector, intent.mail_site(),
             clock_.BootMicros() + std::max(rejected.retry_after_ms() * 1000, kSiteHoldMicros));
  if (asked_to_wait) intent.set_attempts(intent.attempts() - 1);
  intent.set_due_time_us(turn.now_us + std::max(least, backoff));
  Requeue(turn, intent, reason);
}

void Desk::OnRefused(Turn& turn, const OpenAttempt& open, record::v1::IntentRow& intent,
                     const internal::v1::Refused& refused) {
  if (refused.permanent()) {
    CountRefusal(open.row.connector(), refused.reason());
    return Fail(turn, intent, refused.reason());
  }
  if (refused.scope() == internal::v1::DOMAIN && refused.retry_after_ms() > 0)
    HoldSite(open.row.connector(), intent.mail_site(), clock_.BootMicros() + refused.retry_after_ms() * 1000);
  NotHandedOver(turn, intent, refused);
}

void Desk::Close(Turn& turn, const std::string& id) {
  const OpenAttempt* open = open_.Find(id);
  if (open == nullptr) return;
  --RouteOf(open->row.connector()).in_flight;
  open_.Close(turn, id);
}

std::string Desk::AddressHash(const std::string& address) const {
  return reference_key_.Of("open-attempt-address", address).substr(0, 8);
}

}  // namespace pharos::dispatch
