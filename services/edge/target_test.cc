#include "services/edge/target.h"

#include <gtest/gtest.h>

namespace pharos::edge {
namespace {

TEST(Target, ReadsWhatThereIs) {
  EXPECT_EQ(ReadTarget("/health").route, Route::kHealth);
  EXPECT_EQ(ReadTarget("/u/abc-_09").route, Route::kUnsubscribe);
  EXPECT_EQ(ReadTarget("/u/abc-_09").token, "abc-_09");
  EXPECT_TRUE(ReadTarget("/u/abc?lang=cy").welsh);
  EXPECT_TRUE(ReadTarget("/u/abc?x=1&lang=en").english);
  EXPECT_EQ(ReadTarget("/callbacks/notify/notify-main/receipt").route, Route::kNotifyReceipt);
  EXPECT_EQ(ReadTarget("/callbacks/notify/notify-main/inbound").connector, "notify-main");
  EXPECT_EQ(ReadTarget("/callbacks/signed/other").route, Route::kSigned);
  EXPECT_EQ(ReadTarget("/p/abc").route, Route::kPreferences);
  EXPECT_EQ(ReadTarget("/l/" + std::string(200, 'a')).route, Route::kLink);
  EXPECT_EQ(ReadTarget("/").route, Route::kConsole);
  EXPECT_EQ(ReadTarget("/console/campaigns/x?page=2").route, Route::kConsole);
  EXPECT_EQ(ReadTarget("/console/campaigns/x/stream").route, Route::kConsoleStream);
  EXPECT_EQ(ReadTarget("/assets/console.js").route, Route::kAsset);
  EXPECT_EQ(ReadTarget("/v2/notifications/sms").route, Route::kNotifyApi);
  EXPECT_EQ(ReadTarget("/openapi.json").route, Route::kApiDocument);
  EXPECT_EQ(ReadTarget("/pharos.customer.v1.PersonService/GetPerson").method,
            "/pharos.customer.v1.PersonService/GetPerson");
}

TEST(Target, AndNothingElse) {
  for (const std::string& wrong :
       {std::string(), std::string("/p/"), std::string("u/abc"), std::string("/u/"), std::string("/u/a/b"),
        std::string("/u/a%2e"), "/u/" + std::string(129, 'a'), std::string("/health/"),
        std::string("/callbacks/notify/n"), std::string("/callbacks/notify/n/other"),
        std::string("/callbacks/notify//receipt"), std::string("/callbacks/signed/a b"),
        std::string("/callbacks/signed/n/receipt"), std::string("http://host/health"),
        std::string("/consolex"), std::string("/assets/../x"), std::string("/v2"),
        std::string("/pharos.a/b/c"), "/l/" + std::string(257, 'a')})
    EXPECT_EQ(ReadTarget(wrong).route, Route::kNone) << wrong;
}

}  // namespace
}  // namespace pharos::edge
