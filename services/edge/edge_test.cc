// The edge over real HTTP, before a real gRPC server that stands for dispatch and customer and remembers what
// it was told.
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
namespace {

namespace v1 = dispatch::internal::v1;
namespace http = boost::beast::http;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kLink[] = "AZLxwqOkTF2Ob3CBkqO0xUdPb2Q";
constexpr char kOneClick[] = "List-Unsubscribe=One-Click";
constexpr char kForm[] = "application/x-www-form-urlencoded";
constexpr char kNotifyToken[] = "0123456789abcdef0123456789abcdef";

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
  absl::Status RecordReceipts(rpc::Call&, const v1::RecordReceiptsRequest& request,
                              v1::RecordReceiptsResponse&) override {
    base::MutexLock lock(mutex);
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
  bool away = false;
  int described = 0, unsubscribed = 0;
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
  EdgeTest() {
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
    auto server = HttpServer::Start({}, *handler_);
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

TEST_F(EdgeTest, OnePressUnsubscribesAndAgainIsTheSamePage) {
  const auto done = Press(kLink);
  EXPECT_EQ(done.result_int(), 200u);
  EXPECT_THAT(done.body(), HasSubstr("You have unsubscribed"));
  EXPECT_THAT(done.body(), HasSubstr("Stop-smoking support"));
  EXPECT_EQ(Unsubscribed(), 1);
  EXPECT_EQ(Press(kLink).body(), done.body());
  EXPECT_EQ(done.count(http::field::set_cookie), 0u);
  EXPECT_EQ(done.count(http::field::location), 0u);
}

TEST_F(EdgeTest, ScannersChangeNothing) {
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(Get(std::string("/u/") + kLink).result_int(), 200u);
    EXPECT_EQ(Ask({.method = http::verb::head, .target = std::string("/u/") + kLink}).result_int(), 200u);
  }
  EXPECT_EQ(Unsubscribed(), 0);
  EXPECT_EQ(Press(kLink, "").result_int(), 400u) << "a post that does not say so";
  EXPECT_EQ(Press(kLink, "utm=x").result_int(), 400u);
  EXPECT_EQ(Unsubscribed(), 0);
  EXPECT_EQ(Press(kLink).result_int(), 200u);
  EXPECT_EQ(Unsubscribed(), 1);
  EXPECT_THAT(Get(std::string("/u/") + kLink).body(), HasSubstr("Stop messages about Stop-smoking support"));
}

TEST_F(EdgeTest, ThePageIsInWelshForThoseWhoAsk) {
  EXPECT_THAT(Get(std::string("/u/") + kLink + "?lang=cy").body(), HasSubstr("<html lang=\"cy\">"));
  const auto preferred =
      Ask({.target = std::string("/u/") + kLink, .headers = {{"Accept-Language", "cy,en;q=0.5"}}});
  EXPECT_THAT(preferred.body(), HasSubstr("Dad-danysgrifio"));
}

TEST_F(EdgeTest, AnUnknownLinkIsSaidInWords) {
  EXPECT_EQ(Press("someone-elses").result_int(), 404u);
  const auto page = Get("/u/someone-elses");
  EXPECT_EQ(page.result_int(), 404u);
  EXPECT_THAT(page.body(), HasSubstr("This link does not work"));
  EXPECT_THAT(page.body(), Not(HasSubstr("someone-elses")));
}

TEST_F(EdgeTest, WhileDispatchIsAwayItCanBeRepeated) {
  SetAway(true);
  const auto later = Press(kLink);
  EXPECT_EQ(later.result_int(), 503u);
  EXPECT_EQ(later[http::field::retry_after], "30");
  EXPECT_EQ(
      Notify("receipt", R"({"id": "1", "reference": "0192f1c2a3b44c5d8e6f708192a3b4c5", "status": "delivered",
                                  "notification_type": "sms"})")
          .result_int(),
      503u);
  SetAway(false);
  EXPECT_EQ(Press(kLink).result_int(), 200u);
  EXPECT_EQ(Unsubscribed(), 1);
}

TEST_F(EdgeTest, NotifysReceiptsAndMessagesReachDispatch) {
  const std::string receipt =
      R"({"id": "1", "reference": "0192f1c2a3b44c5d8e6f708192a3b4c5", "status": "delivered",
                                  "notification_type": "sms"})";
  EXPECT_EQ(Notify("receipt", receipt).result_int(), 200u);
  EXPECT_EQ(Notify("inbound", R"({"id": "2", "source_number": "447700900000", "destination_number": "60777",
                                  "message": "STOP"})")
                .result_int(),
            200u);
  {
    base::MutexLock lock(dispatch_.mutex);
    ASSERT_EQ(dispatch_.receipts.size(), 1u);
    EXPECT_EQ(dispatch_.connector, "notify-main");
    EXPECT_EQ(dispatch_.receipts[0].state(), v1::DELIVERED);
    ASSERT_EQ(dispatch_.messages.size(), 1u);
    EXPECT_EQ(dispatch_.messages[0].text(), "STOP");
  }
  EXPECT_EQ(Notify("receipt", receipt, "wrong").result_int(), 401u);
  EXPECT_EQ(Ask({http::verb::post,
                 "/callbacks/notify/nobody/receipt",
                 "application/json",
                 receipt,
                 {{"Authorization", std::string("Bearer ") + kNotifyToken}}})
                .result_int(),
            401u);
  EXPECT_EQ(Ask({http::verb::post, "/callbacks/notify/notify-main/receipt", "application/json", receipt, {}})
                .result_int(),
            401u);
  const auto wrong = Notify("receipt", "{}");
  EXPECT_EQ(wrong.result_int(), 400u);
  EXPECT_THAT(wrong.body(), HasSubstr("\"id\" is missing"));
  base::MutexLock lock(dispatch_.mutex);
  EXPECT_EQ(dispatch_.receipts.size(), 1u);
}

TEST_F(EdgeTest, ASignedCallbackHasItsEffectOnce) {
  const std::string body = R"({"receipts": [{"id": "m1", "state": "DELIVERED"}],
                               "messages": [{"id": "i1", "from": "447700900000", "to": "60777", "text": "STOP"}]})";
  const auto counts = [&] {
    base::MutexLock lock(dispatch_.mutex);
    return std::make_pair(dispatch_.receipts.size(), dispatch_.messages.size());
  };
  SetAway(true);
  EXPECT_EQ(Signed("msg_1", body).result_int(), 503u);
  SetAway(false);
  EXPECT_EQ(Signed("msg_1", body).result_int(), 200u) << "what was not recorded is not remembered";
  EXPECT_EQ(Signed("msg_1", body).result_int(), 200u);
  EXPECT_EQ(counts(), std::make_pair(size_t{1}, size_t{1}));
  EXPECT_EQ(Signed("msg_2", body, 'o').result_int(), 200u) << "the old key, while it changes";
  EXPECT_EQ(counts(), std::make_pair(size_t{2}, size_t{2}));
  EXPECT_EQ(Signed("msg_3", body, 'x').result_int(), 401u);
  EXPECT_EQ(Signed("msg_4", body, '\0', "nobody").result_int(), 401u);
  EXPECT_EQ(Signed("msg_5", "{").result_int(), 400u);
  EXPECT_EQ(counts(), std::make_pair(size_t{2}, size_t{2}));
}

TEST_F(EdgeTest, EveryAnswerCarriesTheHeadersThatKeepItSafe) {
  for (const auto& answer : {Get("/health"), Get("/nowhere"), Get(std::string("/u/") + kLink)}) {
    EXPECT_THAT(std::string(answer["Content-Security-Policy"]),
                HasSubstr("default-src 'none'; form-action 'self'"));
    EXPECT_EQ(answer["Referrer-Policy"], "no-referrer");
    EXPECT_EQ(answer[http::field::cache_control], "no-store");
    EXPECT_EQ(answer.count("Strict-Transport-Security"), 0u) << "this is not TLS";
  }
  EXPECT_EQ(Get("/health").result_int(), 200u);
  EXPECT_EQ(Get("/nowhere").result_int(), 404u);
  const auto other = Ask({.method = http::verb::delete_, .target = std::string("/u/") + kLink});
  EXPECT_EQ(other.result_int(), 405u);
  EXPECT_EQ(other[http::field::allow], "GET, HEAD, POST");
}

TEST_F(EdgeTest, WhatIsTooLargeIsRefused) {
  EXPECT_EQ(Press(kLink, std::string(9 << 10, 'x')).result_int(), 413u);
  EXPECT_EQ(Notify("receipt", std::string(600 << 10, ' ')).result_int(), 413u);
  EXPECT_EQ(Ask({.target = "/health", .headers = {{"X-Long", std::string(20 << 10, 'x')}}}).result_int(),
            431u);
}

TEST_F(EdgeTest, TooManyRequestsOfOneAddressAreRefused) {
  unsigned status = 0;
  for (int i = 0; i < 400 && status != 429; ++i) status = Get("/health").result_int();
  EXPECT_EQ(status, 429u);
}

TEST(EdgeServer, PlaintextIsForLoopback) {
  base::FakeClock clock;
  const InboundClient client(nullptr, nullptr, "");
  EdgeHandler handler(client, {}, clock);
  const auto server = HttpServer::Start({.listen = "0.0.0.0:0"}, handler);
  EXPECT_EQ(base::ReasonOf(server.status()), "CONFIG_WRONG");
  EXPECT_EQ(base::ReasonOf(HttpServer::Start({.listen = "host"}, handler).status()), "CONFIG_WRONG");
}

}  // namespace
}  // namespace pharos::edge
