// Signatures: checked by a verifier of the tests' own, which itself is checked with the samples of others.
#include "connectors/smtp/dkim.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "connectors/smtp/dkim_check.h"
#include "connectors/smtp/mime.h"
#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::smtp {
namespace {

constexpr int64_t kWall = 1'795'359'600'000'000;

class DkimTest : public testing::Test {
 protected:
  std::string KeyFile(EVP_PKEY* key) {
    std::string file = testing::TempDir() + "/dkim-" + base::ToHex(base::RandomBytes16()) + ".pem";
    FILE* out = fopen(file.c_str(), "w");
    PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    fclose(out);
    files_.push_back(file);
    return file;
  }
  // Key record as DNS would hold it.
  static std::string Record(EVP_PKEY* key, bool rsa) {
    unsigned char* der = nullptr;
    std::string bytes(32, '\0');
    if (rsa) {
      int size = i2d_PUBKEY(key, &der);
      bytes.assign(reinterpret_cast<char*>(der), static_cast<size_t>(size));
      OPENSSL_free(der);
    } else {
      size_t size = 32;
      EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(bytes.data()), &size);
    }
    std::string text(bytes.size() * 2, '\0');
    text.resize(static_cast<size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                                    reinterpret_cast<const unsigned char*>(bytes.data()),
                                                    static_cast<int>(bytes.size()))));
    return std::string("v=DKIM1; k=") + (rsa ? "rsa" : "ed25519") + "; p=" + text;
  }
  DkimTest() : rsa_(EVP_RSA_gen(2048)), ed_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")) {
    dns_["r1._domainkey.example.test"] = Record(rsa_, true);
    dns_["e1._domainkey.example.test"] = Record(ed_, false);
    auto signer = DkimSigner::Make({{DkimAlgorithm::kRsa, "example.test", "r1", KeyFile(rsa_)},
                                    {DkimAlgorithm::kEd25519, "example.test", "e1", KeyFile(ed_)}});
    EXPECT_TRUE(signer.ok()) << signer.status();
    signer_ = *signer;
  }
  ~DkimTest() override {
    EVP_PKEY_free(rsa_);
    EVP_PKEY_free(ed_);
    for (const auto& file : files_) unlink(file.c_str());
  }
  static std::string Message() {
    Mail mail;
    mail.message_id = "00ff@example.test";
    mail.from = "clinic@example.test";
    mail.from_name = "Clínic";
    mail.to = "anna@example.test";
    mail.subject = "Your appointment, in words that are many enough to be folded into two lines of a header";
    mail.text = "Hello  Anna,\n.\ncome at 10. \n\n\n";
    mail.html = "<p>Hello</p>";
    mail.unsubscribe = "u+a.b@bounce.example.test";
    mail.one_click = "https://u.example.test/1/abc";
    mail.date_us = kWall;
    return *WriteMail(mail);
  }
  std::string Signed(const std::string& message) { return *signer_->Sign(message, kWall) + message; }

  EVP_PKEY *rsa_, *ed_;
  std::vector<std::string> files_;
  std::map<std::string, std::string> dns_;
  std::shared_ptr<const DkimSigner> signer_;
};

TEST_F(DkimTest, BothSignaturesHold) {
  const std::string mail = Signed(Message());
  EXPECT_EQ(CheckDkim(mail, dns_), (std::vector<bool>{true, true}));
}

TEST_F(DkimTest, AnEmptyBodyAndTrailingLinesAreSignedToo) {
  for (const char* body : {"", "\r\n", "a\r\n\r\n\r\n", "a", " \r\n a\t b \r\n"})
    EXPECT_EQ(CheckDkim(Signed(std::string("From: a@example.test\r\nSubject: x\r\n\r\n") + body), dns_),
              (std::vector<bool>{true, true}))
        << body;
}

TEST_F(DkimTest, WhatIsChangedOrAddedBreaksThem) {
  const std::string mail = Signed(Message());
  const std::vector<bool> broken{false, false};
  auto changed = [&](const std::string& from, const std::string& to) {
    std::string copy = mail;
    copy.replace(copy.find(from), from.size(), to);
    EXPECT_NE(copy, mail);
    return CheckDkim(copy, dns_);
  };
  EXPECT_EQ(changed("come at 10", "come at 11"), broken);
  EXPECT_EQ(changed("https://u.example.test/1", "https://evil.example/1"), broken);
  EXPECT_EQ(changed("List-Unsubscribe=One-Click", "List-Unsubscribe=Two-Click"), broken);
  EXPECT_EQ(changed("Date: ", "From: other@example.test\r\nDate: "), broken);
  EXPECT_EQ(changed("Date: ", "Subject: other\r\nDate: "), broken);
  EXPECT_EQ(changed("Date: ", "Reply-To: other@example.test\r\nDate: "), broken);
  EXPECT_EQ(changed("Date: ", "Received: by mx.example.test\r\nDate: "), (std::vector<bool>{true, true}));
}

TEST_F(DkimTest, BothListHeadersAreSignedAlsoWhereThereAreNone) {
  std::string fields = *signer_->Sign("From: a@example.test\r\n\r\nx\r\n", kWall);
  EXPECT_NE(fields.find("list-unsubscribe:"), std::string::npos);
  EXPECT_NE(fields.find("list-unsubscribe-post"), std::string::npos);
  EXPECT_EQ(fields.find(" l="), std::string::npos);
  for (size_t at = 0, end; (end = fields.find("\r\n", at)) != std::string::npos; at = end + 2)
    EXPECT_LE(end - at, 78u);
}

TEST_F(DkimTest, AWrongKeyIsRefusedInWords) {
  auto reason = [](DkimKeyFile file) { return base::ReasonOf(DkimSigner::Make({file}).status()); };
  EXPECT_EQ(reason({DkimAlgorithm::kRsa, "example.test", "s", "/nowhere"}), "DKIM_KEY_WRONG");
  EXPECT_EQ(reason({DkimAlgorithm::kRsa, "example.test", "s", KeyFile(ed_)}), "DKIM_KEY_WRONG");
  EXPECT_EQ(reason({DkimAlgorithm::kEd25519, "example.test", "s", KeyFile(rsa_)}), "DKIM_KEY_WRONG");
  EXPECT_EQ(reason({DkimAlgorithm::kRsa, "", "s", KeyFile(rsa_)}), "DKIM_KEY_WRONG");
  EXPECT_EQ(reason({DkimAlgorithm::kRsa, "x.test; l=0", "s", KeyFile(rsa_)}), "DKIM_KEY_WRONG");
  EVP_PKEY* small = EVP_RSA_gen(1024);
  EXPECT_EQ(reason({DkimAlgorithm::kRsa, "example.test", "s", KeyFile(small)}), "DKIM_KEY_WRONG");
  EVP_PKEY_free(small);
}

// The key of RFC 8463, appendix A: the seed in base 64 is read, and its public half is the published one.
TEST_F(DkimTest, TheSeedOfRfc8463IsRead) {
  std::string file = testing::TempDir() + "/seed-" + base::ToHex(base::RandomBytes16());
  std::ofstream(file) << "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=\n";
  files_.push_back(file);
  auto signer = DkimSigner::Make({{DkimAlgorithm::kEd25519, "football.example.com", "brisbane", file}});
  ASSERT_TRUE(signer.ok()) << signer.status();
  const std::string message =
      "From: Joe <joe@football.example.com>\r\nSubject: Is dinner ready?\r\n\r\nHi.\r\n";
  EXPECT_EQ(CheckDkim(*(*signer)->Sign(message, kWall) + message,
                      {{"brisbane._domainkey.football.example.com",
                        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="}}),
            std::vector<bool>{true});
}

TEST(DkimCheck, JudgesTheSamplesAsTheyAreExpected) {
  const char* source = std::getenv("PHAROS_SOURCE");
  const std::string folder = std::string(source ? source : ".") + "/../shared/data/wire/dkim/";
  std::ifstream expected(folder + "expected.json"), dns(folder + "dns.json");
  if (!expected || !dns) GTEST_SKIP() << "no samples in " << folder;
  std::map<std::string, std::string> records;
  const auto names = nlohmann::json::parse(dns);
  for (const auto& [name, value] : names.items()) {
    std::string key = name;
    if (!key.empty() && key.back() == '.') key.pop_back();
    records[key] = value.is_string() ? value.get<std::string>() : "";
  }
  for (const auto& sample : nlohmann::json::parse(expected)) {
    std::stringstream text;
    text << std::ifstream(folder + sample["file"].get<std::string>(), std::ios::binary).rdbuf();
    const auto verdicts = CheckDkim(text.str(), records);
    const bool pass = std::find(verdicts.begin(), verdicts.end(), true) != verdicts.end();
    EXPECT_EQ(pass, sample["expect"] == "pass") << sample["file"];
  }
}

}  // namespace
}  // namespace pharos::smtp
