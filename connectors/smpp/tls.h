// TLS without a socket: octets in, octets out, so that the caller knows exactly which of them have left.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pharos::smpp {

struct TlsFiles {
  std::string ca;  // PEM; empty = the system's. Only these are trusted: naming the provider's own pins it
  std::string certificate, key;  // PEM, our own, where the provider asks for one; empty = none
};

// What certificates are trusted, and our own. Thread-safe once made.
class TlsTrust {
 public:
  // INVALID_ARGUMENT (CA_WRONG), (CERTIFICATE_WRONG).
  static absl::StatusOr<std::shared_ptr<TlsTrust>> Make(const TlsFiles& files);
  ~TlsTrust();
  TlsTrust(const TlsTrust&) = delete;
  TlsTrust& operator=(const TlsTrust&) = delete;

 private:
  friend class Tls;
  explicit TlsTrust(void* context) : context_(context) {}
  void* context_;  // SSL_CTX
};

// Belongs to one thread.
class Tls {
 public:
  // A client of `host`, whose certificate must be trusted and bear that name.
  Tls(std::shared_ptr<TlsTrust> trust, const std::string& host);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  // Goes as far as what was fed allows; false: it failed, see Error().
  bool Handshake();
  bool done() const { return done_; }
  void Feed(std::string_view octets);
  // Appends what was read; false: the other side ended the session or broke it.
  bool Read(std::string& plain);
  // Octets to send: of the handshake, of alerts, …
  std::string TakeOutput();
  // Octets to send for `plain`, in order after TakeOutput()'s.
  std::string Seal(std::string_view plain);
  // In words, without anything the other side wrote.
  std::string Error() const { return error_; }
  // It failed because of the other side's certificate.
  bool bad_certificate() const { return bad_certificate_; }

 private:
  std::shared_ptr<TlsTrust> trust_;
  void* ssl_;
  bool done_ = false, bad_certificate_ = false;
  std::string error_;
};

}  // namespace pharos::smpp
