#include "connectors/smpp/account.h"

#include <algorithm>

#include "services/base/crash_point.h"
#include "services/base/errors.h"

namespace pharos::smpp {

Account::Account(SessionOptions given, std::unique_ptr<sdk::HardStop> stop, SessionEvents told,
                 base::Clock& time)
    : options(std::move(given)),
      hard_stop(std::move(stop)),
      events(std::move(told)),
      clock(time),
      own_rate(options.per_second),
      receipt_ids(options.receipt_ids),
      resolver(options.host, options.port, options.look_up),
      parts(options.hold_parts_us),
      live(options.live),
      jitter_(std::random_device{}()) {
  reference_ =
      static_cast<uint16_t>(jitter_());  // references of the last run are still being put together somewhere
}

int64_t Account::Jittered(int64_t wait_us) {
  return wait_us + std::uniform_int_distribution<int64_t>(0, wait_us / 4)(jitter_);
}

void Account::Give(std::string id, work::Outcome outcome) {
  outbox_.push_back({std::move(id), std::move(outcome)});
}

void Account::TellOutcomes() {
  if (outbox_.empty()) return;
  base::CrashPoint("smpp.before_outcome");
  events.finished(std::exchange(outbox_, {}));
}

void Account::Take(sdk::Task task, bool sending) {
  std::string id = task.attempt.id();
  work::Outcome outcome;
  if (!sending || stopping) {
    outcome.mutable_refused()->set_reason(stopping ? "SHUTTING_DOWN" : "NO_LINK");
    return Give(std::move(id), std::move(outcome));
  }
  auto submission =
      MakeSubmission(std::move(task), options.submit, ++reference_, [this] { return NextSequence(); });
  if (!submission.ok()) {
    outcome.mutable_refused()->set_reason(base::ReasonOf(submission.status()));
    outcome.mutable_refused()->set_permanent(true);
    return Give(std::move(id), std::move(outcome));
  }
  waiting.push_back(std::make_shared<Submission>(*std::move(submission)));
  waiting.back()->queued = true;
}

void Account::Recall(const std::vector<std::string>& ids) {
  const std::unordered_set<std::string> recalled(ids.begin(), ids.end());
  std::erase_if(waiting, [&](const Owned& submission) {
    if (!recalled.count(submission->task.attempt.id())) return false;
    bool begun = std::any_of(submission->parts.begin(), submission->parts.end(),
                             [](const Part& p) { return p.state != PartState::kWaiting; });
    if (begun) return false;
    submission->GiveUpWaiting("RECALLED");
    Settle(submission);
    submission->queued = false;
    return true;
  });
}

void Account::RefuseWaiting(const char* reason) {
  for (auto& submission : std::exchange(waiting, {})) {
    submission->queued = false;
    submission->GiveUpWaiting(reason);
    Settle(submission);
  }
}

void Account::DropOverdue(int64_t now_us) {
  std::erase_if(waiting, [&](const Owned& submission) {
    bool given_up = submission->FirstWaiting() == submission->parts.size();
    if (!given_up && now_us < submission->task.use_by_us) return false;
    submission->queued = false;
    submission->GiveUpWaiting("LEASE_OVER");
    Settle(submission);
    return true;
  });
}

void Account::PutBack(const Owned& submission) {
  if (submission->queued) return;
  submission->queued = true;
  waiting.push_front(submission);
}

Owned Account::Front() {
  while (!waiting.empty() && waiting.front()->FirstWaiting() == waiting.front()->parts.size()) PopFront();
  return waiting.empty() ? nullptr : waiting.front();
}

void Account::PopFront() {
  waiting.front()->queued = false;
  waiting.pop_front();
}

void Account::Open(const Begun& begun) {
  begun.part().open = true;
  if (begun.submission->open_parts++ == 0) hard_stop->Open(begun.submission->task.hard_stop_us);
}

void Account::Close(const Begun& begun) {
  if (!begun.part().open) return;
  begun.part().open = false;
  if (--begun.submission->open_parts == 0) hard_stop->Close(begun.submission->task.hard_stop_us);
}

void Account::Settle(const Owned& submission) {
  if (!submission->Settled() || submission->told == Told::kFate) return;
  auto outcome = OutcomeOf(*submission, options.statuses);
  const Told now = outcome.has_no_answer() ? Told::kDoubt : Told::kFate;
  if (now == submission->told) return;
  submission->told = now;
  if (outcome.has_accepted()) blame.Accepted();
  if (outcome.has_rejected()) blame.Weigh(submission->task.attempt.address(), *outcome.mutable_rejected());
  Give(submission->task.attempt.id(), std::move(outcome));
}

bool Account::TellParts(const std::string& name) {
  auto* group = parts.Find(name);
  if (!group || group->tickets.empty()) return true;
  InboundSettings settings{options.system_id, options.inbound_id_tlv, options.submit.latin1};
  auto keyed = ToMessage(group->from, group->to, Assembler::TextOf(*group, options.submit.latin1), settings,
                         group->begun_wall_us);
  auto sequence = events.inbound(keyed.key, std::move(keyed.message));
  if (!sequence) return false;
  auto tickets = parts.Told(name, Now());
  auto& all = unanswered[*sequence];
  all.insert(all.end(), tickets.begin(), tickets.end());
  return true;
}

void Account::TellDueParts(int64_t now_us) {
  for (const auto& name : parts.Due(now_us))
    if (!TellParts(name)) return;
}

}  // namespace pharos::smpp
