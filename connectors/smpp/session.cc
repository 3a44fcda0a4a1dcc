#include "connectors/smpp/session.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <random>
#include <thread>
#include <unordered_map>

#include "connectors/smpp/link.h"
#include "connectors/smpp/receipt.h"
#include "services/base/log.h"
#include "services/base/mutex.h"
#include "services/base/text.h"

namespace pharos::smpp {
namespace {

constexpr int64_t kBusyTickUs =
    5'000;  // looks at the send queue and at use-bys so often while something is open
constexpr int64_t kIdleTickUs = 100'000;
constexpr int kMaxUnansweredEnquiries = 2;
constexpr size_t kMaxRepeatsKept = 16;  // sequences of one deliver_sm that the provider repeats
constexpr int64_t kUnbindWaitUs = 1'000'000;
constexpr std::string_view kSandboxSystemId = "pharos-sandbox";  // how a sandbox calls itself
constexpr char kTrialRefusal[] =
    "trial mode: the provider does not say that it is a sandbox (its system id is not \"pharos-sandbox\"), "
    "so "
    "nothing is sent through it; point this connector to pharos-sandbox, or go live: one person proposes the "
    "act "
    "GO_LIVE, another confirms it";

std::string BindRefusal(uint32_t status) {
  switch (status) {
    case kInvalidPassword:
      return "the provider refused our password; check the password of this connector";
    case kInvalidSystemId:
      return "the provider does not know our system id; check the system id of this connector";
    case kAlreadyBound:
      return "the provider says that this account is bound already; is another connector using it?";
    case kBindFailed:
      return "the provider refused the bind; ask the provider whether the account may connect from this "
             "address";
    default:
      return fmt::format("the provider refused the bind with status 0x{:08X}", status);
  }
}

}  // namespace

class Session::Impl {
 public:
  Impl(SessionOptions options, std::unique_ptr<sdk::HardStop> hard_stop, SessionEvents events,
       base::Clock& clock)
      : options_(std::move(options)),
        hard_stop_(std::move(hard_stop)),
        events_(std::move(events)),
        clock_(clock),
        wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        jitter_(std::random_device{}()) {}
  ~Impl() { close(wake_); }

  void Run();
  void Post(std::function<void()> change);  // to the thread
  // In the thread:
  void Begin(sdk::Task task);
  void AnswerKept(const std::vector<uint64_t>& sequences);
  void BeginStop(int64_t grace_us);
  void SetLive(bool live);

  std::thread thread_;

 private:
  using Owned = std::shared_ptr<Submission>;
  struct InFlight {
    Owned submission;
    size_t part;
  };
  enum class State { kDown, kConnecting, kBinding, kBound, kUnbinding };

  int64_t Now() const { return clock_.BootMicros(); }
  void RunPosted();
  void Tick();
  void WaitForEvents();
  // link
  void Connect();
  void OnConnected();
  void LinkLost(const std::string& detail, const char* why = "LINK_LOST", int64_t backoff_us = -1);
  void ReadSocket();
  bool ParseFrames();
  void Unstall();
  void Say(bool up, const std::string& detail);
  // PDUs
  bool OnFrame(std::string_view frame);
  void OnBindResponse(std::string_view frame, const Header& header);
  void OnSubmitResponse(std::string_view frame, const Header& header);
  bool OnDeliver(std::string_view frame, const Header& header);
  void Answer(const Header& request, uint32_t status);
  void SendControl(Pdu pdu);
  // hand-over
  void Pump();
  bool FlushPartial();
  enum class Step { kGoOn, kWait, kLost };
  Step WriteNextPart();
  bool MayBegin(Submission& submission);
  void PartWritten(const Owned& submission, size_t part);
  void Disarm(Submission& submission);
  void Settle(const Owned& submission);
  void DropOverdue();
  void CheckHardStop();
  void CheckTimeouts();
  bool Allowed() const { return live_.value_or(false) || sandbox_; }
  bool Drained() const { return waiting_.empty() && in_flight_.empty() && partial_.empty(); }
  uint32_t NextSequence() { return sequence_ = sequence_ >= kMaxSequence ? 1 : sequence_ + 1; }

  const SessionOptions options_;
  const std::unique_ptr<sdk::HardStop> hard_stop_;
  const SessionEvents events_;
  base::Clock& clock_;
  const int wake_;
  std::mt19937 jitter_;

  base::Mutex mutex_;
  std::vector<std::function<void()>> posted_ ABSL_GUARDED_BY(mutex_);

  // The rest belongs to the thread.
  State state_ = State::kDown;
  std::optional<bool> live_ = options_.live;
  bool sandbox_ = false;  // what we are bound to says that it is one
  bool done_ = false, stopping_ = false, stalled_ = false;
  int64_t stop_by_us_ = 0, unbind_by_us_ = 0;
  Link link_;
  std::string in_;
  std::string control_;  // frames that are no hand-over
  std::string partial_;  // the rest of a frame that the socket took in part
  Owned partial_owner_;  // nullptr: control frames
  size_t partial_part_ = 0;
  uint32_t sequence_ = 0;
  uint8_t reference_ = 0;
  std::deque<Owned> waiting_;  // some part not begun
  std::deque<Owned> armed_;    // in order of hand-over
  std::unordered_map<uint32_t, InFlight> in_flight_;
  std::deque<uint32_t> sent_order_;
  std::unordered_map<uint64_t, std::vector<Header>> unanswered_;  // deliver_sm of this link by our sequence
  int64_t next_connect_us_ = 0, backoff_us_ = 0, bind_by_us_ = 0;
  int64_t heard_us_ = 0, enquired_us_ = 0, throttled_until_us_ = 0, stalled_us_ = 0, read_again_us_ = 0;
  int enquiries_ = 0;
  std::string said_;
};

void Session::Impl::Post(std::function<void()> change) {
  {
    base::MutexLock lock(mutex_);
    posted_.push_back(std::move(change));
  }
  uint64_t one = 1;
  [[maybe_unused]] auto n = write(wake_, &one, sizeof one);
}

void Session::Impl::Run() {
  backoff_us_ = options_.reconnect_first_us;
  while (!done_) {
    WaitForEvents();
    RunPosted();
    Tick();
  }
  RunPosted();  // tasks that came too late are refused
}

void Session::Impl::RunPosted() {
  std::vector<std::function<void()>> changes;
  {
    base::MutexLock lock(mutex_);
    changes.swap(posted_);
  }
  for (auto& change : changes) change();
}

void Session::Impl::WaitForEvents() {
  bool busy = !armed_.empty() || !waiting_.empty() || stalled_ || stopping_;
  int64_t wait_us = busy ? kBusyTickUs : kIdleTickUs;
  if (state_ == State::kDown && live_) wait_us = std::clamp<int64_t>(next_connect_us_ - Now(), 0, wait_us);
  pollfd fds[2] = {{wake_, POLLIN, 0}, {link_.fd(), 0, 0}};
  if (!stalled_) fds[1].events |= POLLIN;
  if (state_ == State::kConnecting || !partial_.empty() || !control_.empty()) fds[1].events |= POLLOUT;
  timespec timeout{wait_us / 1'000'000, wait_us % 1'000'000 * 1000};
  if (ppoll(fds, link_.open() ? 2 : 1, &timeout, nullptr) <= 0) return;
  if (fds[0].revents) {
    uint64_t count;
    [[maybe_unused]] auto n = read(wake_, &count, sizeof count);
  }
  if (!link_.open() || !fds[1].revents) return;
  if (state_ == State::kConnecting) return OnConnected();
  if (fds[1].revents & (POLLIN | POLLERR | POLLHUP)) ReadSocket();
}

void Session::Impl::Tick() {
  int64_t now = Now();
  if (state_ == State::kDown && !stopping_ && live_ && now >= next_connect_us_) Connect();
  if ((state_ == State::kConnecting || state_ == State::kBinding) && now > bind_by_us_)
    LinkLost("the provider did not answer our bind in time; check host, port and firewall");
  CheckHardStop();
  if (stalled_ && now - stalled_us_ >= kBusyTickUs) Unstall();
  DropOverdue();
  Pump();
  CheckTimeouts();
  if (!stopping_) return;
  if (state_ == State::kBound && (Drained() || now >= stop_by_us_)) {
    state_ = State::kUnbinding;
    unbind_by_us_ = now + kUnbindWaitUs;
    Pdu unbind;
    unbind.command = kUnbind;
    unbind.sequence = NextSequence();
    SendControl(unbind);
    Pump();
  }
  bool over = state_ == State::kUnbinding ? now >= unbind_by_us_ : state_ != State::kBound;
  if (!over) return;
  LinkLost("stopped");
  done_ = true;
}

void Session::Impl::BeginStop(int64_t grace_us) {
  stopping_ = true;
  stop_by_us_ = Now() + grace_us;
}

void Session::Impl::SetLive(bool live) {
  if (live_ == live) return;
  live_ = live;
  if (state_ == State::kDown) next_connect_us_ = Now();
  if (state_ == State::kBound && !Allowed())
    LinkLost(kTrialRefusal, "LINK_LOST", options_.refused_backoff_us);
}

// ---- link

void Session::Impl::Say(bool up, const std::string& detail) {
  if (detail == said_) return;
  said_ = detail;
  base::Log(up ? base::LogLevel::kInfo : base::LogLevel::kWarning, "provider_link",
            {{"up", up}, {"detail", detail}});
  events_.link(up, detail);
}

void Session::Impl::Connect() {
  state_ = State::kConnecting;
  bind_by_us_ = Now() + options_.bind_timeout_us;
  if (auto status = link_.Connect(options_.host, options_.port, options_.send_queue_bytes); !status.ok())
    LinkLost(std::string(status.message()));
}

void Session::Impl::OnConnected() {
  if (auto status = link_.Connected(); !status.ok()) return LinkLost(std::string(status.message()));
  state_ = State::kBinding;
  heard_us_ = Now();
  Pdu bind;
  bind.command = kBindTransceiver;
  bind.sequence = NextSequence();
  bind.system_id = options_.system_id;
  bind.password = options_.password;
  bind.system_type = options_.system_type;
  SendControl(bind);
}

void Session::Impl::LinkLost(const std::string& detail, const char* why, int64_t backoff_us) {
  link_.Reset();  // first: nothing leaves any more, so what follows is true
  for (const auto& submission : armed_) Disarm(*submission);
  armed_.clear();
  state_ = State::kDown;
  stalled_ = false;
  in_.clear();
  control_.clear();
  unanswered_.clear();
  enquiries_ = 0;
  std::vector<Owned> touched(waiting_.begin(), waiting_.end());
  waiting_.clear();
  if (partial_owner_) {
    partial_owner_->parts[partial_part_].state = PartState::kNotSent;
    partial_owner_->not_sent_reason = "LINK_LOST";
    touched.push_back(partial_owner_);
  }
  partial_.clear();
  partial_owner_ = nullptr;
  for (auto& [sequence, flight] : in_flight_) {
    flight.submission->parts[flight.part].state = PartState::kNoAnswer;
    flight.submission->no_answer_reason = why;
    touched.push_back(flight.submission);
  }
  in_flight_.clear();
  sent_order_.clear();
  for (const auto& submission : touched) submission->GiveUpWaiting(stopping_ ? "SHUTTING_DOWN" : "NO_LINK");
  for (const auto& submission : touched) Settle(submission);
  int64_t wait = backoff_us >= 0 ? backoff_us : backoff_us_;
  wait += std::uniform_int_distribution<int64_t>(0, wait / 4)(jitter_);
  next_connect_us_ = Now() + wait;
  backoff_us_ = std::min(backoff_us_ * 2, options_.reconnect_most_us);
  Say(false, detail);
}

void Session::Impl::ReadSocket() {
  bool open = link_.Read(in_);
  heard_us_ = Now();
  if (!ParseFrames()) {
    stalled_ = true;
    stalled_us_ = Now();
  }
  if (!open && link_.open())
    LinkLost(state_ == State::kUnbinding ? "stopped" : "the provider closed the connection");
}

// False: a frame could not be taken now; it stays at the front.
bool Session::Impl::ParseFrames() {
  stalled_us_ = Now();
  size_t at = 0, length = 0;
  bool all = true;
  while (link_.open()) {
    std::string_view rest = std::string_view(in_).substr(at);
    Framing framing = NextFrame(rest, length);
    if (framing == Framing::kBroken) {
      LinkLost("the provider sent a frame of an impossible length");
      return true;
    }
    if (framing == Framing::kNeedMore) break;
    if (!(all = OnFrame(rest.substr(0, length)))) break;
    at += length;
  }
  if (at > 0 && at <= in_.size()) in_.erase(0, at);
  return all;
}

void Session::Impl::Unstall() {
  if (!ParseFrames()) return;
  stalled_ = false;
  read_again_us_ = heard_us_ = Now();
}

// ---- PDUs

bool Session::Impl::OnFrame(std::string_view frame) {
  Header header = DecodeHeader(frame);
  switch (header.command) {
    case ResponseTo(kBindTransceiver):
      OnBindResponse(frame, header);
      return true;
    case ResponseTo(kSubmitSm):
      OnSubmitResponse(frame, header);
      return true;
    case kGenericNack:
      if (state_ == State::kBinding)
        LinkLost("the provider does not understand bind_transceiver");
      else
        OnSubmitResponse(frame, header);
      return true;
    case kDeliverSm:
    case kDataSm:
      return OnDeliver(frame, header);
    case kEnquireLink:
      Answer(header, kOk);
      return true;
    case ResponseTo(kEnquireLink):
      enquiries_ = 0;
      return true;
    case kUnbind:
      Answer(header, kOk);
      Pump();
      LinkLost("the provider ended the session (unbind)");
      return true;
    case ResponseTo(kUnbind):
      if (state_ == State::kUnbinding) LinkLost("stopped");
      return true;
    default:
      if (!(header.command & kResponse)) {
        Pdu nack;
        nack.command = kGenericNack;
        nack.status = kInvalidCommandId;
        nack.sequence = header.sequence;
        SendControl(nack);
      }
      return true;
  }
}

void Session::Impl::OnBindResponse(std::string_view frame, const Header& header) {
  if (state_ != State::kBinding) return;
  if (header.status != kOk) {
    bool credentials = header.status == kInvalidPassword || header.status == kInvalidSystemId;
    return LinkLost(BindRefusal(header.status), "LINK_LOST", credentials ? options_.refused_backoff_us : -1);
  }
  auto pdu = Decode(frame);
  sandbox_ = pdu.ok() && pdu->system_id == kSandboxSystemId;
  if (!Allowed()) return LinkLost(kTrialRefusal, "LINK_LOST", options_.refused_backoff_us);
  state_ = State::kBound;
  backoff_us_ = options_.reconnect_first_us;
  Say(true, "bound");
}

void Session::Impl::OnSubmitResponse(std::string_view frame, const Header& header) {
  auto it = in_flight_.find(header.sequence);
  if (it == in_flight_.end()) return;
  InFlight flight = std::move(it->second);
  in_flight_.erase(it);
  Part& part = flight.submission->parts[flight.part];
  part.status = header.status;
  part.state = header.status == kOk ? PartState::kAccepted : PartState::kRejected;
  // A body that cannot be read takes nothing from a yes: the message is theirs, its id is unknown.
  if (auto pdu = Decode(frame); pdu.ok()) part.provider_id = ToUtf8(base::TrimAscii(pdu->message_id));
  if (header.status == kThrottled) throttled_until_us_ = Now() + options_.throttle_pause_us;
  if (part.state == PartState::kRejected) flight.submission->GiveUpWaiting("PART_REJECTED");
  Settle(flight.submission);
}

bool Session::Impl::OnDeliver(std::string_view frame, const Header& header) {
  auto pdu = Decode(frame);
  if (!pdu.ok()) {
    Answer(header, kPermanentAppError);
    base::Log(base::LogLevel::kWarning, "deliver_sm_malformed", {{"octets", int64_t(frame.size())}});
    return true;
  }
  std::optional<uint64_t> sequence;
  if (IsReceipt(*pdu)) {
    auto keyed = ToReceipt(*pdu);
    if (!keyed) {
      base::Log(base::LogLevel::kWarning, "receipt_unreadable", {{"octets", int64_t(frame.size())}});
      Answer(header, kOk);
      return true;
    }
    sequence = events_.receipt(keyed->key, std::move(keyed->receipt));
  } else {
    auto keyed = ToMessage(*pdu, {options_.system_id, options_.inbound_id_tlv}, clock_.WallMicros());
    sequence = events_.inbound(keyed.key, std::move(keyed.message));
  }
  if (!sequence) return false;
  auto& headers = unanswered_[*sequence];
  if (headers.size() < kMaxRepeatsKept) headers.push_back(header);
  return true;
}

void Session::Impl::Answer(const Header& request, uint32_t status) {
  Pdu answer;
  answer.command = ResponseTo(request.command);
  answer.status = status;
  answer.sequence = request.sequence;
  SendControl(answer);
}

void Session::Impl::SendControl(Pdu pdu) {
  control_ += Encode(pdu);
}

void Session::Impl::AnswerKept(const std::vector<uint64_t>& sequences) {
  for (uint64_t sequence : sequences) {
    auto it = unanswered_.find(sequence);
    if (it == unanswered_.end()) continue;
    for (const auto& header : it->second) Answer(header, kOk);
    unanswered_.erase(it);
  }
  if (stalled_) Unstall();
}

// ---- hand-over

void Session::Impl::Begin(sdk::Task task) {
  std::string id = task.attempt.id();
  work::Outcome outcome;
  if (state_ != State::kBound || stopping_) {
    outcome.mutable_refused()->set_reason(stopping_ ? "SHUTTING_DOWN" : "NO_LINK");
    return events_.finished(id, std::move(outcome));
  }
  auto submission =
      MakeSubmission(std::move(task), options_.submit, ++reference_, [this] { return NextSequence(); });
  if (!submission.ok()) {
    outcome.mutable_refused()->set_reason("NOT_ENCODABLE");
    outcome.mutable_refused()->set_permanent(true);
    return events_.finished(id, std::move(outcome));
  }
  waiting_.push_back(std::make_shared<Submission>(*std::move(submission)));
}

// Writes what may be written now. A frame that was begun is finished before anything else.
void Session::Impl::Pump() {
  while (link_.open() && state_ != State::kConnecting) {
    if (!partial_.empty()) {
      if (!FlushPartial()) return;
    } else if (!control_.empty()) {
      partial_.swap(control_);
    } else if (state_ == State::kBound && !waiting_.empty()) {
      if (WriteNextPart() != Step::kGoOn) return;
    } else {
      return;
    }
  }
}

bool Session::Impl::FlushPartial() {
  ssize_t put = link_.Write(partial_);
  if (put < 0) {
    LinkLost("the connection to the provider broke");
    return false;
  }
  partial_.erase(0, static_cast<size_t>(put));
  if (!partial_.empty()) return false;
  if (Owned owner = std::move(partial_owner_)) PartWritten(owner, partial_part_);
  partial_owner_ = nullptr;
  return true;
}

// Arms the hard stop, then looks at the clock: a process that is stopped between the two is killed, not
// continued.
bool Session::Impl::MayBegin(Submission& submission) {
  const sdk::Task& task = submission.task;
  if (Now() >= task.use_by_us) return false;  // nothing open for it that would need the stop
  if (!submission.armed) {
    hard_stop_->Open(task.hard_stop_us);
    submission.armed = true;
  }
  return Now() < task.use_by_us;
}

Session::Impl::Step Session::Impl::WriteNextPart() {
  if (Now() < throttled_until_us_ || in_flight_.size() >= static_cast<size_t>(options_.window))
    return Step::kWait;
  if (link_.written() - link_.Acknowledged() > static_cast<uint64_t>(options_.send_queue_bytes))
    return Step::kWait;
  Owned submission = waiting_.front();
  size_t index = submission->FirstWaiting();
  if (index == submission->parts.size()) {  // its rest was given up
    waiting_.pop_front();
    return Step::kGoOn;
  }
  Part& part = submission->parts[index];
  bool was_armed = submission->armed;
  if (!MayBegin(*submission)) {
    waiting_.pop_front();
    submission->GiveUpWaiting("LEASE_OVER");
    if (!was_armed) Disarm(*submission);
    Settle(submission);
    return Step::kGoOn;
  }
  ssize_t put = link_.Write(part.frame);
  if (put == 0) {  // not begun: its use-by is looked at again
    if (!was_armed) Disarm(*submission);
    return Step::kWait;
  }
  if (!was_armed) armed_.push_back(submission);
  part.state = PartState::kWriting;
  if (submission->FirstWaiting() == submission->parts.size()) waiting_.pop_front();
  partial_owner_ = submission;
  partial_part_ = index;
  partial_ = part.frame.substr(put < 0 ? 0 : static_cast<size_t>(put));
  if (put < 0) {
    LinkLost("the connection to the provider broke");
    return Step::kLost;
  }
  if (!partial_.empty()) return Step::kWait;
  partial_owner_ = nullptr;
  PartWritten(submission, index);
  return Step::kGoOn;
}

void Session::Impl::PartWritten(const Owned& submission, size_t index) {
  Part& part = submission->parts[index];
  part.state = PartState::kSent;
  part.sent_us = Now();
  part.end_offset = link_.written();
  part.frame.clear();
  in_flight_[part.sequence] = {submission, index};
  sent_order_.push_back(part.sequence);
}

void Session::Impl::Disarm(Submission& submission) {
  if (!submission.armed) return;
  hard_stop_->Close(submission.task.hard_stop_us);
  submission.armed = false;
}

void Session::Impl::Settle(const Owned& submission) {
  if (!submission->Settled() || submission->task.attempt.id().empty()) return;
  Disarm(*submission);
  auto outcome = OutcomeOf(*submission);
  std::string id = submission->task.attempt.id();
  submission->task.attempt.clear_id();  // said once
  events_.finished(id, std::move(outcome));
}

// Those that wait for room in the window when their use-by passes, and those whose rest was given up.
void Session::Impl::DropOverdue() {
  int64_t now = Now();
  std::erase_if(waiting_, [&](const Owned& submission) {
    if (submission->FirstWaiting() == submission->parts.size()) return true;
    if (now < submission->task.use_by_us) return false;
    submission->GiveUpWaiting("LEASE_OVER");
    Settle(submission);
    return true;
  });
}

// Disarms what the provider's kernel has; resets the connection shortly before the kill would come.
void Session::Impl::CheckHardStop() {
  if (armed_.empty()) return;
  uint64_t acknowledged = link_.Acknowledged();
  std::erase_if(armed_, [&](const Owned& submission) {
    if (!submission->armed) return true;
    bool there = submission->NothingToWrite() &&
                 std::none_of(submission->parts.begin(), submission->parts.end(), [&](const Part& part) {
                   return part.state == PartState::kSent && part.end_offset > acknowledged;
                 });
    if (there) Disarm(*submission);
    return there;
  });
  int64_t earliest = hard_stop_->Earliest();
  if (earliest != 0 && Now() >= earliest - options_.hard_stop_margin_us)
    LinkLost(
        "the provider's connection did not take our octets in time; it was reset so that nothing leaves "
        "late");
}

void Session::Impl::CheckTimeouts() {
  int64_t now = Now();
  if (state_ != State::kBound || stalled_) return;  // while nothing is read, nobody is late
  while (!sent_order_.empty() && !in_flight_.count(sent_order_.front())) sent_order_.pop_front();
  if (!sent_order_.empty()) {
    const InFlight& oldest = in_flight_[sent_order_.front()];
    if (now - std::max(read_again_us_, oldest.submission->parts[oldest.part].sent_us) >
        options_.response_timeout_us)
      return LinkLost("the provider did not answer a submission in time", "RESPONSE_TIMEOUT");
  }
  if (now - std::max(heard_us_, enquired_us_) < options_.enquire_after_us) return;
  if (++enquiries_ > kMaxUnansweredEnquiries) return LinkLost("the provider does not answer (enquire_link)");
  enquired_us_ = now;
  Pdu enquire;
  enquire.command = kEnquireLink;
  enquire.sequence = NextSequence();
  SendControl(enquire);
}

// ---- outside

Session::Session(SessionOptions options, std::unique_ptr<sdk::HardStop> hard_stop, SessionEvents events,
                 base::Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(hard_stop), std::move(events), clock)) {}

Session::~Session() {
  Stop(0);
}

void Session::Start() {
  impl_->thread_ = std::thread([this] { impl_->Run(); });
}

void Session::SetLive(bool live) {
  impl_->Post([this, live] { impl_->SetLive(live); });
}

void Session::Submit(std::vector<sdk::Task> tasks) {
  impl_->Post([this, tasks = std::move(tasks)]() mutable {
    for (auto& task : tasks) impl_->Begin(std::move(task));
  });
}

void Session::Acknowledged(std::vector<uint64_t> sequences) {
  impl_->Post([this, sequences = std::move(sequences)] { impl_->AnswerKept(sequences); });
}

void Session::Stop(int64_t grace_us) {
  if (!impl_->thread_.joinable()) return;
  impl_->Post([this, grace_us] { impl_->BeginStop(grace_us); });
  impl_->thread_.join();
}

}  // namespace pharos::smpp
