#include "connectors/sandbox/tls.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <filesystem>

#include "services/base/errors.h"

namespace pharos::sandbox {
namespace {

constexpr long kTenYearsS = 10L * 365 * 24 * 3600;  // a box that stands in a corner should not expire

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

absl::Status Unwritable(const std::string& folder) {
  return base::MakeError(
      absl::StatusCode::kUnavailable, "CERTIFICATE_UNWRITABLE",
      fmt::format("cannot make a certificate in {}; give a --mail-tls-dir that can be written", folder));
}

bool AddExtension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  bool ok = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return ok;
}

bool Fill(X509* certificate, EVP_PKEY* key, bool bad) {
  X509_set_version(certificate, 2);
  // A serial of its own, so that a new certificate is never taken for an old one.
  ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate), static_cast<int64_t>(time(nullptr)));
  X509_gmtime_adj(X509_getm_notBefore(certificate), bad ? -kTenYearsS : -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), bad ? -kTenYearsS / 2 : kTenYearsS);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* common = reinterpret_cast<const unsigned char*>(bad ? "somebody-else.invalid" : "localhost");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  return AddExtension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
         AddExtension(certificate, NID_subject_alt_name,
                      bad ? "DNS:somebody-else.invalid" : "DNS:localhost,IP:127.0.0.1") &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

// Whole or not there: a connector that waits for the file may read it at once.
template <typename Write>
bool WriteFile(const std::string& file, mode_t mode, const Write& write) {
  std::string part = file + ".part";
  int fd = open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  FILE* out = fd < 0 ? nullptr : fdopen(fd, "w");
  if (out == nullptr) return false;
  bool ok = write(out);
  ok = std::fclose(out) == 0 && ok;
  return ok && std::rename(part.c_str(), file.c_str()) == 0;
}

absl::Status Ensure(const std::string& folder, bool bad) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::string cert_file = folder + "/cert.pem", key_file = folder + "/key.pem";
  if (access(cert_file.c_str(), R_OK) == 0 && access(key_file.c_str(), R_OK) == 0) return absl::OkStatus();
  Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  Certificate certificate(X509_new(), X509_free);
  if (key == nullptr || certificate == nullptr || !Fill(certificate.get(), key.get(), bad))
    return Unwritable(folder);
  bool ok = WriteFile(key_file, 0600, [&](FILE* out) {
    return PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1;
  });
  ok = ok &&
       WriteFile(cert_file, 0644, [&](FILE* out) { return PEM_write_X509(out, certificate.get()) == 1; });
  return ok ? absl::OkStatus() : Unwritable(folder);
}

}  // namespace

absl::Status EnsureCertificate(const std::string& folder) {
  return Ensure(folder, false);
}

absl::Status EnsureBadCertificate(const std::string& folder) {
  return Ensure(folder, true);
}

absl::StatusOr<std::unique_ptr<TlsServer>> TlsServer::Open(const std::string& folder) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  bool ok = SSL_CTX_use_certificate_file(context, (folder + "/cert.pem").c_str(), SSL_FILETYPE_PEM) == 1 &&
            SSL_CTX_use_PrivateKey_file(context, (folder + "/key.pem").c_str(), SSL_FILETYPE_PEM) == 1 &&
            SSL_CTX_check_private_key(context) == 1;
  if (ok) return std::unique_ptr<TlsServer>(new TlsServer(context));
  SSL_CTX_free(context);
  ERR_clear_error();
  return base::MakeError(
      absl::StatusCode::kInvalidArgument, "CERTIFICATE_WRONG",
      fmt::format(
          "cert.pem and key.pem in {} do not go together; delete both, new ones are made at the start",
          folder));
}

TlsServer::~TlsServer() {
  SSL_CTX_free(context_);
}

TlsStream::TlsStream(TlsServer& server) : ssl_(SSL_new(server.context_)) {
  SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_accept_state(ssl_);
}

TlsStream::~TlsStream() {
  SSL_free(ssl_);
}

bool TlsStream::Feed(std::string_view raw, std::string& plain) {
  BIO_write(SSL_get_rbio(ssl_), raw.data(), static_cast<int>(raw.size()));
  char chunk[16 * 1024];
  for (;;) {
    int got = SSL_read(ssl_, chunk, sizeof chunk);
    if (got > 0) {
      plain.append(chunk, static_cast<size_t>(got));
      continue;
    }
    int error = SSL_get_error(ssl_, got);
    ERR_clear_error();
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  }
}

bool TlsStream::Write(std::string_view plain) {
  if (plain.empty()) return true;
  bool ok = SSL_write(ssl_, plain.data(), static_cast<int>(plain.size())) == static_cast<int>(plain.size());
  ERR_clear_error();
  return ok;
}

std::string TlsStream::TakeRaw() {
  BIO* out = SSL_get_wbio(ssl_);
  std::string raw(BIO_ctrl_pending(out), '\0');
  int got = raw.empty() ? 0 : BIO_read(out, raw.data(), static_cast<int>(raw.size()));
  raw.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return raw;
}

}  // namespace pharos::sandbox
