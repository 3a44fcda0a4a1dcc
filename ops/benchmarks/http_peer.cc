// pharos-bench-beast: what Boost.Beast does alone: an answer of 200 octets to every request, over TLS, one
// thread. ops/bench compares pharos-edge with it. Prints its port.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"

ABSL_FLAG(std::string, certificate, "", "PEM");
ABSL_FLAG(std::string, key, "", "PEM");

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Failure = boost::system::error_code;

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(asio::ip::tcp::socket socket, asio::ssl::context& tls) : stream_(std::move(socket), tls) {
    answer_.result(http::status::ok);
    answer_.body() = std::string(200, 'x');
    answer_.prepare_payload();
  }
  void Run() {
    stream_.async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](Failure failure) {
      if (!failure) self->Read();
    });
  }

 private:
  void Read() {
    request_ = {};
    http::async_read(stream_, buffer_, request_, [self = shared_from_this()](Failure failure, size_t) {
      if (failure) return;
      http::async_write(self->stream_, self->answer_, [self](Failure wrong, size_t) {
        if (!wrong) self->Read();
      });
    });
  }
  beast::ssl_stream<beast::tcp_stream> stream_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response<http::string_body> answer_;
};

void Accept(asio::ip::tcp::acceptor& acceptor, asio::ssl::context& tls) {
  acceptor.async_accept([&](Failure failure, asio::ip::tcp::socket socket) {
    if (failure) return;
    socket.set_option(asio::ip::tcp::no_delay(true));
    std::make_shared<Session>(std::move(socket), tls)->Run();
    Accept(acceptor, tls);
  });
}

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  asio::io_context loop{1};
  asio::ssl::context tls{asio::ssl::context::tls_server};
  tls.use_certificate_chain_file(absl::GetFlag(FLAGS_certificate));
  tls.use_private_key_file(absl::GetFlag(FLAGS_key), asio::ssl::context::pem);
  asio::ip::tcp::acceptor acceptor(loop, {asio::ip::make_address("127.0.0.1"), 0});
  std::printf("%d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  Accept(acceptor, tls);
  loop.run();
}
