// One connection to the provider: socket, TLS, conversation, and the hand-over of the message it carries.
// Closing it empties the kernel's send queue (SO_LINGER {1,0} from the start). Belongs to the thread of its
// io_context.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <string>

#include "connectors/sdk/hard_stop.h"
#include "connectors/smtp/conversation.h"
#include "connectors/smtp/session.h"
#include "connectors/smtp/submission.h"
#include "services/base/clock.h"

namespace pharos::smtp {

class Connection;

// How it ended.
struct Ending {
  std::string trouble;       // empty = in order
  bool was_ready = false;    // it had come so far that it could carry messages
  bool slow = false;         // see Step
  bool unreachable = false;  // see Step
  std::string problem;       // see Step
};

// What it tells its pool, at once.
struct ConnectionEvents {
  std::function<void(Connection&)> ready;  // takes a submission
  std::function<void(const std::string& id, work::Outcome)> finished;
  std::function<void(Connection&, const Ending&)> ended;  // once, last
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::io_context& io, const SessionOptions& options, sdk::HardStop& hard_stop,
             ConnectionEvents events, base::Clock& clock);
  ~Connection();

  void Open();
  bool ready() const { return conversation_.ready() && !submission_ && !closed_; }
  bool busy() const { return submission_.has_value(); }
  bool closed() const { return closed_; }
  bool sandbox() const { return conversation_.sandbox(); }
  int messages() const { return conversation_.messages(); }
  int64_t idle_since_us() const { return idle_since_us_; }
  // Only when ready. finished() follows in any case.
  void Carry(Submission submission);
  // Looks at clocks and at the send queue.
  void Tick();
  // Takes leave in order; only when ready.
  void Quit();
  // Ends it now; octets that have not left never will.
  void Reset(const std::string& trouble);

 private:
  using tcp = boost::asio::ip::tcp;
  enum class Dot { kNone, kBegun, kWritten };  // of the final dot line

  int64_t Now() const { return clock_.BootMicros(); }
  void TryConnect(tcp::resolver::results_type found, tcp::resolver::results_type::iterator next);
  void OnConnected();
  void BeginTls();
  void WaitReadable();
  void WaitWritable();
  bool ReadAvailable();
  void Decode(std::string_view octets, bool gone);
  void Replies();
  void Act(Step step);
  void SendPlain(std::string_view plain);
  void Flush();
  ssize_t Put(std::string_view octets);
  uint64_t Acknowledged() const;
  void HandOver();
  void DotWritten();
  void Disarm();
  void FinishTask(work::Outcome outcome);
  void End(const Ending& ending, const char* why = "LINK_LOST");

  const SessionOptions& options_;
  sdk::HardStop& hard_stop_;
  const ConnectionEvents events_;
  base::Clock& clock_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  Conversation conversation_;
  std::unique_ptr<Tls> tls_;
  ReplyReader reader_;
  std::string in_;   // plain, not yet read as replies
  std::string out_;  // octets for the socket, sealed if there is TLS
  bool closed_ = false, connected_ = false, wait_write_ = false, body_begun_ = false, quitting_ = false;
  uint64_t written_ = 0, dot_end_ = 0;
  int64_t deadline_us_ = 0, idle_since_us_ = 0, sent_us_ = 0;

  std::optional<Submission> submission_;
  Dot dot_ = Dot::kNone;
  std::string final_;  // octets of the dot line that have not been written
  bool armed_ = false;
};

}  // namespace pharos::smtp
