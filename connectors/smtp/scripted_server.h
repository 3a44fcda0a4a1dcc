// For tests: an SMTP server on loopback that does what a test tells it, TLS included. One thread a
// connection.
#pragma once

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace pharos::smtp {

// A key and a certificate that signs itself, for `name` ("DNS:localhost", "IP:127.0.0.1").
class Certificate {
 public:
  explicit Certificate(const std::string& name) : key_(EVP_EC_gen("P-256")), x509_(X509_new()) {
    X509_set_version(x509_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509_), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509_), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509_), 3600);
    X509_set_pubkey(x509_, key_);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509_), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(x509_, X509_get_subject_name(x509_));
    Extend(NID_subject_alt_name, name);
    Extend(NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(x509_, key_, EVP_sha256());
  }
  ~Certificate() {
    X509_free(x509_);
    EVP_PKEY_free(key_);
  }
  Certificate(const Certificate&) = delete;
  void WritePem(const std::string& file) const {
    FILE* out = fopen(file.c_str(), "w");
    PEM_write_X509(out, x509_);
    fclose(out);
  }
  SSL_CTX* NewContext() const {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context, x509_);
    SSL_CTX_use_PrivateKey(context, key_);
    return context;
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

struct Script {
  std::string greeting = "220 pharos-sandbox ready";
  std::vector<std::string> extensions = {"PIPELINING", "SIZE 1000000", "ENHANCEDSTATUSCODES", "DSN"};
  // Answers by command, upper case up to the first space or colon ("MAIL", "RCPT"); "." is the end of a
  // message. Otherwise the usual ones. An answer "CUT" closes the connection instead; "SILENT" says nothing.
  std::function<std::string(const std::string& command, const std::string& line)> answer;
  const Certificate* certificate = nullptr;
  int receive_buffer = 0;                // octets; 0 = the system's
  std::function<void()> before_message;  // called after 354, before anything of the message is read
  std::string after_starttls;            // said in the clear behind the answer to STARTTLS
};

class ScriptedServer {
 public:
  explicit ScriptedServer(Script script) : script_(std::move(script)), fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (script_.receive_buffer > 0)
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &script_.receive_buffer, sizeof script_.receive_buffer);
    bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    listen(fd_, 64);
    socklen_t size = sizeof address;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~ScriptedServer() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
    {
      base::MutexLock lock(mutex_);
      for (int guest : open_) shutdown(guest, SHUT_RDWR);
    }
    for (auto& guest : guests_) guest.join();
  }
  int port() const { return port_; }
  std::vector<std::string> Messages() const {
    base::MutexLock lock(mutex_);
    return messages_;
  }
  std::vector<std::string> Lines() const {
    base::MutexLock lock(mutex_);
    return lines_;
  }
  size_t Saw(const std::string& front) const {
    base::MutexLock lock(mutex_);
    size_t count = 0;
    for (const auto& line : lines_) count += line.compare(0, front.size(), front) == 0;
    return count;
  }
  int connections() const {
    base::MutexLock lock(mutex_);
    return connections_;
  }

 private:
  struct Line {
    int fd;
    SSL* ssl = nullptr;
    std::string in;
    ssize_t Get(char* buffer, int size) {
      return ssl ? SSL_read(ssl, buffer, size) : recv(fd, buffer, static_cast<size_t>(size), 0);
    }
    void Put(const std::string& text) {
      if (ssl)
        SSL_write(ssl, text.data(), static_cast<int>(text.size()));
      else
        send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    }
    bool Take(std::string& line) {
      size_t end;
      while ((end = in.find("\r\n")) == std::string::npos) {
        char buffer[4096];
        ssize_t got = Get(buffer, sizeof buffer);
        if (got <= 0) return false;
        in.append(buffer, static_cast<size_t>(got));
      }
      line = in.substr(0, end);
      in.erase(0, end + 2);
      return true;
    }
  };
  void Run() {
    for (;;) {
      int guest = accept(fd_, nullptr, nullptr);
      if (guest < 0) return;
      base::MutexLock lock(mutex_);
      ++connections_;
      open_.push_back(guest);
      guests_.emplace_back([this, guest] { Serve(guest); });
    }
  }
  void Serve(int guest) {
    Line line{guest, nullptr, ""};
    line.Put(script_.greeting + "\r\n");
    SSL_CTX* context = script_.certificate ? script_.certificate->NewContext() : nullptr;
    Talk(line, context);
    SSL_free(line.ssl);
    SSL_CTX_free(context);
    base::MutexLock lock(mutex_);
    std::erase(open_, guest);
    close(guest);
  }
  std::string AnswerTo(const std::string& command, const std::string& line, bool tls) {
    std::string answer = script_.answer ? script_.answer(command, line) : "";
    if (!answer.empty()) return answer;
    if (command == "EHLO") {
      std::string text = "250-scripted";
      for (const auto& extension : script_.extensions) text += "\r\n250-" + extension;
      if (script_.certificate && !tls) text += "\r\n250-STARTTLS";
      return text + "\r\n250 HELP";
    }
    if (command == "DATA") return "354 go";
    if (command == "QUIT") return "221 bye";
    if (command == "STARTTLS") return "220 go";
    return "250 2.0.0 fine";
  }
  void Talk(Line& line, SSL_CTX* context) {
    std::string text, message;
    bool data = false;
    while (line.Take(text)) {
      if (data && text != ".") {
        message += text + "\r\n";
        continue;
      }
      std::string command = text.substr(0, text.find_first_of(" :"));
      {
        base::MutexLock lock(mutex_);
        if (data) messages_.push_back(message);
        lines_.push_back(text);
      }
      data = false;
      message.clear();
      std::string answer = AnswerTo(command, text, line.ssl != nullptr);
      if (answer == "CUT") return;
      if (answer != "SILENT")
        line.Put(answer + "\r\n" + (command == "STARTTLS" ? script_.after_starttls : ""));
      data = command == "DATA" && answer.compare(0, 3, "354") == 0;
      if (data && script_.before_message) script_.before_message();
      if (command == "QUIT") return;
      if (command == "STARTTLS" && answer.compare(0, 3, "220") == 0) {
        line.ssl = SSL_new(context);
        SSL_set_fd(line.ssl, line.fd);
        if (SSL_accept(line.ssl) != 1) return;
      }
    }
  }

  const Script script_;
  const int fd_;
  int port_ = 0;
  std::thread thread_;
  mutable base::Mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> guests_;
  std::vector<std::string> lines_, messages_;
  int connections_ = 0;
};

}  // namespace pharos::smtp
