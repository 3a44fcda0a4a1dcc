// The life of one connection: connect, TLS, bind, keep alive, unbind, come back.
#include "connectors/smpp/bind.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/log.h"

namespace pharos::smpp {
namespace {

constexpr int64_t kStalledTickUs = 5'000;
constexpr int64_t kResolveLaterUs = 50'000;
constexpr int kMaxUnansweredEnquiries = 2;
constexpr std::string_view kSandboxSystemId = "pharos-sandbox";  // how a sandbox calls itself
constexpr char kTrialRefusal[] =
    "trial mode: the provider does not say that it is a sandbox (its system id is not \"pharos-sandbox\"), "
    "so nothing is sent through it; point this connector to pharos-sandbox, or go live: one person proposes "
    "the "
    "act GO_LIVE, another confirms it";

LinkOptions LinkOptionsOf(const SessionOptions& options) {
  return {options.host, options.port,     options.send_queue_bytes,
          options.tls,  options.tls_name, options.plaintext_allowed};
}

}  // namespace

Bind::Bind(Account& account, Role role, int index)
    : account_(account),
      role_(role),
      index_(index),
      link_(LinkOptionsOf(account.options)),
      own_rate_(account.options.bind_per_second),
      backoff_us_(account.options.reconnect_first_us),
      refused_us_(account.options.refused_backoff_us) {}

uint32_t Bind::BindCommand() const {
  if (role_ == Role::kTransmitter) return kBindTransmitter;
  return role_ == Role::kReceiver ? kBindReceiver : kBindTransceiver;
}

short Bind::PollEvents() const {
  short events = stalled_ ? 0 : POLLIN;
  bool writing = !control_.empty() || !partial_.empty() || link_.wants_to_write();
  if (state_ == State::kConnecting || writing) events |= POLLOUT;
  return events;
}

int64_t Bind::WakeUs() const {
  if (state_ == State::kDown) return account_.live && !account_.stopping ? next_connect_us_ : INT64_MAX;
  if (stalled_) return stalled_us_ + kStalledTickUs;
  return INT64_MAX;
}

void Bind::OnReady(short events) {
  if (state_ == State::kConnecting || state_ == State::kSecuring) return Progress();
  if (events & (POLLIN | POLLERR | POLLHUP)) ReadSocket();
}

void Bind::Tick(int64_t now_us) {
  asked_kernel_ = false;
  if (state_ == State::kDown && !account_.stopping && account_.live && now_us >= next_connect_us_) Connect();
  bool binding = state_ == State::kConnecting || state_ == State::kSecuring || state_ == State::kBinding;
  if (binding && now_us > bind_by_us_)
    Lost(
        {"the provider did not answer our bind in time; check --host, --port and the firewall", "NO_ANSWER"});
  if (!unacknowledged_.empty()) CheckAcknowledged();
  if (stalled_ && now_us - stalled_us_ >= kStalledTickUs) Unstall();
  if (state_ == State::kBound) CheckTimeouts(now_us);
  if (state_ == State::kBound) CheckSilence(now_us);
  if (state_ == State::kUnbinding && unbound_by_provider_ && (in_flight_.empty() || now_us >= unbind_by_us_))
    return Lost(Unbound());
  if (state_ == State::kUnbinding && now_us >= unbind_by_us_) Drop("stopped");
}

void Bind::Say(const std::string& detail, const std::string& problem) {
  if (detail == detail_ && problem == problem_) return;
  detail_ = detail;
  problem_ = problem;
  account_.news = true;
}

void Bind::Connect() {
  const auto addresses = account_.resolver.Addresses(account_.Now());
  if (!addresses.ok()) return Lost({std::string(addresses.status().message()), "UNREACHABLE"});
  if (addresses->empty()) {
    next_connect_us_ = account_.Now() + kResolveLaterUs;
    return;
  }
  state_ = State::kConnecting;
  bind_by_us_ = account_.Now() + account_.options.bind_timeout_us;
  if (auto status = link_.Connect(*addresses); !status.ok())
    Lost({std::string(status.message()), base::ReasonOf(status)});
}

void Bind::Progress() {
  if (state_ == State::kConnecting) {
    if (auto status = link_.Connected(); !status.ok())
      return Lost({std::string(status.message()), base::ReasonOf(status)});
    state_ = State::kSecuring;
  }
  if (auto status = link_.Handshake(); !status.ok()) {
    bool certificate = base::ReasonOf(status) == "BAD_CERTIFICATE";
    return Lost({std::string(status.message()), certificate ? "BAD_CERTIFICATE" : "PROTOCOL_ERROR",
                 "LINK_LOST", certificate ? account_.options.refused_backoff_us : -1});
  }
  if (link_.ready()) SendBind();
}

void Bind::SendBind() {
  state_ = State::kBinding;
  heard_us_ = account_.Now();
  Pdu bind;
  bind.command = BindCommand();
  bind.sequence = account_.NextSequence();
  bind.system_id = account_.options.system_id;
  bind.password = account_.options.password;
  bind.system_type = account_.options.system_type;
  bind.address_range = account_.options.address_range;
  SendControl(bind);
}

void Bind::OnBindResponse(std::string_view frame, const Header& header) {
  if (state_ != State::kBinding) return;
  if (header.status != kOk) {
    auto refusal = BindRefusalFor(header.status);
    if (!refusal.lasting) return Lost({refusal.detail, refusal.problem});
    Lost({refusal.detail, refusal.problem, "LINK_LOST", refused_us_});
    refused_us_ = std::min(refused_us_ * 2, account_.options.refused_most_us);
    return;
  }
  auto pdu = Decode(frame);
  sandbox_ = pdu.ok() && pdu->system_id == kSandboxSystemId;
  if (!Allowed())
    return Lost({kTrialRefusal, "NOT_A_SANDBOX", "LINK_LOST", account_.options.refused_backoff_us});
  state_ = State::kBound;
  backoff_us_ = account_.options.reconnect_first_us;
  refused_us_ = account_.options.refused_backoff_us;
  answered_us_ = enquired_us_ = account_.Now();
  silent_us_ = 0;
  account_.news = true;
  Say("bound", "");
}

void Bind::LiveChanged() {
  if (state_ == State::kDown) next_connect_us_ = account_.Now();
  if (state_ == State::kBound && !Allowed())
    Lost({kTrialRefusal, "NOT_A_SANDBOX", "LINK_LOST", account_.options.refused_backoff_us});
}

void Bind::BeginUnbind(int64_t now_us) {
  if (state_ != State::kBound) return Drop("stopped");
  state_ = State::kUnbinding;
  unbind_by_us_ = now_us + kUnbindWaitUs;
  Pdu unbind;
  unbind.command = kUnbind;
  unbind.sequence = account_.NextSequence();
  SendControl(unbind);
}

void Bind::Drop(const std::string& detail) {
  if (state_ != State::kDown) Lost({detail, ""});
}

void Bind::ResetIfDueBy(int64_t deadline_us) {
  auto due = [&](const Begun& begun) {
    return begun.submission && begun.part().open && begun.submission->task.hard_stop_us <= deadline_us;
  };
  if (due(begun_) || std::any_of(unacknowledged_.begin(), unacknowledged_.end(),
                                 [&](const Sent& sent) { return due(sent.begun); }))
    Lost(
        {"the provider's connection did not take our octets in time; it was reset so that nothing leaves "
         "late. If "
         "this repeats, ask the provider why it stops reading",
         "NO_ANSWER"});
}

void Bind::Lost(const Loss& loss) {
  link_.Reset();  // first: nothing leaves any more, so what follows is true
  state_ = State::kDown;
  stalled_ = sandbox_ = unbound_by_provider_ = false;
  in_.clear();
  control_.clear();
  partial_.clear();
  enquiries_ = 0;
  for (const auto& sent : unacknowledged_)
    if (sent.sequence == sent.begun.part().sequence) account_.Close(sent.begun);
  unacknowledged_.clear();
  acknowledged_ = 0;
  std::vector<Owned> touched;
  if (begun_.submission) {
    account_.Close(begun_);
    begun_.part().state = PartState::kNotSent;
    begun_.submission->not_sent_reason = "LINK_LOST";
    touched.push_back(begun_.submission);
    begun_ = {};
  }
  for (auto& [sequence, flight] : std::exchange(in_flight_, {})) {
    account_.Close(flight);
    flight.part().state = PartState::kNoAnswer;
    flight.submission->no_answer_reason = loss.why;
    touched.push_back(flight.submission);
  }
  sent_order_.clear();
  late_.clear();
  late_order_.clear();
  silent_us_ = 0;
  for (const auto& submission : touched) {
    submission->GiveUpWaiting(account_.stopping ? "SHUTTING_DOWN" : "NO_LINK");
    account_.Settle(submission);
  }
  account_.parts.LinkLost(index_, life_++);
  next_connect_us_ = account_.Now() + account_.Jittered(loss.backoff_us >= 0 ? loss.backoff_us : backoff_us_);
  if (loss.backoff_us < 0) backoff_us_ = std::min(backoff_us_ * 2, account_.options.reconnect_most_us);
  account_.news = true;
  Say(loss.detail, loss.problem);
}

void Bind::CheckSilence(int64_t now_us) {
  if (stalled_ || now_us - std::max(heard_us_, enquired_us_) < account_.options.enquire_after_us) return;
  if (++enquiries_ > kMaxUnansweredEnquiries)
    return Lost({"the provider does not answer (enquire_link); the connection is made anew", "NO_ANSWER"});
  enquired_us_ = now_us;
  Pdu enquire;
  enquire.command = kEnquireLink;
  enquire.sequence = account_.NextSequence();
  SendControl(enquire);
}

}  // namespace pharos::smpp
