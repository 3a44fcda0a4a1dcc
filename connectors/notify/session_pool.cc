// Connections: when one is opened, what it proves first, and what follows when it ends.
#include <algorithm>

#include "connectors/notify/session_impl.h"

namespace pharos::notify {
namespace {

// A connection that rested so long may be ended without that being trouble: providers keep idle ones for
// seconds at least. What is ended sooner, again and again, is a loop that needs a brake.
constexpr int64_t kRestedUs = 4'000'000;
constexpr char kTrialRefusal[] =
    "trial mode: the provider does not say that it is a sandbox (X-Pharos-Sandbox at /_status), so nothing "
    "is sent "
    "through it; point this connector to pharos-sandbox, or go live: one person proposes the act GO_LIVE, "
    "another "
    "confirms it";

}  // namespace

// One to find out whether the provider is there, which stays; more as messages wait and may go.
void Session::Impl::OpenWhereNeeded() {
  if (stopping_ || !options_.live || Now() < next_open_us_) return;
  if (connections_.empty()) OpenOne();
  if (!up_) {
    for (const auto& c : std::vector<Owned>(connections_))
      if (c->ready()) OnReady(*c);
    return;
  }
  size_t opening = 0;
  for (const auto& c : connections_) opening += c->opening();
  if (!waiting_.empty() && opening == 0 && !Idle() && allowance_.Has(Now()) &&
      connections_.size() < static_cast<size_t>(options_.connections))
    OpenOne();
}

void Session::Impl::OpenOne() {
  ConnectionEvents events;
  events.ready = [this](Connection& c) { OnReady(c); };
  events.answered = [this](Connection& c, uint64_t number, const HttpAnswer& answer, int64_t sent_us) {
    OnAnswered(c, number, answer, sent_us);
  };
  events.lost = [this](Connection&, uint64_t number, Loss loss, int64_t sent_us) {
    OnLost(number, loss, sent_us);
  };
  events.ended = [this](Connection& c, const Ending& ending) { OnEnded(c, ending); };
  connections_.push_back(
      std::make_shared<Connection>(io_, options_.connection, *hard_stop_, std::move(events), clock_));
  Owned(connections_.back())->Open();
}

void Session::Impl::OnReady(Connection& c) {
  if (stopping_) return c.Reset(kLeave);
  auto errand = std::make_unique<Errand>();
  if (Trial() && !c.asked_status()) return Carry(c, std::move(errand));
  if (!Allowed(c)) return c.Reset({"NOT_A_SANDBOX", kTrialRefusal});
  if (up_) return Pump();
  if (probing_ || Now() < next_open_us_ || !allowance_.Take(Now())) return;  // looked at again by the tick
  probing_ = true;
  errand->kind = Errand::Kind::kTemplate;
  Carry(c, std::move(errand));
}

void Session::Impl::OnEnded(Connection& c, const Ending& ending) {
  std::erase_if(connections_, [&](const Owned& other) { return other.get() == &c; });
  if (stopping_ || ending.ours) return;
  const bool in_order = ending.words.empty();
  const bool rested = c.idle_since_us() > 0 && !c.lost_work() && Now() - c.idle_since_us() >= kRestedUs;
  if (in_order && rested) return;
  // One that was of use is replaced; several in a row that ended before a message or a question was answered,
  // or one that never was of use, are the provider's trouble.
  Trouble trouble{ending.problem, ending.words};
  if (in_order)
    trouble = {"PROTOCOL_ERROR", c.answers() > 0 ? "the provider drops its connections again and again"
                                                 : "the provider closes connections without an answer"};
  if (ending.problem == "NOT_A_SANDBOX") return Down(trouble, options_.reconnect_most_us);
  if (c.answers() > 0 && ++losses_ < kLossesToPause) return;
  bool others = std::any_of(connections_.begin(), connections_.end(),
                            [](const Owned& other) { return other->ready() || other->busy(); });
  if (up_ && others) return Pause(backoff_us_);
  Down(trouble, trouble.problem == "BAD_CERTIFICATE" ? options_.reconnect_most_us : backoff_us_);
}

void Session::Impl::Pause(int64_t wait_us) {
  wait_us += std::uniform_int_distribution<int64_t>(0, wait_us / 4)(jitter_);
  // Connections that are lost together are one trouble.
  if (Now() >= next_open_us_) backoff_us_ = std::min(backoff_us_ * 2, options_.reconnect_most_us);
  next_open_us_ = std::max(next_open_us_, Now() + wait_us);
}

void Session::Impl::Down(const Trouble& trouble, int64_t wait_us) {
  up_ = false;
  losses_ = 0;
  Pause(wait_us);
  Say(false, trouble.problem, trouble.words);
  RefuseWaiting("NO_LINK");
}

void Session::Impl::CloseIdle() {
  for (const auto& c : std::vector<Owned>(connections_))
    if (connections_.size() > 1 && c->ready() && Now() - c->idle_since_us() > options_.idle_close_us)
      c->Reset(kLeave);
}

Connection* Session::Impl::Idle() {
  for (const auto& c : connections_)
    if (c->ready() && Allowed(*c) && (!Trial() || c->asked_status())) return c.get();
  return nullptr;
}

void Session::Impl::SetLive(bool live) {
  if (options_.live == live) return;
  options_.live = live;
  next_open_us_ = 0;
  if (up_ || !connections_.empty()) {
    up_ = false;
    Say(false, "STARTING", "the mode has changed; the provider is looked at again");
    RefuseWaiting("NO_LINK");
  }
  // A connection proves what it leads to when it is new.
  for (const auto& c : std::vector<Owned>(connections_))
    if (!c->busy()) c->Reset(kLeave);
  OpenWhereNeeded();
  Tell();
}

}  // namespace pharos::notify
