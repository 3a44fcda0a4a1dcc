// One TCP connection to a provider, plain or TLS, without a queue of its own: what the socket does not take
// stays with the caller. Death or Reset() empties the kernel's send queue (SO_LINGER {1,0} from the start).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "connectors/smpp/resolver.h"
#include "connectors/smpp/tls.h"

namespace pharos::smpp {

struct LinkOptions {
  std::string host = "127.0.0.1";
  int port = 2775;
  int send_buffer_bytes = 0;
  std::shared_ptr<TlsTrust> tls;   // nullptr: plain
  std::string tls_name;            // that the certificate must bear; empty = host
  bool plaintext_allowed = false;  // beyond loopback
};

// Belongs to one thread.
class Link {
 public:
  explicit Link(LinkOptions options) : options_(std::move(options)) {}
  ~Link() { Reset(); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Begins to connect, to the next of the host's addresses each time (there is at least one); wait for the
  // socket to become writable, then ask Connected(). UNAVAILABLE (UNREACHABLE), FAILED_PRECONDITION
  // (TLS_REQUIRED).
  absl::Status Connect(const NetAddresses& addresses);
  absl::Status Connected();
  // After Connected(), whenever the socket can be read or written: FAILED_PRECONDITION (BAD_CERTIFICATE),
  // (TLS_FAILED). OK and ready(): octets may flow.
  absl::Status Handshake();
  bool ready() const { return ready_; }
  bool open() const { return fd_ >= 0; }
  bool tls() const { return options_.tls != nullptr; }
  int fd() const { return fd_; }
  bool wants_to_write() const { return !sealed_.empty(); }

  // Appends what has arrived, until there is no more or `most` octets came; false when the other side has
  // gone.
  bool Read(std::string& buffer, size_t most);
  // How much of the octets the socket took at once, 0 if nothing; -1 when the connection is lost. With TLS
  // the octets become one record: it is taken whole (and any rest of it is written before anything else, see
  // Flush), or not begun.
  ssize_t Write(std::string_view octets);
  // Writes the rest of a begun record: false while there is some. -1 of Write shows at the next Write.
  bool Flush();
  // Octets of the stream written so far (with TLS: sealed ones), and how many of them the other side's kernel
  // has acknowledged. The latter asks the kernel.
  uint64_t written() const { return written_; }
  uint64_t Acknowledged() const;

  // Ends the connection now; bytes that have not left never will.
  void Reset();

 private:
  ssize_t Send(std::string_view octets);

  const LinkOptions options_;
  size_t next_address_ = 0;
  int fd_ = -1;
  bool ready_ = false, lost_ = false;
  uint64_t written_ = 0;
  std::unique_ptr<Tls> tls_;
  std::string sealed_;  // the rest of one begun record, or of the handshake
};

}  // namespace pharos::smpp
