// What the control port may ask of the mail server.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstdlib>

#include "connectors/sandbox/mail_server_impl.h"
#include "services/base/text.h"

namespace pharos::sandbox {
namespace {

constexpr int kSmallWindowBytes = 4096;

}  // namespace

std::string MailServer::Impl::Stats() const {
  std::string refused;
  for (const auto& [status, count] : refused_by_)
    refused += fmt::format("{}\"{}\":{}", refused.empty() ? "" : ",", status, count);
  return fmt::format(
      "{{\"accepted\":{},\"refused\":{{{}}},\"over_tls\":{},\"connections\":{},\"open\":{},\"cut\":{},"
      "\"dsns_sent\":{},\"dsns_acked\":{},\"unsubscribes_sent\":{},\"unsubscribes_acked\":{},\"complaints\":{"
      "},"
      "\"auto_replies\":{},\"one_clicks\":{},\"one_clicks_acked\":{}}}",
      accepted_.load(), refused, over_tls_.load(), connections_seen_.load(), connections_.size(), cut_,
      dsns_sent_.load(), dsns_acked_.load(), unsubscribes_sent_.load(), unsubscribes_acked_.load(),
      complaints_.load(), auto_replies_.load(), one_clicks_.load(), one_clicks_acked_.load());
}

void MailServer::Impl::Resume() {
  ++window_turn_;
  mute_ = hold_ = false;
  refuse_answer_.clear();
  throttle_.reset();
  SetDeaf(false);
  for (auto& [fd, c] : connections_) touched_.push_back(fd);
}

std::string MailServer::Impl::Steer(const std::string& command) {
  const size_t blank = std::min(command.find(' '), command.size());
  const std::string verb = command.substr(0, blank);
  const std::string rest(base::TrimAscii(std::string_view(command).substr(blank)));
  if (verb == "stats") return "ok " + Stats();
  if (verb == "cut") return CutLinks(), "ok";
  if (verb == "resume") return Resume(), "ok";
  if (verb == "hold") return hold_ = true, "ok";
  if (verb == "close-window" || verb == "half-open") {
    auto lasts = ReadTime(rest);
    if (verb == "close-window" && !lasts) return "error close-window needs a time, as in close-window 5s";
    for (auto& [fd, c] : connections_)
      setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kSmallWindowBytes, sizeof kSmallWindowBytes);
    mute_ = mute_ || verb == "half-open";
    SetDeaf(true);
    if (const uint64_t turn = ++window_turn_; lasts)
      loop_.After(*lasts, [this, turn] {
        if (turn == window_turn_) Resume();
      });
    return "ok";
  }
  if (verb == "throttle") {
    const double rate = std::strtod(rest.c_str(), nullptr);
    if (rate <= 0) return "error throttle takes messages a second, as in throttle 100/s";
    throttle_.emplace(rate, std::max(1.0, rate / 10));
    return "ok";
  }
  if (verb == "refuse") {
    const bool answer = rest.size() > 4 && (rest[0] == '4' || rest[0] == '5') && rest[3] == ' ';
    if (!answer) return "error refuse takes an answer, as in refuse 451 4.7.1 Come again";
    refuse_answer_ = rest;
    return "ok";
  }
  return "error commands for mail: stats cut hold half-open close-window throttle refuse resume";
}

}  // namespace pharos::sandbox
