#include "connectors/notify/questions.h"

#include <algorithm>

#include "connectors/notify/key.h"
#include "services/base/ids.h"
#include "services/base/log.h"

namespace pharos::notify {
namespace {

constexpr size_t kMostLookUps = 8'192;  // dispatch asks again about those past it
constexpr int kEmptyToBelieve = 2;      // lists without it, a lag apart, until it is not there
constexpr size_t kMostOut = 4;          // look-ups at once: messages go first
constexpr size_t kMostWatched =
    1'000'000;                           // three days of the largest daily allowance; callbacks come anyway
constexpr int64_t kRetryUs = 2'000'000;  // after a failure; doubles …
constexpr int kMostFailures = 6;         // … and after so many dispatch has to ask again
constexpr int64_t kWatchedUs = 80LL * 3'600'000'000;  // the provider tries for 72 hours
constexpr int64_t kSlackUs = 120'000'000;             // between its clock and ours
constexpr int kMostPages = 4'000;                     // of one sweep: a million messages
constexpr int64_t kLeastSweepUs = 50'000, kMostSweepUs = 900'000'000;
constexpr int64_t kStartBackUs = 80LL * 3'600'000'000;  // how far back a start looks

}  // namespace

Questions::Questions(QuestionOptions options)
    : options_(options),
      sweep_every_us_(std::clamp(options.poll_after_us / 4, kLeastSweepUs, kMostSweepUs)),
      start_due_(options.at_start) {}

Questions::Name Questions::NameOfBytes(std::string_view bytes) {
  Name name{};
  std::copy_n(bytes.begin(), std::min<size_t>(bytes.size(), name.size()), name.begin());
  return name;
}

// ---- in doubt

void Questions::LookUp(const std::vector<std::string>& ids, int64_t now_us) {
  for (const auto& id : ids) {
    if (id.size() != 16 || look_ups_.size() >= kMostLookUps) continue;
    // A list without it counts from the first time that we were asked: the hard stop was over by then.
    look_ups_.emplace(id, LookedUp{now_us, now_us + options_.lag_us});
  }
}

std::optional<Question> Questions::NextLookUp(int64_t now_us) {
  size_t out = 0;
  for (const auto& [id, asked] : look_ups_) out += asked.out;
  if (out >= kMostOut) return std::nullopt;
  for (auto& [id, asked] : look_ups_) {
    if (asked.out || asked.due_us > now_us) continue;
    asked.out = true;
    return Question{Question::Kind::kReference, ReferencePath(base::ToHex(id)), id, now_us};
  }
  return std::nullopt;
}

Learned Questions::ReadReference(const Question& question, std::string_view body, int64_t now_us,
                                 const std::function<bool(const std::string&)>& is_open) {
  Learned learned;
  auto it = look_ups_.find(question.id);
  if (it == look_ups_.end()) return learned;
  auto page = ReadPage(body);
  const std::string reference = base::ToHex(question.id);
  bool foreign = page.ok() && std::any_of(page->notifications.begin(), page->notifications.end(),
                                          [&](const Notification& n) { return n.reference != reference; });
  if (!page.ok() || foreign) {  // whoever answers does not look by reference: it proves nothing
    Failed(question, now_us);
    return learned;
  }
  it->second.out = false;
  work::Finding finding;
  finding.set_id(question.id);
  if (!page->notifications.empty()) {
    finding.mutable_there()->add_provider_ids(reference);
    if (auto receipt = ReceiptOf(page->notifications[0])) learned.receipts.push_back(*std::move(receipt));
  } else if (is_open(question.id) || question.asked_us < it->second.settle_us) {
    it->second.due_us = std::max(it->second.settle_us, now_us + (is_open(question.id) ? kRetryUs : 0));
    return learned;
  } else if (++it->second.empty < kEmptyToBelieve) {
    it->second.settle_us = it->second.due_us = now_us + options_.lag_us;
    return learned;
  } else {
    finding.set_not_there(true);
  }
  look_ups_.erase(it);
  learned.findings.push_back(std::move(finding));
  return learned;
}

// ---- silent ones

void Questions::Sent(std::string_view id, std::string_view notify_id, int64_t wall_us) {
  std::string uuid = BytesOfUuid(notify_id);
  if (id.size() != 16 || uuid.empty()) return;
  Name name = NameOfBytes(id);
  if (index_.count(name) != 0) return;
  if (watched_.size() >= kMostWatched) {
    index_.erase(watched_.front().id);
    watched_.pop_front();
    ++first_;
  }
  index_[name] = first_ + static_cast<int64_t>(watched_.size());
  watched_.push_back({name, NameOfBytes(uuid), wall_us, false});
}

// One of an earlier life, older than all that is watched: a sweep goes back in time.
void Questions::Adopt(const Notification& n) {
  Name name = NameOfBytes(base::FromHex(n.reference));
  if (index_.count(name) != 0 || watched_.size() >= kMostWatched) return;
  if (!watched_.empty() && n.created_us > watched_.front().wall_us + kSlackUs) return;
  index_[name] = --first_;
  watched_.push_front({name, NameOfBytes(BytesOfUuid(n.id)), n.created_us, false});
}

void Questions::Settled(std::string_view reference) {
  auto it = index_.find(NameOfBytes(base::FromHex(reference)));
  if (it == index_.end()) return;
  watched_[static_cast<size_t>(it->second - first_)].settled = true;
}

void Questions::Trim(int64_t wall_us) {
  while (!watched_.empty() && (watched_.front().settled || watched_.front().wall_us < wall_us - kWatchedUs)) {
    index_.erase(watched_.front().id);
    watched_.pop_front();
    ++first_;
  }
}

void Questions::BeginSweep(int64_t wall_us) {
  if (start_due_) {
    sweep_ = Sweep{"", wall_us - kStartBackUs, 0, true};
    return;
  }
  Trim(wall_us);
  int64_t silent_before = wall_us - options_.poll_after_us;
  if (watched_.empty() || watched_.front().wall_us > silent_before) return;
  auto younger = std::partition_point(watched_.begin(), watched_.end(),
                                      [&](const Watched& w) { return w.wall_us <= silent_before; });
  std::string cursor =
      younger == watched_.end() ? "" : UuidOf({younger->notify_id.data(), younger->notify_id.size()});
  sweep_ = Sweep{cursor, watched_.front().wall_us - kSlackUs, 0, false};
}

std::optional<Question> Questions::NextPage(int64_t now_us, int64_t wall_us) {
  if (page_out_ || now_us < next_sweep_us_) return std::nullopt;
  if (!sweep_) BeginSweep(wall_us);
  if (!sweep_) {
    next_sweep_us_ = now_us + sweep_every_us_;
    return std::nullopt;
  }
  page_out_ = true;
  return Question{Question::Kind::kPage, PagePath(options_.kind, sweep_->cursor), "", now_us};
}

void Questions::EndSweep(int64_t now_us) {
  start_due_ = false;
  sweep_.reset();
  next_sweep_us_ = now_us + sweep_every_us_;
}

Learned Questions::ReadSweep(std::string_view body, int64_t now_us) {
  Learned learned;
  page_out_ = false;
  auto page = ReadPage(body);
  if (!page.ok()) {
    base::Log(base::LogLevel::kWarning, "notify_page_unreadable",
              {{"reason", base::LogValue(std::string(page.status().message()))}});
    EndSweep(now_us);
    return learned;
  }
  for (const auto& n : page->notifications) {
    auto receipt = ReceiptOf(n);
    if (sweep_->adopt && n.reference.size() == 32 && base::FromHex(n.reference).size() == 16) Adopt(n);
    auto it = index_.find(NameOfBytes(base::FromHex(n.reference)));
    bool waited_for = it != index_.end() && !watched_[static_cast<size_t>(it->second - first_)].settled;
    if (receipt && waited_for) learned.receipts.push_back(*std::move(receipt));
  }
  bool over = !page->more || page->notifications.empty() || ++sweep_->pages >= kMostPages ||
              (page->notifications.back().created_us != 0 &&
               page->notifications.back().created_us < sweep_->until_wall_us);
  if (over)
    EndSweep(now_us);
  else
    sweep_->cursor = page->notifications.back().id;
  return learned;
}

// ---- both

std::optional<Question> Questions::Next(int64_t now_us, int64_t wall_us, bool ask_pages) {
  if (auto look_up = NextLookUp(now_us)) return look_up;
  return ask_pages ? NextPage(now_us, wall_us) : std::nullopt;
}

Learned Questions::Answered(const Question& question, std::string_view body, int64_t now_us, int64_t wall_us,
                            const std::function<bool(const std::string&)>& is_open) {
  if (question.kind == Question::Kind::kReference) return ReadReference(question, body, now_us, is_open);
  return ReadSweep(body, now_us);
}

void Questions::Failed(const Question& question, int64_t now_us) {
  if (question.kind == Question::Kind::kPage) {
    page_out_ = false;
    next_sweep_us_ = now_us + std::max(kRetryUs, sweep_every_us_);
    return;
  }
  auto it = look_ups_.find(question.id);
  if (it == look_ups_.end()) return;
  it->second.out = false;
  if (++it->second.failures > kMostFailures) {
    look_ups_.erase(it);
    return;
  }
  it->second.due_us = now_us + (kRetryUs << (it->second.failures - 1));
}

}  // namespace pharos::notify
