#include "services/dispatch/message_intake.h"

#include <utility>

#include "services/dispatch/errors.h"

namespace pharos::dispatch {

struct MessageIntake::Waiting {
  NewMessage* message = nullptr;  // the caller's, who waits
  bool decided = false;
  absl::Status status;
  base::CondVar woken;  // one each: who is not meant sleeps on
};

// Tells those who wait the end of their message; that it will never be durable, if the turn was dropped.
class MessageIntake::Batch {
 public:
  explicit Batch(MessageIntake& intake) : intake_(intake) {}
  ~Batch() {
    for (auto& [waiting, status] : taken_) status = DispatchErrors::Halted();
    Decide();
  }
  void Add(WaitingPtr waiting, absl::Status status) {
    taken_.emplace_back(std::move(waiting), std::move(status));
  }
  void Decide() {
    base::MutexLock lock(intake_.mutex_);
    for (auto& [waiting, status] : taken_) {
      waiting->status = std::move(status);
      waiting->decided = true;
      waiting->woken.NotifyOne();
    }
    taken_.clear();
  }

 private:
  MessageIntake& intake_;
  std::vector<std::pair<WaitingPtr, absl::Status>> taken_;
};

// What the loop is given: it runs, or whoever waits is told that it never will.
class MessageIntake::Input {
 public:
  explicit Input(MessageIntake& intake) : intake_(intake) {}
  ~Input() {
    if (!ran_) intake_.RefuseAll();
  }
  void Run(Turn& turn) {
    ran_ = true;
    intake_.TakeSome(turn);
  }

 private:
  MessageIntake& intake_;
  bool ran_ = false;
};

std::vector<absl::Status> MessageIntake::Accept(const std::vector<NewMessage*>& messages) {
  std::vector<WaitingPtr> mine;
  for (NewMessage* message : messages) {
    mine.push_back(std::make_shared<Waiting>());
    mine.back()->message = message;
  }
  bool post = false;
  {
    base::MutexLock lock(mutex_);
    waiting_.insert(waiting_.end(), mine.begin(), mine.end());
    post = !mine.empty() && !std::exchange(posted_, true);
  }
  if (post) (void)loop_.Post([input = std::make_shared<Input>(*this)](Turn& turn) { input->Run(turn); });
  std::vector<absl::Status> decided;
  base::MutexLock lock(mutex_);
  for (const WaitingPtr& one : mine) {
    while (!one->decided) one->woken.Wait(lock);
    decided.push_back(one->status);
  }
  return decided;
}

void MessageIntake::TakeSome(Turn& turn) {
  bool more = false;
  auto batch = std::make_shared<Batch>(*this);
  for (WaitingPtr& waiting : Next(more)) {
    absl::Status status = desk_.AcceptMessage(turn, *waiting->message);
    batch->Add(std::move(waiting), std::move(status));
  }
  turn.After([batch] { batch->Decide(); });
  if (more) loop_.PostSelf([input = std::make_shared<Input>(*this)](Turn& next) { input->Run(next); });
}

std::vector<MessageIntake::WaitingPtr> MessageIntake::Next(bool& more) {
  base::MutexLock lock(mutex_);
  std::vector<WaitingPtr> next;
  size_t bytes = 0;
  while (!waiting_.empty() && next.size() < kMostInTurn && bytes < kMostBytesInTurn) {
    bytes += waiting_.front()->message->row.content().size();
    next.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  more = posted_ = !waiting_.empty();
  return next;
}

void MessageIntake::RefuseAll() {
  base::MutexLock lock(mutex_);
  for (const WaitingPtr& waiting : waiting_) {
    waiting->status = DispatchErrors::Halted();
    waiting->decided = true;
    waiting->woken.NotifyOne();
  }
  waiting_.clear();
  posted_ = false;
}

}  // namespace pharos::dispatch
