// One connection of an account: binds, keeps alive, keeps a window of submissions open, hears receipts and
// people's messages, comes back when it is lost. No queue behind the use-by check. Belongs to the session's
// thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "connectors/smpp/account.h"
#include "connectors/smpp/link.h"

namespace pharos::smpp {

enum class Role { kTransceiver, kTransmitter, kReceiver };

class Bind {
 public:
  Bind(Account& account, Role role, int index);

  // What to wait for.
  int fd() const { return link_.fd(); }
  short PollEvents() const;
  int64_t WakeUs() const;  // when something is due whatever happens
  // The socket can be read or written.
  void OnReady(short events);
  // Timers: connect, time-outs, enquire_link, acknowledged octets.
  void Tick(int64_t now_us);
  // Writes what may be written now.
  void Pump();

  // And it answers submissions.
  bool bound() const { return state_ == State::kBound && silent_us_ == 0; }
  // Answers to what it was sent may still come.
  bool hears() const { return state_ == State::kBound; }
  bool down() const { return state_ == State::kDown; }
  bool sends() const { return role_ != Role::kReceiver; }
  bool idle() const { return in_flight_.empty() && !begun_.submission; }
  size_t in_flight() const { return in_flight_.size(); }
  bool armed() const { return !unacknowledged_.empty() || begun_.submission != nullptr; }
  bool stalled() const { return stalled_; }
  const std::string& detail() const { return detail_; }
  const std::string& problem() const { return problem_; }

  // An answer to a request of this link; one of an earlier link is dropped.
  void Answer(const Ticket& ticket);
  // Room again for what could not be kept.
  void Unstall();
  // The mode is known or has changed.
  void LiveChanged();
  void BeginUnbind(int64_t now_us);
  // Ends the connection if a hand-over on it must be over by `deadline_us`.
  void ResetIfDueBy(int64_t deadline_us);
  void Drop(const std::string& detail);

 private:
  enum class State { kDown, kConnecting, kSecuring, kBinding, kBound, kUnbinding };
  struct Loss {
    std::string detail, problem;
    const char* why = "LINK_LOST";
    int64_t backoff_us = -1;  // -1: the usual one
  };
  static Loss Unbound() { return {"the provider ended the session (unbind)", "UNREACHABLE"}; }
  static constexpr int64_t kUnbindWaitUs = 1'000'000;
  // What was given up is known by its number for so long, on the same connection: a late answer ends a doubt.
  static constexpr int64_t kLateKeptUs = 900'000'000;
  static constexpr size_t kMostLate = 100'000;  // 20 MB; the oldest goes
  // Every receipt and message that may be kept (20,480), answered at once, thrice: a provider that leaves so
  // much unread reads nothing.
  static constexpr size_t kMostControlBytes = 1 << 20;

  // bind.cc: the connection's life
  void Connect();
  void Progress();  // connected, secured, …
  void SendBind();
  void OnBindResponse(std::string_view frame, const Header& header);
  void Lost(const Loss& loss);
  void Say(const std::string& detail, const std::string& problem);
  void CheckSilence(int64_t now_us);
  bool Allowed() const { return account_.live.value_or(false) || sandbox_; }
  uint32_t BindCommand() const;

  // bind_receive.cc: what the provider says
  void ReadSocket();
  bool ParseFrames();
  bool OnFrame(std::string_view frame);
  void OnUnbind(const Header& header);
  bool OnDeliver(std::string_view frame, const Header& header);
  void Reply(const Header& request, uint32_t status);
  void Nack(uint32_t sequence, uint32_t status);
  void SendControl(const Pdu& pdu) { control_ += Encode(pdu); }

  // bind_window.cc: hand-over and its answers
  enum class Step { kGoOn, kWait };
  Step WriteBatch();
  void Gather(int64_t now_us);
  bool FinishesInTime(Submission& submission, int gathered, int64_t now_us);
  void DropLate();
  Step WritePlain();
  Step WriteSealed();
  void Written(const Begun& begun, uint64_t end_offset, int64_t now_us);
  void PutBackFrom(size_t first);
  bool FlushBegun();
  bool WriteControl();
  size_t RoomInQueue();
  void CheckAcknowledged();
  void CheckTimeouts(int64_t now_us);
  void OnSubmitResponse(std::string_view frame, const Header& header);
  void OnLateResponse(std::string_view frame, const Header& header);
  void Judge(const Begun& begun, std::string_view frame, const Header& header);
  void GiveUp(const Begun& begun, const char* reason, int64_t now_us);
  void ForgetLate(int64_t now_us);
  void Speaks();
  bool TryAgain(const Begun& begun);

  Account& account_;
  const Role role_;
  const int index_;
  Link link_;
  State state_ = State::kDown;
  uint64_t life_ = 0;  // of the link
  bool sandbox_ = false, stalled_ = false;
  std::string detail_ = "starting", problem_ = "STARTING";

  std::string in_;
  std::string control_;  // frames that are no hand-over
  std::string partial_;  // the rest of a frame that the socket took in part
  Begun begun_;          // whose frame that is, or whose TLS record is not out yet
  std::vector<Begun> batch_;
  std::string octets_;  // of the batch

  Bucket own_rate_;
  std::unordered_map<uint32_t, Begun> in_flight_;
  std::deque<uint32_t> sent_order_;
  std::unordered_map<uint32_t, Begun> late_;  // given up, the answer may still come
  std::deque<std::pair<int64_t, uint32_t>> late_order_;
  struct Sent {
    Begun begun;
    uint32_t sequence;
    uint64_t end_offset;
  };
  std::deque<Sent> unacknowledged_;
  uint64_t acknowledged_ = 0;  // as the kernel said in this turn
  bool asked_kernel_ = false;

  int64_t next_connect_us_ = 0, backoff_us_ = 0, refused_us_ = 0, bind_by_us_ = 0, unbind_by_us_ = 0;
  int64_t heard_us_ = 0, answered_us_ = 0, enquired_us_ = 0, stalled_us_ = 0, read_again_us_ = 0;
  bool unbound_by_provider_ = false;
  int64_t silent_us_ = 0;  // no submission was answered in time since; 0 = they are answered
  int enquiries_ = 0;
};

}  // namespace pharos::smpp
