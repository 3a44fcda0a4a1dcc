// The parts of the simulated provider share this; nobody else includes it. Everything is in the loop's
// thread unless it says otherwise.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "connectors/sandbox/journal.h"
#include "connectors/sandbox/loop.h"
#include "connectors/sandbox/script.h"
#include "connectors/sandbox/smsc.h"
#include "connectors/sandbox/tls.h"
#include "connectors/smpp/pdu.h"

namespace pharos::sandbox {

// A deliver_sm or data_sm on its way to an account.
struct Delivery {
  std::string frame;  // whole; the sequence is put in for each sending
  std::string account;
  bool reply = false, done = false;
  std::string id;                  // of the message, for receipts
  std::string state;               // word, for receipts
  std::string source, dest, text;  // for replies
  int sent = 0;                    // how many times
};
using DeliveryPtr = std::shared_ptr<Delivery>;

struct SmscLink {
  int fd = -1;
  uint64_t number = 0;  // descriptors are used again, numbers are not
  std::string in, out, account;
  std::string raw_out;  // under TLS: what goes to the network
  std::unique_ptr<TlsStream> tls;
  bool submits = false, delivers = false, dirty = false, wants_write = false;
  bool doomed = false;   // cut once the frame in hand is dealt with
  bool leaving = false;  // closed once everything is written
  uint32_t sequence = 0;
  std::unordered_map<uint32_t, DeliveryPtr> unanswered;
  struct Due {
    int64_t when_us;
    uint32_t sequence;
  };
  std::deque<Due> repeats;  // in the order of their time
};

class Smsc::Impl {
 public:
  Impl(SmscOptions options, std::unique_ptr<Journal> journal, std::unique_ptr<TlsServer> tls, int listener,
       int tls_listener);
  ~Impl();

  // From any thread.
  void Do(std::function<void()> change) { loop_.Do(std::move(change)); }
  const SmscOptions& options() const { return options_; }

  void CutLinks();
  void SetDeaf(bool deaf);
  std::string Steer(const std::string& command);

  std::atomic<int64_t> submits_{0}, accepted_{0}, receipts_sent_{0}, receipts_acked_{0}, replies_sent_{0},
      replies_acked_{0}, binds_{0}, cut_{0};
  bool hold_ = false;

 private:
  // smsc_link.cc
  void Accept(int listener, bool tls);
  void OnEvent(SmscLink& link, uint32_t events);
  void Read(SmscLink& link, size_t most);
  void Frames(SmscLink& link, int64_t t_ns);
  void Send(SmscLink& link, std::string_view frame);
  void Answer(SmscLink& link, const smpp::Pdu& request, uint32_t status, const std::string& text = "");
  void FlushAll();
  void FlushLater();
  bool Write(SmscLink& link);
  void Rewatch(SmscLink& link);
  void Close(int fd, const char* event);
  SmscLink* Find(int fd, uint64_t number);
  void DripRound();

  // smsc_submit.cc
  void OnFrame(SmscLink& link, std::string_view frame, int64_t t_ns);
  void OnBind(SmscLink& link, const smpp::Pdu& pdu);
  void OnSubmit(SmscLink& link, const smpp::Pdu& pdu, int64_t t_ns);
  uint32_t StatusFor(const SmscLink& link, const smpp::Pdu& pdu, const Fate& fate, const SmsRule* rule);
  void AnswerSubmit(SmscLink& link, const smpp::Pdu& pdu, uint32_t status, const std::string& id,
                    const SmsRule* rule);

  // smsc_receipt.cc
  void PlanReceipts(SmscLink& link, const smpp::Pdu& pdu, const Fate& fate, uint64_t number,
                    const std::string& id, const SmsRule* rule);
  std::string NewId(uint64_t number, const SmsRule* rule) const;
  void PlanReply(const std::string& account, const smpp::Pdu& pdu, const Fate& fate, const SmsRule* rule);
  void Say(const std::string& account, const smpp::Address& from, const smpp::Address& to,
           const std::string& text, SmsRule::ReplyForm form, int64_t after_us);

  // smsc_deliver.cc
  void Offer(const DeliveryPtr& delivery);
  void DeliverWaiting(const std::string& account);
  void Deliver(SmscLink& link, const DeliveryPtr& delivery);
  void RepeatUnanswered(SmscLink& link);
  void OnDeliverAnswer(SmscLink& link, const smpp::Pdu& pdu);

  // smsc_steer.cc
  std::string Stats() const;
  void SetSmallWindow(const SmscLink& link) const;
  void Resume();

  const SmscOptions options_;
  base::Clock& clock_ = base::Clock::System();
  const std::unique_ptr<Journal> journal_;
  const std::unique_ptr<TlsServer> tls_;
  const int listener_, tls_listener_;
  const std::string id_prefix_;
  const uint64_t first_number_;  // of messages whose ids a script words
  Loop loop_;

  std::map<int, std::unique_ptr<SmscLink>> links_;
  uint64_t next_link_ = 0, next_id_ = 0;
  std::vector<int> dirty_;
  bool flush_planned_ = false;
  std::unordered_map<std::string, std::deque<DeliveryPtr>> waiting_;  // by account
  std::unordered_set<std::string> replied_, throttled_;
  std::string buffer_;

  Follower sms_script_, bind_script_;
  std::optional<Bucket> throttle_;
  // What the control port set.
  bool deaf_ = false, mute_ = false;
  size_t drip_bytes_ = 0;     // a second; 0 = reads as fast as it can
  uint64_t window_turn_ = 0;  // which close-window is in force
  std::optional<uint32_t> refuse_status_;
  int refuse_share_ = 1000;
  std::map<uint32_t, int64_t> refused_;  // by status
};

}  // namespace pharos::sandbox
