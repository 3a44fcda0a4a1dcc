// Messages that have come and wait for a connection, and how each is answered once.
#include "connectors/notify/session_impl.h"

namespace pharos::notify {

void Session::Impl::Begin(sdk::Task task) {
  auto errand = std::make_unique<Errand>();
  errand->kind = Errand::Kind::kSend;
  errand->task = std::move(task);
  open_.insert(errand->task.attempt.id());
  if (stopping_ || !up_ || Now() < held_until_us_)
    return Finish(errand->task, Refused(stopping_ ? "SHUTTING_DOWN" : "NO_LINK"));
  auto body = SendBody(errand->task.attempt, options_.send);
  if (!body.ok()) return Finish(errand->task, Refused("NOT_ENCODABLE", true));
  errand->body = *std::move(body);
  waiting_.push_back(std::move(errand));
  Pump();
  Hurry();
}

void Session::Impl::Recall(const std::vector<std::string>& ids) {
  std::unordered_set<std::string> recalled(ids.begin(), ids.end());
  std::vector<OwnedErrand> dropped;
  std::erase_if(waiting_, [&](OwnedErrand& errand) {
    if (recalled.count(errand->task.attempt.id()) == 0) return false;
    dropped.push_back(std::move(errand));
    return true;
  });
  for (const auto& errand : dropped) Finish(errand->task, Refused("RECALLED"));
}

void Session::Impl::LookUp(const std::vector<std::string>& ids) {
  questions_.LookUp(ids, Now());
  Pump();
  Hurry();
}

void Session::Impl::Finish(const sdk::Task& task, work::Outcome outcome, int64_t sent_us) {
  if (sent_us > 0) outcome.set_elapsed_us(sent_us - task.pull_sent_us);
  open_.erase(task.attempt.id());
  events_.finished(task.attempt.id(), std::move(outcome));
}

void Session::Impl::RefuseWaiting(const char* reason) {
  std::deque<OwnedErrand> refused;
  refused.swap(waiting_);
  for (const auto& errand : refused) Finish(errand->task, Refused(reason));
}

void Session::Impl::DropOverdue() {
  int64_t now = Now();
  while (!waiting_.empty() && now >= waiting_.front()->task.use_by_us) {
    OwnedErrand late = std::move(waiting_.front());
    waiting_.pop_front();
    Finish(late->task, Refused("LEASE_OVER"));
  }
}

}  // namespace pharos::notify
