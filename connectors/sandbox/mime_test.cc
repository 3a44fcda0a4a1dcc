#include "connectors/sandbox/mime.h"

#include <gtest/gtest.h>

namespace pharos::sandbox {
namespace {

TEST(Mime, HeadersAreUnfoldedAndFoundInAnyCase) {
  Entity mail = ParseEntity("SUBJECT: one\r\n two\r\nX: y\r\n\r\nbody\r\n");
  EXPECT_EQ(mail.Header("subject"), "one two");
  EXPECT_EQ(mail.Header("missing"), "");
  EXPECT_EQ(mail.body, "body\r\n");
}

TEST(Mime, EncodedWordsAreRead) {
  EXPECT_EQ(DecodeWords("=?utf-8?q?caf=C3=A9_au?= =?UTF-8?B?IGxhaXQ=?= now"), "café au lait now");
  EXPECT_EQ(DecodeWords("=?iso-8859-1?Q?caf=E9?="), "café");
  EXPECT_EQ(DecodeWords("1 =? 2"), "1 =? 2");
}

TEST(Mime, TextAndHtmlAreFoundInTheirParts) {
  const char* mail =
      "Content-Type: multipart/alternative; boundary=\"b1\"\r\n\r\n"
      "--b1\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
      "Ready to quit=3F A long =\r\nline\r\n"
      "--b1\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
      "PHA+SGk8\r\nL3A+\r\n"
      "--b1--\r\n";
  EXPECT_EQ(PartOf(mail, "text/plain"), "Ready to quit? A long line");
  EXPECT_EQ(PartOf(mail, "text/html"), "<p>Hi</p>");
  EXPECT_EQ(PartOf(mail, "text/calendar"), std::nullopt);
  EXPECT_EQ(PartOf("Subject: x\n\nplain\n", "text/plain"), "plain\n");
}

TEST(Mime, TheUnsubscribeAddressIsFoundBesideALink) {
  auto mailto =
      UnsubscribeMailto("<https://example.org/u>, <mailto:u%2B1@example.org?subject=stop%20me&body=b>");
  ASSERT_TRUE(mailto);
  EXPECT_EQ(mailto->address, "u+1@example.org");
  EXPECT_EQ(mailto->subject, "stop me");
  EXPECT_EQ(mailto->body, "b");
  EXPECT_FALSE(UnsubscribeMailto("<https://example.org/u>"));
}

TEST(Mime, AnUnsubscribeAddressCannotAddAHeader) {
  auto mailto = UnsubscribeMailto("<mailto:u@example.org?subject=a%0D%0ABcc:%20x@example.org>");
  EXPECT_EQ(mailto->subject, "aBcc: x@example.org");
}

TEST(Mime, Base64GoesThereAndBack) {
  for (std::string text : {"", "a", "ab", "abc", "abcd"}) EXPECT_EQ(FromBase64(Base64(text)), text);
  EXPECT_EQ(Base64("ab"), "YWI=");
}

}  // namespace
}  // namespace pharos::sandbox
