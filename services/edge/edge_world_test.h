// For tests: the edge over real HTTP, before a real gRPC server that stands for dispatch and customer and
// remembers what it was told.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <functional>

#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/customer/v1/purpose_service.serve.h"
#include "pharos/dispatch/internal/v1/inbound_service.pb.h"
#include "pharos/dispatch/internal/v1/inbound_service.serve.h"
#include "services/base/errors.h"
#include "services/base/fake_clock.h"
#include "services/base/mutex.h"
#include "services/edge/edge_handler.h"
#include "services/edge/http_server.h"
#include "services/rpc/credentials.h"
#include "services/rpc/server.h"

namespace pharos::edge {

namespace v1 = dispatch::internal::v1;
namespace http = boost::beast::http;

inline constexpr char kLink[] = "AZLxwqOkTF2Ob3CBkqO0xUdPb2Q";
inline constexpr char kOneClick[] = "List-Unsubscribe=One-Click";
inline constexpr char kForm[] = "application/x-www-form-urlencoded";
inline constexpr char kNotifyToken[] = "0123456789abcdef0123456789abcdef";

class Inbound : public v1::InboundServiceHandler {
 public:
  absl::Status DescribeUnsubscribe(rpc::Call&, const v1::DescribeUnsubscribeRequest& request,
                                   v1::DescribeUnsubscribeResponse& response) override {
    base::MutexLock lock(mutex);
    ++described;
    if (const absl::Status wrong = Look(request.token()); !wrong.ok()) return wrong;
    response.set_purpose("purposes/stop-smoking");
    return absl::OkStatus();
  }
  absl::Status Unsubscribe(rpc::Call&, const v1::UnsubscribeRequest& request,
                           v1::UnsubscribeResponse& response) override {
    base::MutexLock lock(mutex);
    if (const absl::Status wrong = Look(request.token()); !wrong.ok()) return wrong;
    ++unsubscribed;
    response.set_purpose("purposes/stop-smoking");
    response.set_opt_out("optOuts/1");
    return absl::OkStatus();
  }
  absl::Status Choose(rpc::Call&, const v1::ChooseRequest& request, v1::ChooseResponse& response) override {
    base::MutexLock lock(mutex);
    if (const absl::Status wrong = Look(request.token()); !wrong.ok()) return wrong;
    chosen.push_back(request.choice());
    response.set_purpose("purposes/stop-smoking");
    response.set_changed(changes);
    if (request.choice() == v1::PAUSE) response.set_until_us(1'800'000'000'000'000);  // 15 January 2027
    return absl::OkStatus();
  }
  absl::Status DescribeLink(rpc::Call&, const v1::DescribeLinkRequest& request,
                            v1::DescribeLinkResponse& response) override {
    base::MutexLock lock(mutex);
    if (const absl::Status wrong = Look(request.token()); !wrong.ok()) return wrong;
    response.set_url(leads_to);
    return absl::OkStatus();
  }
  absl::Status FollowLink(rpc::Call&, const v1::FollowLinkRequest& request,
                          v1::FollowLinkResponse& response) override {
    base::MutexLock lock(mutex);
    if (const absl::Status wrong = Look(request.token()); !wrong.ok()) return wrong;
    ++followed;
    response.set_url(leads_to);
    return absl::OkStatus();
  }
  absl::Status RecordReceipts(rpc::Call&, const v1::RecordReceiptsRequest& request,
                              v1::RecordReceiptsResponse&) override {
    base::MutexLock lock(mutex);
    ++recording;
    while (hold) changed.WaitForMicros(lock, 10'000);
    --recording;
    if (away) return Away();
    connector = request.connector();
    receipts.insert(receipts.end(), request.receipts().begin(), request.receipts().end());
    return absl::OkStatus();
  }
  absl::Status RecordMessages(rpc::Call&, const v1::RecordMessagesRequest& request,
                              v1::RecordMessagesResponse&) override {
    base::MutexLock lock(mutex);
    if (away) return Away();
    messages.insert(messages.end(), request.messages().begin(), request.messages().end());
    return absl::OkStatus();
  }

  base::Mutex mutex;
  base::CondVar changed;
  bool away = false, hold = false;  // hold: receipts are not answered
  int recording = 0;                // receipts that are held
  int described = 0, unsubscribed = 0, followed = 0;
  std::vector<v1::Choice> chosen;
  bool changes = true;  // what is chosen changes something
  std::string leads_to = "https://www.nhs.uk/quit?step=1";
  std::string connector;
  std::vector<v1::Receipt> receipts;
  std::vector<v1::InboundMessage> messages;

 private:
  static absl::Status Away() {
    return base::MakeError(absl::StatusCode::kUnavailable, "AWAY", "Away for this test.");
  }
  absl::Status Look(const std::string& token) const {
    if (away) return Away();
    if (token == kLink) return absl::OkStatus();
    return base::MakeError(absl::StatusCode::kNotFound, "LINK_UNKNOWN", "Not a link of ours.");
  }
};

class Purposes : public customer::v1::PurposeServiceHandler {
 public:
  absl::Status CreatePurpose(rpc::Call&, const customer::v1::CreatePurposeRequest&,
                             customer::v1::Purpose&) override {
    return NotHere();
  }
  absl::Status UpdatePurpose(rpc::Call&, const customer::v1::UpdatePurposeRequest&,
                             customer::v1::Purpose&) override {
    return NotHere();
  }
  absl::Status RetirePurpose(rpc::Call&, const customer::v1::RetirePurposeRequest&,
                             customer::v1::Purpose&) override {
    return NotHere();
  }
  absl::Status ListPurposes(rpc::Call&, const customer::v1::ListPurposesRequest&,
                            customer::v1::ListPurposesResponse&) override {
    return NotHere();
  }
  absl::Status GetPurpose(rpc::Call&, const customer::v1::GetPurposeRequest& request,
                          customer::v1::Purpose& response) override {
    response.set_name(request.name());
    response.set_display_name("Stop-smoking support");
    return absl::OkStatus();
  }

 private:
  static absl::Status NotHere() { return absl::UnimplementedError("not part of this test"); }
};

struct Asked {
  http::verb method = http::verb::get;
  std::string target;
  std::string content_type, body;
  std::vector<std::pair<std::string, std::string>> headers;
};

class EdgeTest : public ::testing::Test {
 protected:
  EdgeTest() : EdgeTest(HttpLimits()) {}
  explicit EdgeTest(const HttpLimits& limits) {
    rpc::Caller own;
    own.principal = "principals/pharosd";
    own.roles = {"service"};
    own.internal = true;
    credentials_.Add("own", own);
    std::vector<std::unique_ptr<rpc::Service>> services;
    services.push_back(v1::MakeInboundService(dispatch_));
    services.push_back(customer::v1::MakePurposeService(purposes_));
    rpc::ServerOptions options;
    options.credentials = &credentials_;
    peers_ = *rpc::StartServer(options, std::move(services));
    client_ = std::make_unique<InboundClient>(peers_->InProcess(), peers_->InProcess(), "own");
    CallbackSecrets secrets;
    secrets.tokens["notify-main"] = kNotifyToken;
    secrets.signing_keys["gateway"] = {std::string(32, 'n'), std::string(32, 'o')};
    handler_ = std::make_unique<EdgeHandler>(*client_, secrets, clock_);
    HttpOptions http;
    http.limits = limits;
    auto server = HttpServer::Start(http, *handler_);
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  ~EdgeTest() override {
    server_->Stop();
    server_.reset();
    peers_->Drain(1000);
  }

  http::response<http::string_body> Ask(const Asked& asked) {
    boost::asio::io_context loop;
    boost::asio::ip::tcp::socket socket(loop);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(server_->port())});
    http::request<http::string_body> request(asked.method, asked.target, 11);
    request.set(http::field::host, "edge.test");
    request.set(http::field::connection, "close");
    if (!asked.content_type.empty()) request.set(http::field::content_type, asked.content_type);
    for (const auto& [name, value] : asked.headers) request.set(name, value);
    request.body() = asked.body;
    request.prepare_payload();
    http::write(socket, request);
    boost::beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.skip(asked.method == http::verb::head);
    http::read(socket, buffer, parser);
    return parser.release();
  }
  http::response<http::string_body> Get(const std::string& target) { return Ask({.target = target}); }
  http::response<http::string_body> Press(const std::string& link, const std::string& body = kOneClick) {
    return Ask({http::verb::post, "/u/" + link, kForm, body, {}});
  }
  http::response<http::string_body> Notify(const std::string& what, const std::string& body,
                                           const std::string& token = kNotifyToken) {
    return Ask({http::verb::post,
                "/callbacks/notify/notify-main/" + what,
                "application/json",
                body,
                {{"Authorization", "Bearer " + token}}});
  }
  http::response<http::string_body> Signed(const std::string& id, const std::string& body, char key = 'n',
                                           const std::string& connector = "gateway") {
    const std::string time = fmt::format("{}", clock_.WallMicros() / 1'000'000);
    return Ask({http::verb::post,
                "/callbacks/signed/" + connector,
                "application/json",
                body,
                {{"webhook-id", id},
                 {"webhook-timestamp", time},
                 {"webhook-signature", SignWebhook(std::string(32, key), id, time, body)}}});
  }
  int Unsubscribed() {
    base::MutexLock lock(dispatch_.mutex);
    return dispatch_.unsubscribed;
  }
  void SetAway(bool away) {
    base::MutexLock lock(dispatch_.mutex);
    dispatch_.away = away;
  }

  base::FakeClock clock_;
  Inbound dispatch_;
  Purposes purposes_;
  rpc::Credentials credentials_;
  std::unique_ptr<rpc::Server> peers_;
  std::unique_ptr<InboundClient> client_;
  std::unique_ptr<EdgeHandler> handler_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace pharos::edge
