// One keep-alive connection to the API: socket, TLS, one request at a time, and the hand-over of the message
// that it carries. The request is whole before its use-by is looked at, and is written in one go. Closing
// empties the kernel's send queue (SO_LINGER {1,0} from the start). Belongs to the thread of its io_context.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "connectors/notify/http_answer.h"
#include "connectors/notify/request.h"
#include "connectors/notify/tls.h"
#include "connectors/sdk/hard_stop.h"
#include "connectors/sdk/work_book.h"
#include "services/base/clock.h"

namespace pharos::notify {

struct ConnectionOptions {
  Endpoint endpoint;
  std::shared_ptr<TlsTrust> trust;          // needed for https
  int64_t connect_timeout_us = 10'000'000;  // TCP and TLS
  int64_t response_timeout_us = 30'000'000;
  int64_t hard_stop_margin_us = 100'000;  // reset so long before the kill
  int send_queue_bytes = 256 * 1024;  // room for a whole request in the kernel, so that one write is enough
};

// A request, whole, and the message that it hands over, if it does.
struct Exchange {
  uint64_t number = 0;
  std::string request;
  const sdk::Task* task = nullptr;  // outlives the exchange
};

// How an exchange ended without an answer.
enum class Loss {
  kNotBegun,  // no octet was written: another connection may carry it
  kLate,      // likewise, because its use-by has passed
  kCutShort,  // its last octet was not written and never will be: not handed over
  kNoAnswer,  // written whole
  kTimeout,   // likewise, and the connection still stood
};

// How a connection ended. Words are empty if it was in order.
struct Ending {
  std::string problem, words;
  bool ours = false;  // we left it
};

class Connection;
// What it tells its pool, at once.
struct ConnectionEvents {
  std::function<void(Connection&)> ready;  // takes an exchange
  std::function<void(Connection&, uint64_t number, const HttpAnswer&, int64_t sent_us)> answered;
  std::function<void(Connection&, uint64_t number, Loss, int64_t sent_us)> lost;
  std::function<void(Connection&, const Ending&)> ended;  // once, last
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::io_context& io, const ConnectionOptions& options, sdk::HardStop& hard_stop,
             ConnectionEvents events, base::Clock& clock);
  ~Connection();

  void Open();
  bool ready() const { return up_ && !exchange_ && !closed_; }
  bool busy() const { return exchange_.has_value(); }
  bool opening() const { return !up_ && !closed_; }
  // Answers that have come.
  int answers() const { return answers_; }
  // Since the last answer, or since it came up; 0 = it never did.
  int64_t idle_since_us() const { return idle_since_us_; }
  // A request was lost with it of which octets had left.
  bool lost_work() const { return lost_work_; }
  // What answers says of itself that it is a sandbox.
  bool sandbox() const { return sandbox_; }
  bool asked_status() const { return asked_status_; }
  void SetStatus(bool sandbox) {
    asked_status_ = true;
    sandbox_ = sandbox;
  }
  // Only when ready. answered() or lost() follows.
  void Carry(Exchange exchange);
  // Looks at clocks and at the send queue.
  void Tick();
  // Ends it now; octets that have not left never will. Its exchange is lost.
  void Reset(Ending ending);

 private:
  using tcp = boost::asio::ip::tcp;
  enum class Phase { kNone, kBegun, kWritten };

  int64_t Now() const { return clock_.BootMicros(); }
  void TryConnect(tcp::resolver::results_type found, tcp::resolver::results_type::iterator next);
  void OnConnected();
  void Up();
  void WaitReadable();
  void WaitWritable();
  bool ReadAvailable();
  void Decode(std::string_view octets, bool gone);
  bool DecodeTls(std::string_view octets, bool gone, bool& open);
  void Answers(bool open);
  ssize_t Put(std::string_view octets);
  void FlushHandshake();
  uint64_t Acknowledged() const;
  void HandOver();
  bool MayBegin();
  void Written();
  void Disarm();
  void Lose(Loss loss);
  Loss LossNow() const;

  const ConnectionOptions& options_;
  sdk::HardStop& hard_stop_;
  const ConnectionEvents events_;
  base::Clock& clock_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  std::unique_ptr<Tls> tls_;
  AnswerReader reader_;
  std::string in_;         // plain, not yet read as an answer
  std::string handshake_;  // octets of TLS itself
  bool closed_ = false, connected_ = false, up_ = false, wait_write_ = false;
  bool asked_status_ = false, sandbox_ = false, lost_work_ = false;
  int answers_ = 0;
  uint64_t written_ = 0, end_ = 0;
  int64_t deadline_us_ = 0, idle_since_us_ = 0, sent_us_ = 0;

  std::optional<Exchange> exchange_;
  Phase phase_ = Phase::kNone;
  std::string out_;  // the request's octets that have not been written, sealed if there is TLS
  bool sealed_ = false, armed_ = false;
};

}  // namespace pharos::notify
