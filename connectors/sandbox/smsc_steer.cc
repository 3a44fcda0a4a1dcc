// What the control port may ask of the provider.
#include <fmt/format.h>
#include <sys/socket.h>

#include <cstdlib>

#include "connectors/sandbox/smsc_impl.h"
#include "services/base/text.h"

namespace pharos::sandbox {
namespace {

constexpr int kSmallWindowBytes = 4096;

std::vector<std::string> WordsOf(const std::string& command) {
  std::vector<std::string> words;
  for (std::string& word : base::Split(command, ' '))
    if (!word.empty()) words.push_back(std::move(word));
  return words;
}

}  // namespace

// The other side's queue is to fill, not the kernel's buffer here.
void Smsc::Impl::SetSmallWindow(const SmscLink& link) const {
  setsockopt(link.fd, SOL_SOCKET, SO_RCVBUF, &kSmallWindowBytes, sizeof kSmallWindowBytes);
}

void Smsc::Impl::Resume() {
  ++window_turn_;
  drip_bytes_ = 0;
  mute_ = hold_ = false;
  refuse_status_.reset();
  throttle_.reset();
  if (options_.throttle_per_second > 0)
    throttle_.emplace(options_.throttle_per_second, options_.throttle_per_second);
  SetDeaf(false);
  for (auto& [fd, link] : links_) {
    if (!link->dirty) dirty_.push_back(fd);
    link->dirty = true;
  }
}

std::string Smsc::Impl::Stats() const {
  std::string refused;
  for (const auto& [status, count] : refused_)
    refused += fmt::format("{}\"0x{:02x}\":{}", refused.empty() ? "" : ",", status, count);
  size_t unanswered = 0, waiting = 0;
  for (const auto& [fd, link] : links_) unanswered += link->unanswered.size();
  for (const auto& [account, queue] : waiting_) waiting += queue.size();
  return fmt::format(
      "{{\"submits\":{},\"accepted\":{},\"refused\":{{{}}},\"receipts_sent\":{},\"receipts_acked\":{},"
      "\"replies_sent\":{},\"replies_acked\":{},\"binds\":{},\"links\":{},\"cut\":{},\"unanswered\":{},"
      "\"waiting\":{}}}",
      submits_.load(), accepted_.load(), refused, receipts_sent_.load(), receipts_acked_.load(),
      replies_sent_.load(), replies_acked_.load(), binds_.load(), links_.size(), cut_.load(), unanswered,
      waiting);
}

std::string Smsc::Impl::Steer(const std::string& command) {
  const auto words = WordsOf(command);
  const std::string verb = words.empty() ? "" : words[0], first = words.size() > 1 ? words[1] : "";
  if (verb == "stats") return "ok " + Stats();
  if (verb == "cut") return CutLinks(), "ok";
  if (verb == "resume") return Resume(), "ok";
  if (verb == "hold") return hold_ = true, "ok";
  if (verb == "close-window" || verb == "half-open") {
    auto lasts = ReadTime(first);
    if (verb == "close-window" && !lasts) return "error close-window needs a time, as in close-window 5s";
    for (auto& [fd, link] : links_) SetSmallWindow(*link);
    mute_ = mute_ || verb == "half-open";
    SetDeaf(true);
    if (const uint64_t turn = ++window_turn_; lasts)
      loop_.After(*lasts, [this, turn] {
        if (turn == window_turn_) Resume();
      });
    return "ok";
  }
  if (verb == "drip") {
    const long bytes = first.empty() ? 1000 : std::strtol(first.c_str(), nullptr, 10);
    if (bytes < 1) return "error drip takes octets a second, as in drip 1000";
    const bool dripping = drip_bytes_ > 0;
    drip_bytes_ = static_cast<size_t>(bytes);
    for (auto& [fd, link] : links_) SetSmallWindow(*link);
    SetDeaf(false);
    if (!dripping) DripRound();
    return "ok";
  }
  if (verb == "throttle") {
    const double rate = std::strtod(first.c_str(), nullptr);
    if (rate <= 0) return "error throttle takes messages a second, as in throttle 100/s";
    throttle_.emplace(rate, std::max(1.0, rate / 10));
    return "ok";
  }
  if (verb == "refuse") {
    auto status = StatusNamed(first);
    if (!status || *status == 0) return "error refuse takes a status, as in refuse RMSGQFUL 500";
    refuse_status_ = *status;
    refuse_share_ = words.size() > 2 ? std::atoi(words[2].c_str()) : 1000;
    return "ok";
  }
  if (verb == "mo" && words.size() >= 5) {
    static const std::map<std::string, SmsRule::ReplyForm> kForms = {{"plain", SmsRule::ReplyForm::kPlain},
                                                                     {"ucs2", SmsRule::ReplyForm::kUcs2},
                                                                     {"udh", SmsRule::ReplyForm::kUdh},
                                                                     {"sar", SmsRule::ReplyForm::kSar}};
    auto form = kForms.find(words[3]);
    std::string account;
    for (auto& [fd, link] : links_)
      if (link->delivers) account = link->account;
    if (form == kForms.end() || account.empty())
      return "error mo FROM TO plain|ucs2|udh|sar TEXT, while bound";
    std::string text = words[4];
    for (size_t i = 5; i < words.size(); ++i) text += " " + words[i];
    Say(account, {1, 1, words[1]}, {1, 1, words[2]}, text, form->second, 0);
    return "ok";
  }
  return "error commands: stats cut hold half-open close-window drip throttle refuse mo resume";
}

}  // namespace pharos::sandbox
