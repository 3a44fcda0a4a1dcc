// The parts of the simulated mail server share this; nobody else includes it. Everything is in the loop's
// thread unless it says otherwise.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "connectors/sandbox/journal.h"
#include "connectors/sandbox/loop.h"
#include "connectors/sandbox/mail_out.h"
#include "connectors/sandbox/mail_server.h"
#include "connectors/sandbox/mail_session.h"
#include "connectors/sandbox/one_click.h"
#include "connectors/sandbox/tls.h"

namespace pharos::sandbox {

inline constexpr size_t kMailReadBytes = 64 * 1024;

struct MailLink {
  int fd = -1;
  bool closing = false;  // once everything is written
  int64_t last_us = 0;
  int64_t held_until_us = 0;  // nothing is said before
  uint32_t watched = 0;       // epoll's bits, as last set
  std::string raw_out;
  std::unique_ptr<TlsStream> tls;
  std::unique_ptr<MailSession> session;
};

class MailServer::Impl {
 public:
  Impl(MailOptions options, std::unique_ptr<Journal> journal, std::unique_ptr<TlsServer> tls, int listener);
  ~Impl();

  MailCounts Counts() const;
  void Do(std::function<void()> change) { loop_.Do(std::move(change)); }
  void CutLinks();
  void SetDeaf(bool deaf);
  std::string Steer(const std::string& command);
  const MailOptions& options() const { return options_; }
  bool hold_ = false;  // in the thread

 private:
  void Accept();
  void OnEvent(MailLink& c, uint32_t events);
  void Read(MailLink& c);
  void Follow(MailLink& c, MailSession::Next next);
  std::string OnRecipient(MailLink& c, const Envelope& envelope, Recipient& recipient, int64_t t_ns);
  MailSession::Verdict OnMessage(MailLink& c, const Envelope& envelope, std::string_view data, int64_t t_ns);
  std::string ScriptedAnswer(const std::string& address, Recipient& recipient);
  void NoteRefusal(MailLink& c, const Envelope& envelope, const std::string& address, int status,
                   const std::string& message_id, int64_t t_ns);
  const MailRule* RuleOf(const Recipient& recipient) const;
  void Hold(MailLink& c, int64_t us);
  uint32_t Wanted(const MailLink& c) const;
  void Rewatch(MailLink& c);

  // mail_later.cc
  void PlanDsn(const Envelope& envelope, const Recipient& recipient, std::string_view data,
               const MailFate& fate, const std::string& message_id, int64_t t_ns);
  void PlanUnsubscribe(const Recipient& recipient, std::string_view data, const MailFate& fate,
                       const std::string& message_id);
  void PlanOneClick(const std::string& url, const Recipient& recipient, int64_t after_us,
                    const std::string& message_id);
  void PlanPeoplesMails(const Envelope& envelope, const Recipient& recipient, std::string_view data,
                        const std::string& message_id);
  void SendOut(OutgoingMail mail);
  std::string NewId() { return fmt::format("{}m{:08x}", id_prefix_, next_id_++); }
  void FlushAll();
  void Write(MailLink& c);
  void Close(int fd, bool reset);
  void CloseIdle();

  // mail_steer.cc
  std::string Stats() const;
  void Resume();

  const MailOptions options_;
  base::Clock& clock_ = base::Clock::System();
  const std::unique_ptr<Journal> journal_;
  const std::unique_ptr<TlsServer> tls_;
  const int listener_;
  const std::string id_prefix_;
  Loop loop_;
  std::unique_ptr<MailOut> out_;
  std::atomic<int64_t> connections_seen_{0}, accepted_{0}, refused_{0}, over_tls_{0}, dsns_sent_{0},
      dsns_acked_{0}, unsubscribes_sent_{0}, unsubscribes_acked_{0}, complaints_{0}, auto_replies_{0},
      one_clicks_{0}, one_clicks_acked_{0};

  // In the loop's thread.
  bool deaf_ = false, mute_ = false;
  uint64_t window_turn_ = 0;  // which close-window is in force
  std::string refuse_answer_;
  std::optional<Bucket> throttle_;
  std::map<int, int64_t> refused_by_;  // code
  int64_t cut_ = 0;
  Follower script_;
  std::unique_ptr<OneClick> one_click_;
  uint64_t next_id_ = 0;
  std::map<int, std::unique_ptr<MailLink>> connections_;
  std::vector<int> touched_;  // may have something to write
  std::unordered_set<std::string> deferred_, unsubscribed_;
  std::string buffer_ = std::string(kMailReadBytes, '\0');
};

}  // namespace pharos::sandbox
