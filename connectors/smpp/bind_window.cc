// Hand-over on one connection: batches under the hard stop, the window, and the provider's answers.
#include <algorithm>

#include "connectors/smpp/bind.h"
#include "services/base/crash_point.h"
#include "services/base/text.h"

namespace pharos::smpp {
namespace {

// Parts written by one call. Their use-bys are looked at once, just before it.
constexpr size_t kMostBatch = 64;
// A token is seen to be there so much later, at most, over all parts of a message.
constexpr int64_t kRateSlackUs = 50'000;
constexpr int64_t kLeastRateRetryMs = 1'000;

}  // namespace

// A frame that was begun is finished before anything else; then answers and enquiries; then new parts.
void Bind::Pump() {
  while (link_.ready() && FlushBegun() && WriteControl()) {
    if (state_ != State::kBound || !sends()) return;
    if (WriteBatch() == Step::kWait) return;
  }
  if (control_.size() > kMostControlBytes)
    Lost({"the provider asks and does not read our answers; the connection is made anew", "NO_ANSWER"});
}

bool Bind::FlushBegun() {
  if (!partial_.empty()) {
    ssize_t put = link_.Write(partial_);
    if (put < 0) {
      Lost({"the connection to the provider broke", "UNREACHABLE"});
      return false;
    }
    partial_.erase(0, static_cast<size_t>(put));
  }
  if (!partial_.empty() || !link_.Flush()) return false;
  if (begun_.submission) {
    Begun done = std::exchange(begun_, {});
    Written(done, link_.written(), account_.Now());
  }
  return true;
}

bool Bind::WriteControl() {
  if (control_.empty()) return true;
  ssize_t put = link_.Write(control_);
  if (put < 0) {
    Lost({"the connection to the provider broke", "UNREACHABLE"});
    return false;
  }
  control_.erase(0, static_cast<size_t>(put));
  return control_.empty() && !link_.wants_to_write();
}

// Octets that may still be put into the kernel's queue, by what it said in this turn.
size_t Bind::RoomInQueue() {
  const auto most = static_cast<uint64_t>(account_.options.send_queue_bytes);
  if (link_.written() - acknowledged_ >= most / 2 && !asked_kernel_) CheckAcknowledged();
  const uint64_t under_way = link_.written() - acknowledged_;
  return under_way >= most ? 0 : most - under_way;
}

// A message of which only some parts can leave before its use-by is worse than none. Its parts leave one
// after another, as the rates allow; what does not fit now never fits under this permit.
bool Bind::FinishesInTime(Submission& submission, int gathered, int64_t now_us) {
  if (submission.parts.size() == 1) return true;
  const int segments = submission.SegmentsWaiting(), all = gathered + segments;
  const int64_t wait_us = std::max({account_.own_rate.WaitUs(all, now_us), own_rate_.WaitUs(all, now_us),
                                    account_.provider_rate.WaitUs(all, now_us)});
  if (wait_us == 0 || now_us + wait_us + kRateSlackUs < submission.task.use_by_us) return true;
  const int64_t least_us = std::max(account_.own_rate.LeastWaitUs(segments), own_rate_.LeastWaitUs(segments));
  const int64_t lease_us = submission.task.use_by_us - submission.task.pull_sent_us;
  submission.never = least_us + kRateSlackUs >= lease_us;
  submission.not_sent_retry_ms = submission.never ? 0 : std::max(kLeastRateRetryMs, wait_us / 1000);
  return false;
}

// Takes parts from the queue and opens the hard stop for each: a process that is stopped from here on is
// killed, not continued.
void Bind::Gather(int64_t now_us) {
  batch_.clear();
  octets_.clear();
  const size_t window = static_cast<size_t>(account_.options.window);
  const size_t most = std::min(kMostBatch, window - std::min(window, in_flight_.size()));
  const size_t room = most == 0 ? 0 : RoomInQueue();
  int64_t allowed = std::min({account_.own_rate.Available(now_us), own_rate_.Available(now_us),
                              account_.provider_rate.Available(now_us)});
  int gathered = 0;
  while (batch_.size() < most && allowed > 0) {
    Owned submission = account_.Front();
    if (!submission) return;
    // While receipts wait for dispatch nothing is read, answers neither: what begins now would be in doubt.
    if (account_.stalled && !submission->Begun()) return;
    Begun begun{submission, submission->FirstWaiting()};
    if (octets_.size() >= room) return;  // the last one may exceed it: a frame is at most 64 KiB
    if (now_us >= submission->task.use_by_us) {
      account_.PopFront();
      submission->GiveUpWaiting("LEASE_OVER");
      account_.Settle(submission);
      continue;
    }
    if (!submission->Begun() && !FinishesInTime(*submission, gathered, now_us)) {
      account_.PopFront();
      submission->GiveUpWaiting(submission->never ? "TOO_LONG_FOR_RATE" : "RATE_LIMIT");
      account_.Settle(submission);
      continue;
    }
    account_.Open(begun);
    begun.part().state = PartState::kWriting;
    octets_ += begun.part().frame;
    allowed -= begun.part().segments;
    gathered += begun.part().segments;
    if (submission->FirstWaiting() == submission->parts.size()) account_.PopFront();
    batch_.push_back(std::move(begun));
  }
}

// The last look before the write. What is late now was not begun.
void Bind::DropLate() {
  const int64_t now = account_.Now();
  auto late = [&](const Begun& begun) { return now >= begun.submission->task.use_by_us; };
  if (std::none_of(batch_.begin(), batch_.end(), late)) return;
  octets_.clear();
  std::erase_if(batch_, [&](const Begun& begun) {
    if (!late(begun)) {
      octets_ += begun.part().frame;
      return false;
    }
    account_.Close(begun);
    begun.part().state = PartState::kWaiting;
    begun.submission->GiveUpWaiting("LEASE_OVER");
    account_.Settle(begun.submission);
    return true;
  });
}

Bind::Step Bind::WriteBatch() {
  Gather(account_.Now());
  DropLate();
  if (batch_.empty()) return Step::kWait;
  base::CrashPoint("smpp.before_write");
  Step step = link_.tls() ? WriteSealed() : WritePlain();
  base::CrashPoint("smpp.after_write");
  return step;
}

Bind::Step Bind::WritePlain() {
  const uint64_t base = link_.written();
  const ssize_t put = link_.Write(octets_);
  const size_t taken = put < 0 ? 0 : static_cast<size_t>(put);
  const int64_t now = account_.Now();
  size_t at = 0, i = 0;
  for (; i < batch_.size() && at < taken; ++i) {
    const size_t size = batch_[i].part().frame.size();
    if (at + size > taken) {
      partial_ = batch_[i].part().frame.substr(taken - at);
      begun_ = batch_[i];
    } else {
      Written(batch_[i], base + at + size, now);
    }
    at += size;
  }
  PutBackFrom(i);
  if (put < 0) {
    Lost({"the connection to the provider broke", "UNREACHABLE"});
    return Step::kWait;
  }
  return partial_.empty() && taken > 0 ? Step::kGoOn : Step::kWait;
}

// One record a part, so that no later part waits sealed behind an earlier one.
Bind::Step Bind::WriteSealed() {
  for (size_t i = 0; i < batch_.size(); ++i) {
    if (account_.Now() >= batch_[i].submission->task.use_by_us) {
      PutBackFrom(i);
      return Step::kGoOn;  // the next round drops it
    }
    const ssize_t put = link_.Write(batch_[i].part().frame);
    if (put < 0) {
      begun_ = batch_[i];  // its record may be out in part
      PutBackFrom(i + 1);
      Lost({"the connection to the provider broke", "UNREACHABLE"});
      return Step::kWait;
    }
    if (put == 0) {
      PutBackFrom(i);
      return Step::kWait;
    }
    if (link_.wants_to_write()) {
      begun_ = batch_[i];
      PutBackFrom(i + 1);
      return Step::kWait;
    }
    Written(batch_[i], link_.written(), account_.Now());
  }
  batch_.clear();
  return Step::kGoOn;
}

// Not one octet of these was taken: they wait again, in their order, and their use-by is looked at again.
void Bind::PutBackFrom(size_t first) {
  for (size_t i = batch_.size(); i-- > first;) {
    account_.Close(batch_[i]);
    batch_[i].part().state = PartState::kWaiting;
    account_.PutBack(batch_[i].submission);
  }
  batch_.clear();
}

void Bind::Written(const Begun& begun, uint64_t end_offset, int64_t now_us) {
  Part& part = begun.part();
  part.state = PartState::kSent;
  part.sent_us = now_us;
  if (begun.submission->parts.size() == 1) part.frame = std::string();
  account_.own_rate.Take(part.segments);
  account_.provider_rate.Sent(part.segments);
  own_rate_.Take(part.segments);
  in_flight_[part.sequence] = begun;
  sent_order_.push_back(part.sequence);
  unacknowledged_.push_back({begun, part.sequence, end_offset});
}

// Closes the hard stop of what the provider's kernel has. Asked once a turn: the answer only gets better by
// waiting.
void Bind::CheckAcknowledged() {
  asked_kernel_ = true;
  acknowledged_ = link_.Acknowledged();
  while (!unacknowledged_.empty() && unacknowledged_.front().end_offset <= acknowledged_) {
    const Sent& sent = unacknowledged_.front();
    if (sent.begun.part().sequence == sent.sequence) account_.Close(sent.begun);
    unacknowledged_.pop_front();
  }
}

// A submission without an answer is in doubt, and its answer may still come. If nothing that was sent later
// was answered either, nothing new begins here: the connection is heard for as long again, for late answers,
// and then made anew.
void Bind::CheckTimeouts(int64_t now_us) {
  if (stalled_) return;  // while nothing is read, nobody is late
  const int64_t most = account_.options.response_timeout_us;
  while (!sent_order_.empty()) {
    auto it = in_flight_.find(sent_order_.front());
    if (it == in_flight_.end()) {
      sent_order_.pop_front();
      continue;
    }
    const Begun begun = it->second;
    if (now_us - std::max(read_again_us_, begun.part().sent_us) <= most) break;
    if (answered_us_ < begun.part().sent_us && silent_us_ == 0) {
      silent_us_ = now_us;
      account_.news = true;
      Say("the provider does not answer submissions in time; nothing new is sent on this connection",
          "NO_ANSWER");
    }
    in_flight_.erase(it);
    sent_order_.pop_front();
    GiveUp(begun, "RESPONSE_TIMEOUT", now_us);
  }
  ForgetLate(now_us);
  if (silent_us_ != 0 && now_us - std::max(read_again_us_, silent_us_) > most)
    Lost({"the provider did not answer a submission in time; the connection is made anew", "NO_ANSWER",
          "RESPONSE_TIMEOUT"});
}

void Bind::GiveUp(const Begun& begun, const char* reason, int64_t now_us) {
  late_[begun.part().sequence] = begun;
  late_order_.emplace_back(now_us, begun.part().sequence);
  begun.part().state = PartState::kNoAnswer;
  begun.submission->no_answer_reason = reason;
  account_.Settle(begun.submission);
}

void Bind::ForgetLate(int64_t now_us) {
  while (!late_order_.empty() &&
         (late_order_.size() > kMostLate || now_us - late_order_.front().first > kLateKeptUs)) {
    late_.erase(late_order_.front().second);
    late_order_.pop_front();
  }
}

// It answers submissions.
void Bind::Speaks() {
  answered_us_ = heard_us_;
  if (silent_us_ == 0) return;
  silent_us_ = 0;
  account_.news = true;
  if (state_ == State::kBound) Say("bound", "");
}

void Bind::OnSubmitResponse(std::string_view frame, const Header& header) {
  auto it = in_flight_.find(header.sequence);
  if (it == in_flight_.end()) return OnLateResponse(frame, header);
  base::CrashPoint("smpp.after_answer");
  Begun begun = std::move(it->second);
  in_flight_.erase(it);
  Speaks();
  account_.Close(begun);
  Part& part = begun.part();
  // "Not understood: no error" says neither yes nor no.
  if (header.command == kGenericNack && header.status == kOk)
    return GiveUp(begun, "RESPONSE_UNREADABLE", heard_us_);
  if (header.status == kOk) account_.provider_rate.Accepted(heard_us_, part.segments);
  if (AsksForLess(header.status)) {
    account_.provider_rate.Throttled(heard_us_);
    account_.throttled_us = heard_us_;
    account_.news = true;
    part.status = header.status;
    if (TryAgain(begun)) return;
  }
  Judge(begun, frame, header);
}

// It was in doubt; the provider's own answer ends that. Never tried again from here: dispatch has the word.
void Bind::OnLateResponse(std::string_view frame, const Header& header) {
  auto it = late_.find(header.sequence);
  if (it == late_.end()) return;
  Speaks();
  if (header.command == kGenericNack && header.status == kOk) return;
  const Begun begun = std::move(it->second);
  late_.erase(it);
  account_.Close(begun);
  Judge(begun, frame, header);
}

void Bind::Judge(const Begun& begun, std::string_view frame, const Header& header) {
  Part& part = begun.part();
  part.status = header.status;
  part.state = header.status == kOk ? PartState::kAccepted : PartState::kRejected;
  // A body that cannot be read takes nothing from a yes: the message is theirs, its id is unknown.
  if (auto pdu = Decode(frame); pdu.ok() && part.state == PartState::kAccepted)
    part.provider_id = account_.receipt_ids.OfAnswer(ToUtf8(base::TrimAscii(pdu->message_id)),
                                                     begun.submission->task.attempt.address());
  if (part.state == PartState::kRejected) begun.submission->GiveUpWaiting("PART_REJECTED");
  account_.Settle(begun.submission);
}

// A message must not be left in pieces because the provider asked for less in the midst of it: what it
// refused goes once more, under the same permit and before its use-by.
bool Bind::TryAgain(const Begun& begun) {
  const auto& all = begun.submission->parts;
  bool others = std::any_of(all.begin(), all.end(), [&](const Part& p) {
    return &p != &begun.part() &&
           (p.state == PartState::kAccepted || p.state == PartState::kSent || p.state == PartState::kWriting);
  });
  if (!others || account_.stopping || account_.Now() >= begun.submission->task.use_by_us) return false;
  Renumber(begun.part(), account_.NextSequence());
  begun.part().state = PartState::kWaiting;
  account_.PutBack(begun.submission);
  return true;
}

}  // namespace pharos::smpp
