// What connections carry, and what the answers mean for message, question and route.
#include <fmt/format.h>

#include <algorithm>

#include "connectors/notify/session_impl.h"
#include "services/base/ids.h"

namespace pharos::notify {
namespace {

constexpr int kQuestionTurn = 10;  // every tenth request may be a question though messages wait
constexpr std::string_view kSandboxName = "pharos-sandbox";

work::Outcome NoAnswer(const char* reason) {
  work::Outcome outcome;
  outcome.mutable_no_answer()->set_reason(reason);
  return outcome;
}

}  // namespace

void Session::Impl::Pump() {
  while (up_ && !stopping_ && allowance_.Has(Now())) {
    Connection* c = Idle();
    if (!c) return OpenWhereNeeded();
    OwnedErrand errand = NextErrand();
    if (!errand) return;
    allowance_.Take(Now());
    Carry(*c, std::move(errand));
  }
}

Session::Impl::OwnedErrand Session::Impl::NextErrand() {
  DropOverdue();
  bool may_send = !waiting_.empty() && Now() >= held_until_us_;
  if (!may_send || ++turn_ % kQuestionTurn == 0) {
    if (auto question = questions_.Next(Now(), clock_.WallMicros(), true)) {
      auto errand = std::make_unique<Errand>();
      errand->kind = Errand::Kind::kQuestion;
      errand->question = *std::move(question);
      return errand;
    }
  }
  if (!may_send) return nullptr;
  OwnedErrand errand = std::move(waiting_.front());
  waiting_.pop_front();
  return errand;
}

std::string Session::Impl::RequestFor(const Errand& errand) {
  const Endpoint& where = options_.connection.endpoint;
  switch (errand.kind) {
    case Errand::Kind::kStatus:
      return Get(where, kStatusPath, "");
    case Errand::Kind::kTemplate:
      return Get(where, TemplatePath(options_.send.template_id), tokens_.At(clock_.WallMicros()));
    case Errand::Kind::kSend:
      return notify::Post(where, SendPath(options_.send.kind), tokens_.At(clock_.WallMicros()), errand.body);
    case Errand::Kind::kQuestion:
      return Get(where, errand.question.path, tokens_.At(clock_.WallMicros()));
  }
  return "";
}

void Session::Impl::Carry(Connection& c, OwnedErrand errand) {
  Exchange exchange;
  exchange.number = next_number_++;
  exchange.request = RequestFor(*errand);
  if (errand->kind == Errand::Kind::kSend) exchange.task = &errand->task;
  errands_[exchange.number] = std::move(errand);
  Hurry();
  c.Carry(std::move(exchange));
}

void Session::Impl::OnAnswered(Connection& c, uint64_t number, const HttpAnswer& answer, int64_t sent_us) {
  auto node = errands_.extract(number);
  if (node.empty()) return;
  Errand& errand = *node.mapped();
  switch (errand.kind) {
    case Errand::Kind::kStatus:
      return c.SetStatus(answer.sandbox == kSandboxName);
    case Errand::Kind::kTemplate:
      return HearTemplate(answer);
    case Errand::Kind::kSend:
      return HearSend(errand, answer, sent_us);
    case Errand::Kind::kQuestion:
      return HearQuestion(errand, answer);
  }
}

void Session::Impl::OnLost(uint64_t number, Loss loss, int64_t sent_us) {
  auto node = errands_.extract(number);
  if (node.empty()) return;
  OwnedErrand errand = std::move(node.mapped());
  if (errand->kind == Errand::Kind::kTemplate) probing_ = false;
  if (errand->kind == Errand::Kind::kQuestion) return questions_.Failed(errand->question, Now());
  if (errand->kind != Errand::Kind::kSend) return;
  switch (loss) {
    case Loss::kNotBegun:
      if (stopping_ || !up_) return Finish(errand->task, Refused(stopping_ ? "SHUTTING_DOWN" : "NO_LINK"));
      waiting_.push_front(std::move(errand));  // its use-by is looked at again
      return;
    case Loss::kLate:
      return Finish(errand->task, Refused("LEASE_OVER"));
    case Loss::kCutShort:
      return Finish(errand->task, Refused("NO_LINK"));
    case Loss::kNoAnswer:
      return Finish(errand->task, NoAnswer("LINK_LOST"), sent_us);
    case Loss::kTimeout:
      return Finish(errand->task, NoAnswer("RESPONSE_TIMEOUT"), sent_us);
  }
}

void Session::Impl::HearTemplate(const HttpAnswer& answer) {
  probing_ = false;
  if (stopping_) return;
  if (answer.status != 200) {
    Trouble trouble = JudgeAsking(answer.status, answer.body, answer.retry_after_s, clock_.WallMicros());
    if (trouble.too_fast) return HearTrouble(trouble);
    return Down(trouble, std::max(trouble.pause_us, backoff_us_));
  }
  auto given = ReadTemplate(answer.body);
  std::string wrong = given.ok() ? WrongWithTemplate(*given, options_.send.kind)
                                 : "what answers at --url is not GOV.UK Notify; check the address";
  if (!wrong.empty())
    return Down({given.ok() ? "WRONG_ACCOUNT" : "PROTOCOL_ERROR", wrong}, options_.reconnect_most_us);
  up_ = true;
  Say(true, "", "ready");
}

void Session::Impl::HearSend(Errand& errand, const HttpAnswer& answer, int64_t sent_us) {
  const work::Attempt& attempt = errand.task.attempt;
  SendVerdict verdict = JudgeSend(answer.status, answer.body, base::ToHex(attempt.id()), answer.retry_after_s,
                                  clock_.WallMicros());
  // What only speaks of our settings is this message's fault until others meet it too.
  if (answer.status == 400 && !verdict.trouble.problem.empty() &&
      !blame_.Refused(attempt.address(), verdict.trouble.problem))
    FailAlone(verdict);
  if (!verdict.outcome.has_no_answer()) losses_ = 0;
  if (verdict.outcome.has_accepted()) {
    blame_.Accepted();
    backoff_us_ = options_.reconnect_first_us;
    if (IsSmokeRecipient(options_.send.kind, attempt.address()))
      verdict.outcome.mutable_accepted()->clear_provider_ids();  // nobody will ever hear of it again
    else
      questions_.Sent(attempt.id(), verdict.notify_id, clock_.WallMicros());
  }
  bool in_trouble = verdict.outcome.has_no_answer() && ++losses_ >= kLossesToPause;
  Finish(errand.task, std::move(verdict.outcome), sent_us);
  HearTrouble(verdict.trouble);
  if (in_trouble && up_) Down(JudgeAsking(500, "", 0, clock_.WallMicros()), backoff_us_);
}

void Session::Impl::HearQuestion(const Errand& errand, const HttpAnswer& answer) {
  if (answer.status != 200) {
    questions_.Failed(errand.question, Now());
    bool of_the_link = answer.status == 401 || answer.status == 403 || answer.status == 429;
    if (of_the_link)
      HearTrouble(JudgeAsking(answer.status, answer.body, answer.retry_after_s, clock_.WallMicros()));
    return;
  }
  losses_ = 0;
  Learned learned = questions_.Answered(errand.question, answer.body, Now(), clock_.WallMicros(),
                                        [this](const std::string& id) { return open_.count(id) > 0; });
  if (!learned.findings.empty() && events_.found) {
    work::Findings findings;
    for (auto& finding : learned.findings) *findings.add_findings() = std::move(finding);
    events_.found(std::move(findings));
  }
  for (auto& receipt : learned.receipts) {
    std::string reference = receipt.provider_id();
    std::string key = fmt::format("{}/{}", reference, static_cast<int>(receipt.state()));
    if (events_.receipt(key, std::move(receipt))) questions_.Settled(reference);
  }
}

void Session::Impl::HearTrouble(const Trouble& trouble) {
  if (trouble.problem.empty() || stopping_) return;
  if (trouble.too_fast) {
    allowance_.Slow(Now(), trouble.pause_us);
    if (up_) Say(true, trouble.problem, trouble.words);
    return;
  }
  if (trouble.problem != "DAILY_LIMIT") return Down(trouble, trouble.pause_us);
  held_until_us_ = Now() + trouble.pause_us;  // questions go on: what is in doubt is still found out
  Say(false, trouble.problem, trouble.words);
  RefuseWaiting("NO_LINK");
}

}  // namespace pharos::notify
