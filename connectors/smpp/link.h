// One TCP connection to a provider, without a queue of its own: what the socket does not take stays with the
// caller. Death or Reset() empties the kernel's send queue (SO_LINGER {1,0} from the start).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace pharos::smpp {

// Belongs to one thread.
class Link {
 public:
  Link() = default;
  ~Link() { Reset(); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Begins to connect; wait for the socket to become writable, then ask Connected(). UNAVAILABLE (NO_ROUTE)
  // if it cannot.
  absl::Status Connect(const std::string& host, int port, int send_buffer_bytes);
  absl::Status Connected();
  bool open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  // Appends what has arrived; false when the other side has gone.
  bool Read(std::string& buffer);
  // How much the socket took at once, 0 if nothing; -1 when the connection is lost.
  ssize_t Write(std::string_view bytes);
  // Bytes written so far, and how many of them the other side's kernel has acknowledged.
  uint64_t written() const { return written_; }
  uint64_t Acknowledged() const;

  // Ends the connection now; bytes that have not left never will.
  void Reset();

 private:
  int fd_ = -1;
  uint64_t written_ = 0;
};

}  // namespace pharos::smpp
