// The simulated GOV.UK Notify over real sockets: its record, and the receipts that it pushes.
#include "connectors/sandbox/notify_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "connectors/sandbox/notify_callbacks.h"
#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::sandbox {
namespace {

using nlohmann::json;

int Dial(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

// Sends, and reads until the other side closes.
std::string Ask(int port, const std::string& request) {
  int fd = Dial(port);
  EXPECT_EQ(send(fd, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t got; (got = recv(fd, buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<size_t>(got));
  close(fd);
  return answer;
}

// A place that takes callbacks: refuses the first with 500, then answers 200.
class Edge {
 public:
  Edge() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Edge() { close(fd_); }
  int port() const { return port_; }
  std::string Take(int status) {
    int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    std::string in;
    HttpRequest request;
    char buffer[4096];
    while (true) {
      std::string copy = in;
      if (TakeRequest(copy, request) == HttpRead::kWhole) break;
      ssize_t got = recv(fd, buffer, sizeof buffer, 0);
      if (got <= 0) break;
      in.append(buffer, static_cast<size_t>(got));
    }
    std::string answer = HttpReply(status, "{}", false);
    EXPECT_GT(send(fd, answer.data(), answer.size(), MSG_NOSIGNAL), 0);
    close(fd);
    token_ = request.authorization;
    return request.body;
  }
  std::string token_;

 private:
  int fd_, port_ = 0;
};

class NotifyServerTest : public testing::Test {
 protected:
  NotifyServerTest() : file_(testing::TempDir() + "/notify-journal-" + base::ToHex(base::RandomBytes16())) {
    options_.journal = file_;
    options_.api.key = "";
  }
  ~NotifyServerTest() override { std::filesystem::remove(file_); }
  void Start() {
    auto server = NotifyServer::Start(options_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  std::vector<json> Journal() {
    std::vector<json> lines;
    std::ifstream in(file_);
    for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
    return lines;
  }

  std::string file_;
  NotifyOptions options_;
  std::unique_ptr<NotifyServer> server_;
};

TEST_F(NotifyServerTest, ItSaysOfItselfThatItIsASandbox) {
  Start();
  std::string answer = Ask(server_->port(), "GET /_status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, testing::HasSubstr("\r\nX-Pharos-Sandbox: pharos-sandbox\r\n"));
}

TEST_F(NotifyServerTest, WhatIsNoHttpIsRefusedAndClosed) {
  Start();
  EXPECT_THAT(Ask(server_->port(), "hello\r\n\r\n"), testing::StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Ask(server_->port(), "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n"),
              testing::StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(Ask(server_->port(), "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"),
              testing::StartsWith("HTTP/1.1 400"));
}

TEST_F(NotifyServerTest, ARefusalIsOnRecordBeforeItIsAnswered) {
  Start();
  EXPECT_THAT(Ask(server_->port(),
                  "POST /v2/notifications/sms HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
                  "2\r\n\r\n{}"),
              testing::StartsWith("HTTP/1.1 403"));
  auto lines = Journal();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["event"], "notify");
  EXPECT_EQ(lines[0]["status"], 403);
  EXPECT_EQ(lines[0]["id"], "");
  EXPECT_GT(lines[0]["t_ns"].get<int64_t>(), 0);
}

TEST(NotifyCallbacks, ARefusedReceiptComesAgainWithItsToken) {
  Edge edge;
  auto target = ReadCallbackUrl("http://localhost:" + std::to_string(edge.port()) + "/callbacks/notify-main");
  ASSERT_TRUE(target.ok()) << target.status();
  target->token = "secret";
  target->retry_us = 1'000;
  Loop loop;
  std::atomic<int> sent{0}, acked{0};
  loop.Start([] {});
  auto callbacks = std::make_unique<NotifyCallbacks>(loop, *target);
  loop.Do([&] {
    Callback callback;
    callback.json = R"({"status":"delivered"})";
    callback.on_sending = [&](int n) { sent = n; };
    callback.on_accepted = [&](int n) { acked = n; };
    callbacks->Send(std::move(callback));
  });
  EXPECT_EQ(edge.Take(500), R"({"status":"delivered"})");
  EXPECT_EQ(edge.Take(200), R"({"status":"delivered"})");
  EXPECT_EQ(edge.token_, "Bearer secret");
  while (acked == 0) std::this_thread::yield();
  EXPECT_EQ(sent, 2);
  EXPECT_EQ(acked, 2);
  loop.Stop([&] { callbacks.reset(); });
}

TEST(NotifyCallbacks, OnlyAddressesThatCanBeMeantAreTaken) {
  for (const char* url : {"", "https://x/", "http://example.test/", "http://127.0.0.1:0/",
                          "http://127.0.0.1:99999/x", "http://127.0.0.1/ x"})
    EXPECT_EQ(base::ReasonOf(ReadCallbackUrl(url).status()), "FLAG_WRONG") << url;
}

}  // namespace
}  // namespace pharos::sandbox
