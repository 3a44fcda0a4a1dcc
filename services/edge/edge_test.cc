// The edge over real HTTP: what each route answers.
#include "services/edge/edge_world_test.h"

namespace pharos::edge {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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
