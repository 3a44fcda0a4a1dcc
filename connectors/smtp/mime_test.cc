// Emails as they leave, and what can never get into them.
#include "connectors/smtp/mime.h"

#include <gtest/gtest.h>

#include "services/base/text.h"

namespace pharos::smtp {
namespace {

Mail Sample() {
  Mail mail;
  mail.message_id = "00ff@example.test";
  mail.from = "clinic@example.test";
  mail.from_name = "Clinic";
  mail.to = "anna@example.test";
  mail.subject = "Your appointment";
  mail.text = "Hello Anna,\ncome at 10.";
  mail.html = "<html><body><p>Hello = Änna</p></body></html>";
  mail.unsubscribe = "u+abc.def@bounce.example.test";
  mail.date_us = 1'795'359'600'000'000;
  return mail;
}
std::string Written(const Mail& mail) {
  auto written = WriteMail(mail);
  EXPECT_TRUE(written.ok()) << written.status();
  return written.ok() ? *written : "";
}
bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Mime, AnEmailIsWrittenThus) {
  EXPECT_EQ(Written(Sample()),
            "Date: Sun, 22 Nov 2026 15:00:00 +0000\r\n"
            "From: \"Clinic\" <clinic@example.test>\r\n"
            "To: <anna@example.test>\r\n"
            "Message-ID: <00ff@example.test>\r\n"
            "Subject: Your appointment\r\n"
            "Auto-Submitted: auto-generated\r\n"
            "Precedence: bulk\r\n"
            "List-Unsubscribe:\r\n <mailto:u+abc.def@bounce.example.test?subject=unsubscribe>\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: multipart/alternative;\r\n boundary=\"=_pharos_alternative_\"\r\n"
            "\r\n"
            "--=_pharos_alternative_\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            "Hello Anna,\r\ncome at 10.\r\n"
            "--=_pharos_alternative_\r\n"
            "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            "<html><body><p>Hello =3D =C3=84nna</p></body></html>\r\n"
            "--=_pharos_alternative_--\r\n");
}

TEST(Mime, NothingFromOutsideAddsAHeader) {
  for (const std::string& hostile : std::vector<std::string>{"x\r\nBcc: all@example.test", "x\nBcc: y",
                                                             "x\rBcc: y", std::string("x\0y", 3)}) {
    for (auto field :
         {&Mail::from_name, &Mail::subject, &Mail::to, &Mail::from, &Mail::message_id, &Mail::unsubscribe}) {
      Mail mail = Sample();
      mail.*field = hostile;
      EXPECT_FALSE(WriteMail(mail).ok()) << hostile;
    }
  }
  Mail mail = Sample();
  mail.text = std::string("a\0b", 3);
  EXPECT_FALSE(WriteMail(mail).ok());
  mail.text = "\xC3(";
  EXPECT_FALSE(WriteMail(mail).ok());
}

TEST(Mime, AnAddressIsOneAddress) {
  for (std::string address : {"anna@example.test", "o'neil+x@example.test", "änna@example.test", "a@b"})
    EXPECT_TRUE(IsAddress(address)) << address;
  for (std::string address : {"", "anna", "@x", "a@", "a@b,c@d", "a b@c", "<a@b>", "a@b>\r\n", "a@@b",
                              "a@b..c", "\"a\"@b", "a@.b", "a@[127.0.0.1]"})
    EXPECT_FALSE(IsAddress(address)) << address;
  EXPECT_FALSE(IsAddress(std::string(65, 'a') + "@b"));
}

TEST(Mime, HeadersAreEncodedAndFolded) {
  Mail mail = Sample();
  mail.subject = "Grüße an alle, die hier wohnen und sehr lange auf eine Nachricht gewartet haben 🎉🎉🎉🎉";
  mail.from_name = "Zoë \"Q\" Ünal";
  std::string written = Written(mail);
  EXPECT_TRUE(Has(written, "=?utf-8?B?"));
  std::string head = written.substr(0, written.find("\r\n\r\n"));
  EXPECT_TRUE(IsAscii(head));
  for (const auto& line : base::Split(head, '\n')) EXPECT_LE(line.size(), 79u) << line;

  mail.subject =
      "plain words that go on and on, past the end of any line that a reader of mail would like to see";
  mail.from_name = "A \"quoted\" \\ name";
  written = Written(mail);
  EXPECT_TRUE(Has(written, "\r\n reader of mail")) << written;
  EXPECT_TRUE(Has(written, "From: \"A \\\"quoted\\\" \\\\ name\" <clinic@example.test>"));
  // Text that looks encoded is encoded again, so that it is shown as it was written.
  mail.subject = "=?utf-8?B?SGk=?=";
  EXPECT_FALSE(Has(Written(mail), "Subject: =?utf-8?B?SGk=?="));
}

TEST(Mime, QuotedPrintableKeepsLinesShortAndEndsVisible) {
  EXPECT_EQ(QuotedPrintable("a \nb\t\r\nc\rd"), "a=20\r\nb=09\r\nc\r\nd");
  EXPECT_EQ(QuotedPrintable("="), "=3D");
  std::string longish = QuotedPrintable(std::string(500, 'x') + "ä" + std::string(500, ' '));
  for (const auto& line : base::Split(longish, '\n')) EXPECT_LE(line.size(), 77u) << line;
  EXPECT_TRUE(IsAscii(longish));
}

TEST(Mime, NoBodyCanEndTheMessageOrItsPart) {
  Mail mail = Sample();
  mail.text = ".\n..\n.\r\n--=_pharos_alternative_--\n.";
  std::string data = DotStuffed(Written(mail));
  EXPECT_FALSE(Has(data, "\r\n.\r\n"));
  EXPECT_TRUE(Has(data, "\r\n..\r\n...\r\n..\r\n--=3D_pharos_alternative_--\r\n..\r\n"));
  EXPECT_FALSE(Has(data, "\n\n"));
  EXPECT_EQ(data.substr(data.size() - 2), "\r\n");
}

}  // namespace
}  // namespace pharos::smtp
