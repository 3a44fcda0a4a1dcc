#include "connectors/notify/tls.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "services/base/errors.h"

namespace pharos::notify {
namespace {

constexpr size_t kChunk = 16 * 1024;  // a TLS record

SSL* Of(void* ssl) {
  return static_cast<SSL*>(ssl);
}

bool IsIpAddress(const std::string& host) {
  in6_addr ignored;
  return inet_pton(AF_INET, host.c_str(), &ignored) == 1 || inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

}  // namespace

absl::StatusOr<std::shared_ptr<TlsTrust>> TlsTrust::Make(const std::string& ca_file) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  std::shared_ptr<TlsTrust> trust(new TlsTrust(context));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  bool loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context) == 1
                                : SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) == 1;
  ERR_clear_error();
  if (loaded) return trust;
  return base::MakeError(absl::StatusCode::kInvalidArgument, "CA_WRONG",
                         ca_file.empty()
                             ? "the system's certificates cannot be read; name them with --ca-file"
                             : fmt::format("{} holds no certificate in PEM form", ca_file));
}

TlsTrust::~TlsTrust() {
  SSL_CTX_free(static_cast<SSL_CTX*>(context_));
}

Tls::Tls(std::shared_ptr<TlsTrust> trust, const std::string& host)
    : trust_(std::move(trust)), ssl_(SSL_new(static_cast<SSL_CTX*>(trust_->context_))) {
  SSL* ssl = Of(ssl_);
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(ssl);
  SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
  bool address = IsIpAddress(host);
  if (!address) SSL_set_tlsext_host_name(ssl, host.c_str());
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (address)
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  else
    SSL_set1_host(ssl, host.c_str());
}

Tls::~Tls() {
  SSL_free(Of(ssl_));
}

bool Tls::Handshake() {
  ERR_clear_error();
  int result = SSL_do_handshake(Of(ssl_));
  if (result == 1) {
    done_ = true;
    return true;
  }
  int error = SSL_get_error(Of(ssl_), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return true;
  long verdict = SSL_get_verify_result(Of(ssl_));
  unsigned long why = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(why);
  error_ = verdict != X509_V_OK
               ? fmt::format("its certificate is not accepted: {}", X509_verify_cert_error_string(verdict))
               : fmt::format("TLS failed: {}", reason ? reason : "the other side gave up");
  bad_certificate_ = verdict != X509_V_OK;
  ERR_clear_error();
  return false;
}

void Tls::Feed(std::string_view octets) {
  BIO_write(SSL_get_rbio(Of(ssl_)), octets.data(), static_cast<int>(octets.size()));
}

bool Tls::Read(std::string& plain) {
  for (;;) {
    ERR_clear_error();
    size_t had = plain.size();
    plain.resize(had + kChunk);
    int got = SSL_read(Of(ssl_), plain.data() + had, kChunk);
    plain.resize(had + (got > 0 ? static_cast<size_t>(got) : 0));
    if (got > 0) continue;
    int error = SSL_get_error(Of(ssl_), got);
    ERR_clear_error();
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  }
}

std::string Tls::TakeOutput() {
  BIO* out = SSL_get_wbio(Of(ssl_));
  std::string octets(BIO_ctrl_pending(out), '\0');
  if (!octets.empty()) BIO_read(out, octets.data(), static_cast<int>(octets.size()));
  return octets;
}

std::string Tls::Seal(std::string_view plain) {
  ERR_clear_error();
  // A memory BIO takes everything: a write is whole or the session is broken.
  if (SSL_write(Of(ssl_), plain.data(), static_cast<int>(plain.size())) <= 0) {
    ERR_clear_error();
    return "";
  }
  return TakeOutput();
}

}  // namespace pharos::notify
