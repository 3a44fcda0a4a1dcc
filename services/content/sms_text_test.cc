#include "services/content/sms_text.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::content {
namespace {

std::string Repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

// Vectors kept beside the source tree, or where PHAROS_VECTORS says.
std::string VectorFile(const std::string& name) {
  const char* folder = std::getenv("PHAROS_VECTORS");
  const char* source = std::getenv("PHAROS_SOURCE");
  return folder ? std::string(folder) + "/gsm0338/" + name
                : std::string(source ? source : ".") + "/../shared/data/wire/gsm0338/" + name;
}

TEST(SmsText, SplitsAtTheStandardsLimits) {
  struct Case {
    std::string text;
    SmsEncoding encoding;
    size_t parts;
    size_t first_part_octets;
  };
  for (const Case& c :
       std::vector<Case>{{"", SmsEncoding::kGsm7, 1, 0},
                         {Repeat("x", 160), SmsEncoding::kGsm7, 1, 160},
                         {Repeat("x", 161), SmsEncoding::kGsm7, 2, 153},
                         {Repeat("x", 918), SmsEncoding::kGsm7, 6, 153},
                         {Repeat("x", 152) + "€" + Repeat("x", 10), SmsEncoding::kGsm7, 2, 152},
                         {Repeat("€", 80), SmsEncoding::kGsm7, 1, 160},
                         {Repeat("ŵ", 70), SmsEncoding::kUcs2, 1, 140},
                         {Repeat("ŵ", 71), SmsEncoding::kUcs2, 2, 134},
                         {Repeat("😀", 36), SmsEncoding::kUcs2, 2, 132},
                         {Repeat("ŵ", 402), SmsEncoding::kUcs2, 6, 134}}) {
    auto sms = EncodeSms(c.text);
    ASSERT_TRUE(sms.ok()) << c.text;
    EXPECT_EQ(sms->encoding, c.encoding) << c.text;
    EXPECT_EQ(sms->parts.size(), c.parts) << c.text;
    EXPECT_EQ(sms->parts[0].size(), c.first_part_octets) << c.text;
  }
}

TEST(SmsText, CountsCharactersAsPeopleDo) {
  EXPECT_EQ(EncodeSms("€5 café")->characters, 7);
  EXPECT_EQ(EncodeSms("😀ŵ")->characters, 2);
}

TEST(SmsText, RefusesWhatCannotGo) {
  EXPECT_EQ(base::ReasonOf(EncodeSms(Repeat("x", 919)).status()), "MESSAGE_TOO_LONG");
  EXPECT_EQ(base::ReasonOf(EncodeSms(Repeat("ŵ", 403)).status()), "MESSAGE_TOO_LONG");
  EXPECT_EQ(base::ReasonOf(EncodeSms("caf\xe9").status()), "NOT_UTF8");
}

TEST(SmsText, DecodesWhatItEncodes) {
  for (std::string text : {"", "hello £5 {x} ~ €", "ΔΦΓΛΩΠΨΣΘΞ àèéù\r\n", "dŵr 😀 你好"}) {
    auto sms = EncodeSms(text);
    std::string decoded;
    for (const std::string& part : sms->parts) {
      decoded += sms->encoding == SmsEncoding::kGsm7 ? DecodeGsm7(part) : DecodeUcs2(part);
    }
    EXPECT_EQ(decoded, text);
  }
}

TEST(SmsText, UnknownCodesBecomeReplacementCharacters) {
  EXPECT_EQ(DecodeGsm7("a\x1b\x01"
                       "b"),
            "a\uFFFD"
            "b");
  EXPECT_EQ(DecodeGsm7("a\x1b"), "a\uFFFD");
  EXPECT_EQ(DecodeGsm7("a\x80"), "a\uFFFD");
  EXPECT_EQ(DecodeUcs2(std::string("\xD8\x3D\x00\x61", 4)),
            "\uFFFD"
            "a");
  EXPECT_EQ(DecodeUcs2(std::string("\x00\x61\x00", 3)), "a\uFFFD");
}

TEST(SmsText, HintsNameReplacementsOnce) {
  EXPECT_EQ(SmsHints("it’s – it’s…"), (std::vector<std::string>{"’ → '", "– → -", "… → ..."}));
  EXPECT_EQ(SmsHints("a\u00A0b"), (std::vector<std::string>{"U+00A0 → space"}));
  EXPECT_TRUE(SmsHints("plain £5 {€}").empty());
  EXPECT_TRUE(SmsHints("dŵr").empty()) << "spelling is not ours to change";
}

TEST(SmsText, ShiftTablesAreUsedOnlyWhereTheySaveParts) {
  const SmsOptions turkish{{ShiftLanguage::kTurkish}, false, false};
  auto plain = EncodeSms(Repeat("ışğ", 30));  // 90 characters: two parts of UCS-2
  EXPECT_EQ(plain->encoding, SmsEncoding::kUcs2);
  EXPECT_EQ(plain->parts.size(), 2u);
  auto shifted = EncodeSms(Repeat("ışğ", 30), turkish);
  EXPECT_EQ(shifted->encoding, SmsEncoding::kGsm7);
  EXPECT_EQ(shifted->parts.size(), 1u);
  EXPECT_EQ(base::ToHex(shifted->shift_header), "250101") << "locking only: nothing needs the single shift";
  EXPECT_EQ(DecodeGsm7(shifted->parts[0], ShiftLanguage::kTurkish), Repeat("ışğ", 30));
  EXPECT_TRUE(EncodeSms("kısa", turkish)->shift_header.empty()) << "one part is one part in UCS-2 too";
  EXPECT_EQ(EncodeSms(Repeat("x", 200), turkish)->shift_header, "");
  EXPECT_EQ(EncodeSms(Repeat("ŵ", 100), turkish)->encoding, SmsEncoding::kUcs2) << "Welsh has no table";
}

TEST(SmsText, ShiftHeadersTakeRoom) {
  const SmsOptions spanish{{ShiftLanguage::kSpanish}, false, false};
  auto sms = EncodeSms("á" + Repeat("x", 153), spanish);  // 2 + 153 = 155 septets
  EXPECT_EQ(base::ToHex(sms->shift_header), "240102");
  EXPECT_EQ(sms->parts.size(), 1u);
  sms = EncodeSms("á" + Repeat("x", 154), spanish);
  ASSERT_EQ(sms->parts.size(), 2u);
  EXPECT_EQ(sms->parts[0].size(), 149u);
  const SmsOptions portuguese{{ShiftLanguage::kPortuguese}, true, false};
  sms = EncodeSms("ã" + Repeat("x", 160), portuguese);
  ASSERT_EQ(sms->parts.size(), 2u);
  EXPECT_EQ(sms->parts[0].size(), 148u);
}

TEST(SmsText, EveryCharacterOfTheTablesGoesThereAndBack) {
  for (auto language : {ShiftLanguage::kTurkish, ShiftLanguage::kSpanish, ShiftLanguage::kPortuguese}) {
    for (int code = 0; code < 128; ++code) {
      if (code == 0x1B) continue;
      const auto septet = static_cast<uint8_t>(code);
      if (char32_t c = LockingCharacter(language, septet); c != 0xFFFD) {
        EXPECT_EQ(LockingCodeOf(language, c), code) << code;
      }
      if (char32_t c = SingleCharacter(language, septet); c != 0xFFFD) {
        EXPECT_EQ(SingleCodeOf(language, c), code) << code;
      }
    }
  }
}

TEST(SmsText, WideReferencesAndForcedUcs2) {
  const SmsOptions wide{{}, true, false};
  EXPECT_EQ(EncodeSms(Repeat("x", 161), wide)->parts[0].size(), 152u);
  EXPECT_EQ(EncodeSms(Repeat("ŵ", 71), wide)->parts[0].size(), 132u);
  EXPECT_EQ(EncodeSms(Repeat("x", 160), wide)->parts.size(), 1u);
  EXPECT_EQ(EncodeSms("x", SmsOptions{{}, false, true})->encoding, SmsEncoding::kUcs2);
}

TEST(SmsText, AgreesWithTheAlphabetTable) {
  std::ifstream file(VectorFile("gsm0338.tsv"));
  if (!file) GTEST_SKIP() << "no vectors at " << VectorFile("gsm0338.tsv");
  std::string line;
  std::getline(file, line);
  int rows = 0;
  for (; std::getline(file, line); ++rows) {
    std::string septets_hex, unicode;
    std::istringstream(line) >> septets_hex >> unicode;
    if (!unicode.starts_with("U+")) continue;  // the escape itself
    for (char& c : septets_hex) c = static_cast<char>(std::tolower(c));
    const std::string septets = base::FromHex(septets_hex);
    const unsigned long code_point = std::stoul(unicode.substr(2), nullptr, 16);
    const std::string utf16 = {static_cast<char>(code_point >> 8), static_cast<char>(code_point & 0xFF)};
    const std::string utf8 = DecodeUcs2(utf16);
    EXPECT_EQ(DecodeGsm7(septets), utf8) << line;
    auto sms = EncodeSms(utf8);
    EXPECT_EQ(sms->encoding, SmsEncoding::kGsm7) << line;
    EXPECT_EQ(base::ToHex(sms->parts[0]), septets_hex) << line;
  }
  EXPECT_GE(rows, 137);
}

TEST(SmsText, AgreesWithTheSegmentVectors) {
  std::ifstream file(VectorFile("segments.json"));
  if (!file) GTEST_SKIP() << "no vectors at " << VectorFile("segments.json");
  const nlohmann::json vectors = nlohmann::json::parse(file);
  ASSERT_GT(vectors.size(), 40u);
  for (const auto& vector : vectors) {
    const std::string text = vector["text"];
    auto sms = EncodeSms(text);
    ASSERT_TRUE(sms.ok()) << text;
    EXPECT_EQ(sms->encoding == SmsEncoding::kGsm7 ? "gsm7" : "ucs2", vector["encoding"]) << text;
    ASSERT_EQ(sms->parts.size(), vector["segments"].get<size_t>()) << text;
    for (size_t i = 0; i < sms->parts.size(); ++i) {
      EXPECT_EQ(base::ToHex(sms->parts[i]), vector["parts"][i]["unpacked_hex"]) << text;
    }
  }
}

}  // namespace
}  // namespace pharos::content
