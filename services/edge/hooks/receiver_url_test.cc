#include "services/edge/hooks/receiver_url.h"

#include <gtest/gtest.h>

namespace pharos::edge::hooks {
namespace {

TEST(ReceiverUrl, ReadsWhatItIsMadeOf) {
  const auto url = ReadReceiverUrl("https://CRM.Leeds.example:8443/pharos/in?from=us");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "crm.leeds.example");
  EXPECT_EQ(url->port, "8443");
  EXPECT_EQ(url->header, "crm.leeds.example:8443");
  EXPECT_EQ(url->target, "/pharos/in?from=us");
  EXPECT_FALSE(url->literal);
}

TEST(ReceiverUrl, FillsInWhatIsUsual) {
  const auto url = ReadReceiverUrl("https://crm.example.org");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->port, "443");
  EXPECT_EQ(url->header, "crm.example.org");
  EXPECT_EQ(url->target, "/");
  EXPECT_EQ(ReadReceiverUrl("https://a.example?x=1")->target, "/?x=1");
  EXPECT_EQ(ReadReceiverUrl("https://a.example:443/")->header, "a.example");
  EXPECT_FALSE(ReadReceiverUrl("http://127.0.0.1:8080/in")->tls);
}

TEST(ReceiverUrl, AddressesStandInTheirUsualForm) {
  EXPECT_TRUE(ReadReceiverUrl("https://192.0.2.7/")->literal);
  const auto six = ReadReceiverUrl("https://[2001:db8::7]:444/in");
  ASSERT_TRUE(six.ok()) << six.status();
  EXPECT_EQ(six->host, "2001:db8::7");
  EXPECT_EQ(six->header, "[2001:db8::7]:444");
}

TEST(ReceiverUrl, RefusesEverythingElse) {
  for (const char* text : {"",
                           "crm.example.org",
                           "ftp://crm.example.org/",
                           "HTTPS://crm.example.org/",
                           "https://",
                           "https:///in",
                           "https://user@crm.example.org/",
                           "https://crm.example.org@127.0.0.1/",
                           "https://crm.example.org/#part",
                           "https://crm.example.org\\@evil.example/",
                           "https://crm.example.org/a b",
                           "https://crm.example.org/\r\nX: y",
                           "https://crm.example.org:/",
                           "https://crm.example.org:0/",
                           "https://crm.example.org:65536/",
                           "https://crm.example.org:+443/",
                           "https://crm.example.org:44x/",
                           "https://-crm.example.org/",
                           "https://crm..example.org/",
                           "https://crm.example.org./",
                           "https://crm_1.example.org/",
                           "https://2130706433/",
                           "https://127.1/",
                           "https://0x7f.0.0.1/",
                           "https://0x7f000001/",
                           "https://0177.0.0.1/",
                           "https://1.2.3.4.5/",
                           "https://[127.0.0.1]/",
                           "https://::1/",
                           "https://[::1/",
                           "https://[fe80::1%25lo]/",
                           "https://%31%32%37.0.0.1/",
                           "https://b\xc3\xbc"
                           "cher.example/"}) {
    EXPECT_FALSE(ReadReceiverUrl(text).ok()) << text;
  }
  EXPECT_FALSE(ReadReceiverUrl("https://a.example/" + std::string(kLongestUrl, 'x')).ok());
}

}  // namespace
}  // namespace pharos::edge::hooks
