#include "connectors/smtp/listener.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <set>
#include <thread>

#include "connectors/smtp/inbound.h"
#include "services/base/errors.h"
#include "services/base/log.h"

namespace pharos::smtp {
namespace {

using boost::asio::ip::tcp;
using ErrorCode = boost::system::error_code;
constexpr auto kTick = std::chrono::milliseconds(200);         // how late a time-out may be noticed
constexpr auto kAcceptPause = std::chrono::milliseconds(100);  // when no file descriptor is left
constexpr auto kRefusalPause = std::chrono::milliseconds(10);  // between callers for whom there is no place

constexpr std::string_view kBusy = "421 4.3.2 too many connections; come back later\r\n";
constexpr std::string_view kTooSlow = "421 4.4.2 you take too long; come back later\r\n";

// As far as the socket takes them: nobody is waited for, and they count for little.
void LastWords(tcp::socket& socket, std::string_view words) {
  ErrorCode ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(boost::asio::buffer(words.data(), words.size()), ignored);
}

}  // namespace

// One connection.
struct Caller : std::enable_shared_from_this<Caller> {
  Caller(tcp::socket socket, const GuestOptions& options) : socket(std::move(socket)), guest(options) {}
  tcp::socket socket;
  Guest guest;
  std::array<char, 16 * 1024> buffer;
  std::string answers, writing;
  std::set<uint64_t> missing;  // not yet acknowledged
  int64_t heard_us = 0, kept_by_us = 0;
  int64_t came_us = 0;
  int64_t useful_us = 0;  // since it came, or brought a whole letter
  bool reading = false;
  bool waiting = false;  // for dispatch
};

struct Listener::Impl {
  Impl(ListenerOptions options, ListenerEvents events, base::Clock& clock)
      : options(std::move(options)),
        events(std::move(events)),
        clock(clock),
        acceptor(io),
        pause(io),
        timer(io) {}

  absl::Status Listen();
  void Accept();
  void AcceptAfter(std::chrono::milliseconds wait);
  void Welcome(tcp::socket socket);
  bool MakeRoom();
  void Read(const std::shared_ptr<Caller>& caller);
  void Write(const std::shared_ptr<Caller>& caller);
  void Letters(const std::shared_ptr<Caller>& caller);
  bool Keep(Caller& caller, const Letter& letter);
  void Settle(const std::shared_ptr<Caller>& caller, bool kept);
  void Close(const std::shared_ptr<Caller>& caller);
  void Tick();

  const ListenerOptions options;
  const ListenerEvents events;
  base::Clock& clock;
  boost::asio::io_context io{1};
  tcp::acceptor acceptor;
  boost::asio::steady_timer pause, timer;
  std::set<std::shared_ptr<Caller>> callers;
  int port = 0;
  std::thread thread;
};

absl::Status Listener::Impl::Listen() {
  ErrorCode error;
  tcp::resolver resolver(io);
  auto found = resolver.resolve(options.host, std::to_string(options.port), error);
  if (!error && !found.empty()) {
    tcp::endpoint endpoint = *found.begin();
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
    if (!error) port = acceptor.local_endpoint(error).port();
  }
  if (!error) return absl::OkStatus();
  return base::MakeError(absl::StatusCode::kUnavailable, "CANNOT_LISTEN",
                         fmt::format("cannot listen on {}:{}: {}; choose another --listen", options.host,
                                     options.port, error.message()));
}

void Listener::Impl::Accept() {
  acceptor.async_accept([this](const ErrorCode& error, tcp::socket socket) {
    if (error == boost::asio::error::operation_aborted) return;
    // Out of descriptors, most likely: the caller stays in the queue, so trying again at once would spin.
    if (error) return AcceptAfter(kAcceptPause);
    if (callers.size() < options.connections || MakeRoom()) {
      Welcome(std::move(socket));
      return Accept();
    }
    LastWords(socket, kBusy);
    AcceptAfter(kRefusalPause);
  });
}

void Listener::Impl::AcceptAfter(std::chrono::milliseconds wait) {
  pause.expires_after(wait);
  pause.async_wait([this](const ErrorCode& error) {
    if (!error) Accept();
  });
}

void Listener::Impl::Welcome(tcp::socket socket) {
  auto caller = std::make_shared<Caller>(std::move(socket), options.guest);
  caller->came_us = caller->useful_us = caller->heard_us = clock.BootMicros();
  caller->answers = caller->guest.Greeting();
  callers.insert(caller);
  Write(caller);
  Read(caller);
}

// Who has brought nothing for longest goes, but nobody whose letter dispatch is about to keep.
bool Listener::Impl::MakeRoom() {
  std::shared_ptr<Caller> longest;
  for (const auto& caller : callers)
    if (!caller->waiting && (!longest || caller->useful_us < longest->useful_us)) longest = caller;
  if (!longest || clock.BootMicros() - longest->useful_us < options.least_stay_us) return false;
  if (longest->writing.empty()) LastWords(longest->socket, kTooSlow);
  Close(longest);
  return true;
}

// The next words are read once the answers to the last have gone: whoever does not read them cannot pile them
// up.
void Listener::Impl::Read(const std::shared_ptr<Caller>& caller) {
  if (caller->reading || caller->waiting || caller->guest.over() || !caller->writing.empty()) return;
  caller->reading = true;
  caller->socket.async_read_some(boost::asio::buffer(caller->buffer),
                                 [this, caller](const ErrorCode& error, size_t size) {
                                   caller->reading = false;
                                   if (error) return Close(caller);
                                   caller->heard_us = clock.BootMicros();
                                   caller->guest.Feed({caller->buffer.data(), size}, caller->answers);
                                   Letters(caller);
                                   Write(caller);
                                   Read(caller);
                                 });
}

void Listener::Impl::Write(const std::shared_ptr<Caller>& caller) {
  if (!caller->writing.empty()) return;
  if (caller->answers.empty()) {
    if (caller->guest.over()) Close(caller);
    return;
  }
  caller->writing.swap(caller->answers);
  boost::asio::async_write(caller->socket, boost::asio::buffer(caller->writing),
                           [this, caller](const ErrorCode& error, size_t) {
                             caller->writing.clear();
                             if (error) return Close(caller);
                             Write(caller);
                             Read(caller);
                           });
}

// Hands on what has come whole. Nothing more is read while dispatch has not kept it.
void Listener::Impl::Letters(const std::shared_ptr<Caller>& caller) {
  while (auto letter = caller->guest.TakeLetter()) {
    bool room = Keep(*caller, *letter);
    if (room && !caller->missing.empty()) {
      caller->waiting = true;
      caller->kept_by_us = clock.BootMicros() + options.keep_wait_us;
      return;
    }
    caller->missing.clear();
    if (room) caller->useful_us = clock.BootMicros();
    caller->guest.Kept(room, caller->answers);
  }
}

// False: there is no room for it. The sequences to wait for stand in `missing` then.
bool Listener::Impl::Keep(Caller& caller, const Letter& letter) {
  for (const auto& recipient : letter.recipients) {
    auto inbound = ReadInbound(recipient.address, recipient.text, letter.reverse_path, letter.message,
                               clock.WallMicros(), options.guest.token_key);
    const bool complaint = inbound && inbound->receipt && inbound->receipt->complaint();
    const char* kind = complaint || recipient.address.kind == AddressKind::kComplaint ? "complaint"
                       : recipient.address.kind == AddressKind::kBounce               ? "bounce"
                                                                                      : "unsubscribe";
    base::Log(base::LogLevel::kInfo, "mail_came",
              {{"kind", std::string(kind)},
               {"low_trust", inbound && inbound->low_trust},
               {"octets", int64_t(letter.message.size())},
               {"understood", inbound.has_value()}});
    if (!inbound) continue;
    auto sequence = inbound->receipt ? events.receipt(inbound->key, *std::move(inbound->receipt))
                                     : events.inbound(inbound->key, *std::move(inbound->message));
    if (!sequence) return false;
    caller.missing.insert(*sequence);
  }
  return true;
}

void Listener::Impl::Settle(const std::shared_ptr<Caller>& caller, bool kept) {
  caller->waiting = false;
  caller->missing.clear();
  caller->heard_us = clock.BootMicros();
  if (kept) caller->useful_us = caller->heard_us;
  caller->guest.Kept(kept, caller->answers);
  Letters(caller);
  Write(caller);
  Read(caller);
}

void Listener::Impl::Close(const std::shared_ptr<Caller>& caller) {
  if (callers.count(caller) == 0) return;
  ErrorCode ignored;
  caller->socket.close(ignored);
  callers.erase(caller);
}

void Listener::Impl::Tick() {
  timer.expires_after(kTick);
  timer.async_wait([this](const ErrorCode& error) {
    if (error) return;
    int64_t now = clock.BootMicros();
    for (const auto& caller : std::set<std::shared_ptr<Caller>>(callers)) {
      if (caller->waiting && now >= caller->kept_by_us) Settle(caller, false);
      if (caller->waiting) continue;
      const bool silent = now - caller->heard_us >= options.silence_us;
      if (!silent && now - caller->came_us < options.total_us) continue;
      if (caller->writing.empty()) LastWords(caller->socket, kTooSlow);
      Close(caller);
    }
    Tick();
  });
}

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Start(ListenerOptions options, ListenerEvents events,
                                                          base::Clock& clock) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(events), clock);
  PHAROS_RETURN_IF_ERROR(impl->Listen());
  impl->Accept();
  impl->Tick();
  impl->thread = std::thread([raw = impl.get()] { raw->io.run(); });
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

Listener::~Listener() {
  Stop();
}

int Listener::port() const {
  return impl_->port;
}

void Listener::Acknowledged(std::vector<uint64_t> sequences) {
  boost::asio::post(impl_->io, [impl = impl_.get(), sequences = std::move(sequences)] {
    for (const auto& caller : std::set<std::shared_ptr<Caller>>(impl->callers)) {
      if (!caller->waiting) continue;
      for (uint64_t sequence : sequences) caller->missing.erase(sequence);
      if (caller->missing.empty()) impl->Settle(caller, true);
    }
  });
}

void Listener::Stop() {
  if (!impl_->thread.joinable()) return;
  impl_->io.stop();
  impl_->thread.join();
  impl_->callers.clear();
}

}  // namespace pharos::smtp
