// What scenarios of the console share: a system, its console on a clock that stands, and a browser's
// requests.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <utility>

#include "services/base/fake_clock.h"
#include "services/edge/backend_client.h"
#include "services/edge/console/console.h"
#include "services/rpc/channel.h"
#include "tests/support/story.h"

namespace pharos::tests {

class ConsoleTest : public ::testing::Test {
 protected:
  static constexpr char kHost[] = "console.test";

  explicit ConsoleTest(SystemOptions options)
      : system_(std::move(options)),
        story_(system_),
        backend_(Channels()),
        site_(edge::console::MakeConsole({}, backend_, clock_)) {}

  std::map<std::string, std::shared_ptr<grpc::Channel>> Channels() const {
    std::map<std::string, std::shared_ptr<grpc::Channel>> channels;
    for (const char* service : {"access", "customer", "audience", "campaign", "dispatch", "engagement"})
      channels[service] = rpc::Connect(fmt::format("127.0.0.1:{}", system_.port()));
    return channels;
  }

  edge::Request Ask(const std::string& path, const std::string& cookie = "") const {
    edge::Request request;
    request.method = "GET";
    request.target = edge::ReadTarget(path);
    const size_t query = path.find('?');
    request.path = path.substr(0, query);
    if (query != std::string::npos) request.query = path.substr(query + 1);
    request.tls = true;
    request.asker = "192.0.2.1";
    request.headers["host"] = kHost;
    if (!cookie.empty()) request.headers["cookie"] = "other=1; " + cookie;
    return request;
  }
  edge::Request Send(const std::string& path, const std::string& body, const std::string& cookie = "") const {
    edge::Request request = Ask(path, cookie);
    request.method = "POST";
    request.content_type = "application/x-www-form-urlencoded";
    request.body = body;
    request.headers["origin"] = std::string("https://") + kHost;
    return request;
  }
  edge::Response Get(const std::string& path, const std::string& cookie = "") {
    return site_->Handle(Ask(path, cookie));
  }
  edge::Response Post(const std::string& path, const std::string& body, const std::string& cookie = "") {
    return site_->Handle(Send(path, body, cookie));
  }

  static std::string HeaderOf(const edge::Response& response, const std::string& name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }
  // A principal's access key.
  std::string KeyOf(const std::string& principal) const {
    std::ifstream file(system_.token_file(principal));
    std::string key;
    file >> key;
    return key;
  }
  // "__Host-pharos=…".
  std::string SignIn(const std::string& principal) {
    const edge::Response response = Post("/console/sign-in", "key=" + KeyOf(principal));
    EXPECT_EQ(response.status, 303) << response.body;
    const std::string cookie = HeaderOf(response, "Set-Cookie");
    return cookie.substr(0, cookie.find(';'));
  }
  static std::string CsrfOf(const edge::Response& page) {
    std::smatch found;
    return std::regex_search(page.body, found, std::regex("name=\"csrf\" value=\"([0-9a-f]+)\""))
               ? found[1].str()
               : "";
  }

  System system_;
  Story story_;
  base::FakeClock clock_;
  edge::Backend backend_;
  std::unique_ptr<edge::Site> site_;
};

}  // namespace pharos::tests
