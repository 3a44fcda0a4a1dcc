// TLS without sockets: octets in, octets out, so that whoever reads the socket keeps the kernel's stamps.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

struct ssl_ctx_st;
struct ssl_st;

namespace pharos::sandbox {

// Makes cert.pem and key.pem (P-256, self-signed, for localhost and 127.0.0.1, ten years) in `folder` unless
// both are there; the key is readable by its owner only. UNAVAILABLE (CERTIFICATE_UNWRITABLE).
absl::Status EnsureCertificate(const std::string& folder);
// The same, for somebody-else.invalid and expired long ago.
absl::Status EnsureBadCertificate(const std::string& folder);

// Shared by a server's connections; of one thread.
class TlsServer {
 public:
  // With the files that EnsureCertificate makes. INVALID_ARGUMENT (CERTIFICATE_WRONG).
  static absl::StatusOr<std::unique_ptr<TlsServer>> Open(const std::string& folder);
  ~TlsServer();

 private:
  friend class TlsStream;
  explicit TlsServer(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

// One connection's server side.
class TlsStream {
 public:
  explicit TlsStream(TlsServer& server);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;

  // What came from the network; adds what it means to `plain`. False: broken, close.
  bool Feed(std::string_view raw, std::string& plain);
  // To be said; goes out with TakeRaw.
  bool Write(std::string_view plain);
  // What has to go to the network, handshake included.
  std::string TakeRaw();

 private:
  ssl_st* ssl_;
};

}  // namespace pharos::sandbox
