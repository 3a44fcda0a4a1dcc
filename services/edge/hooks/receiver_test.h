// For tests: a partner's system, which takes webhooks over HTTPS on loopback and does what a test tells it.
#pragma once

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <cstdio>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace pharos::edge::hooks {

// A key and a certificate that signs itself, for `name` ("DNS:localhost", "IP:127.0.0.1").
class TestCertificate {
 public:
  explicit TestCertificate(const std::string& name) : key_(EVP_EC_gen("P-256")), x509_(X509_new()) {
    X509_set_version(x509_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509_), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509_), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509_), 3600);
    X509_set_pubkey(x509_, key_);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509_), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("receiver"), -1, -1, 0);
    X509_set_issuer_name(x509_, X509_get_subject_name(x509_));
    Extend(NID_subject_alt_name, name);
    Extend(NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(x509_, key_, EVP_sha256());
  }
  ~TestCertificate() {
    X509_free(x509_);
    EVP_PKEY_free(key_);
  }
  TestCertificate(const TestCertificate&) = delete;
  TestCertificate& operator=(const TestCertificate&) = delete;
  void WritePem(const std::string& file) const {
    FILE* out = fopen(file.c_str(), "w");
    PEM_write_X509(out, x509_);
    fclose(out);
  }
  void Use(SSL_CTX* context) const {
    SSL_CTX_use_certificate(context, x509_);
    SSL_CTX_use_PrivateKey(context, key_);
  }

 private:
  void Extend(int kind, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    X509_add_ext(x509_, extension, -1);
    X509_EXTENSION_free(extension);
  }
  EVP_PKEY* key_;
  X509* x509_;
};

// What came.
struct Received {
  std::string target, id, timestamp, signature, content_type, body;
  int connection = 0;  // the n-th
};
// What to say.
struct Say {
  int status = 204;
  std::vector<std::pair<std::string, std::string>> headers = {};
  size_t body = 0;      // octets
  bool cut = false;     // end the connection instead
  bool silent = false;  // say nothing until the other end goes
  bool close = false;   // end the connection after the answer, without saying so
};

class Receiver {
 public:
  using Answer = std::function<Say(const Received& received, size_t number)>;

  // Its certificate for `name` is written into `pem`.
  Receiver(const std::string& pem, const std::string& name = "IP:127.0.0.1", int most_tls = TLS1_3_VERSION)
      : certificate_(name), acceptor_(io_, {boost::asio::ip::make_address("127.0.0.1"), 0}) {
    certificate_.WritePem(pem);
    certificate_.Use(context_.native_handle());
    SSL_CTX_set_min_proto_version(context_.native_handle(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.native_handle(), most_tls);
    SSL_CTX_set_security_level(context_.native_handle(), 0);
    port_ = acceptor_.local_endpoint().port();
    thread_ = std::thread([this] { Accept(); });
  }
  ~Receiver() {
    {
      base::MutexLock lock(mutex_);
      stopped_ = true;
      for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    }
    // Wakes the accept.
    boost::asio::io_context io;
    tcp::socket knock(io);
    boost::system::error_code ignored;
    knock.connect({boost::asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(port_)}, ignored);
    thread_.join();
    for (auto& one : threads_) one.join();
  }
  int port() const { return port_; }
  std::string url(const std::string& path = "/in", const std::string& host = "127.0.0.1") const {
    return "https://" + host + ":" + std::to_string(port_) + path;
  }

  // 204 to everything, until told otherwise. Called on a thread of the receiver's.
  void OnPost(Answer answer) {
    base::MutexLock lock(mutex_);
    answer_ = std::move(answer);
  }
  // All that came; those that were answered 2xx.
  std::vector<Received> All() {
    base::MutexLock lock(mutex_);
    return all_;
  }
  std::vector<Received> Accepted() {
    base::MutexLock lock(mutex_);
    return accepted_;
  }
  int connections() {
    base::MutexLock lock(mutex_);
    return connections_;
  }
  // As soon as `enough` says so of what was accepted; all that was. The test fails if it never does.
  std::vector<Received> Await(const std::function<bool(const std::vector<Received>&)>& enough) {
    return AwaitIn(accepted_, enough);
  }
  std::vector<Received> AwaitAny(const std::function<bool(const std::vector<Received>&)>& enough) {
    return AwaitIn(all_, enough);
  }
  static std::function<bool(const std::vector<Received>&)> AtLeast(size_t count) {
    return [count](const std::vector<Received>& received) { return received.size() >= count; };
  }

 private:
  static constexpr int64_t kPatienceMicros = 40'000'000;  // on a busy machine
  using tcp = boost::asio::ip::tcp;
  using Tls = boost::asio::ssl::stream<tcp::socket>;

  std::vector<Received> AwaitIn(const std::vector<Received>& which,
                                const std::function<bool(const std::vector<Received>&)>& enough) {
    const int64_t until_us = base::Clock::System().BootMicros() + kPatienceMicros;
    base::MutexLock lock(mutex_);
    while (!enough(which) && base::Clock::System().BootMicros() < until_us)
      changed_.WaitForMicros(lock, 10'000);
    EXPECT_TRUE(enough(which)) << "what was waited for did not come; " << which.size() << " came";
    return which;
  }
  void Accept() {
    for (;;) {
      tcp::socket socket(io_);
      boost::system::error_code failure;
      acceptor_.accept(socket, failure);
      base::MutexLock lock(mutex_);
      if (stopped_ || failure) return;
      open_.push_back(socket.native_handle());
      const int number = ++connections_;
      threads_.emplace_back([this, number, moved = std::make_shared<tcp::socket>(std::move(socket))] {
        const int fd = moved->native_handle();
        Tls stream(std::move(*moved), context_);
        Serve(stream, number);
        // A program that a test has started since may have inherited it: closing alone would not end it.
        shutdown(fd, SHUT_RDWR);
        base::MutexLock again(mutex_);
        open_.remove(fd);
      });
    }
  }
  void Serve(Tls& stream, int number) {
    namespace http = boost::beast::http;
    boost::system::error_code failure;
    stream.handshake(Tls::server, failure);
    boost::beast::flat_buffer buffer;
    while (!failure) {
      http::request<http::string_body> request;
      http::read(stream, buffer, request, failure);
      if (failure) return;
      const Say say = Hear(request, number);
      if (say.silent) {
        char byte = 0;
        stream.read_some(boost::asio::buffer(&byte, 1), failure);
        return;
      }
      if (say.cut) return;
      http::response<http::string_body> response(static_cast<http::status>(say.status), 11);
      for (const auto& [name, value] : say.headers) response.set(name, value);
      response.body() = std::string(say.body, 'x');
      response.prepare_payload();
      http::write(stream, response, failure);
      if (say.close) return;
    }
  }
  template <typename Request>
  Say Hear(const Request& request, int number) {
    const auto text = [](boost::beast::string_view view) { return std::string(view.data(), view.size()); };
    Received received{text(request.target()),
                      text(request["webhook-id"]),
                      text(request["webhook-timestamp"]),
                      text(request["webhook-signature"]),
                      text(request[boost::beast::http::field::content_type]),
                      request.body(),
                      number};
    Answer answer;
    size_t count = 0;
    {
      base::MutexLock lock(mutex_);
      answer = answer_;
      count = all_.size();
      all_.push_back(received);
    }
    const Say say = answer ? answer(received, count) : Say();
    base::MutexLock lock(mutex_);
    if (!say.cut && !say.silent && say.status >= 200 && say.status < 300) accepted_.push_back(received);
    changed_.NotifyAll();
    return say;
  }

  const TestCertificate certificate_;
  boost::asio::io_context io_;
  boost::asio::ssl::context context_{boost::asio::ssl::context::tls_server};
  tcp::acceptor acceptor_;
  int port_ = 0;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool stopped_ = false;
  int connections_ = 0;
  Answer answer_;
  std::vector<Received> all_, accepted_;
  std::list<int> open_;
  std::list<std::thread> threads_;
  std::thread thread_;
};

}  // namespace pharos::edge::hooks
