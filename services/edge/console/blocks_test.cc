#include "services/edge/console/blocks.h"

#include <gtest/gtest.h>

#include "services/edge/console/area_names.h"

namespace pharos::edge::console {
namespace {

TEST(CopyAs, WhatIsQuotedStaysOneText) {
  EXPECT_EQ(QuotedForShell(R"({"a": "b"})"), R"('{"a": "b"}')");
  EXPECT_EQ(QuotedForShell("it's"), R"('it'\''s')");
  EXPECT_EQ(QuotedForCode(R"(it's "so\n")"), R"('it\'s "so\\n"')");
  EXPECT_EQ(QuotedForCode("a\nb"), R"('a\nb')");
}

TEST(CopyAs, EachLanguageAsksTheSame) {
  Model model;
  AddCopyAs(model, "pharos audience list", "audience.v1.AudienceService/ListAudiences",
            R"({"page_size": 3})");
  ASSERT_EQ(model["copy_as"].size(), 4u);
  EXPECT_EQ(model["copy_as"][0]["text"], "pharos audience list");
  for (size_t i = 1; i < 4; ++i) {
    const std::string text = model["copy_as"][i]["text"];
    EXPECT_NE(text.find("/pharos.audience.v1.AudienceService/ListAudiences"), std::string::npos) << text;
    EXPECT_NE(text.find(R"('{"page_size": 3}')"), std::string::npos) << text;
  }
}

TEST(AreaNames, ACodeWithoutANameStaysACode) {
  const std::map<std::string, std::string, std::less<>> known = {{"E08000035", "Leeds"}};
  const AreaNames names(known);
  EXPECT_EQ(names.WithCode("E08000035"), "Leeds (E08000035)");
  EXPECT_EQ(names.WithCode("E07000999"), "E07000999");
  EXPECT_EQ(names.WithCode(""), "");
  EXPECT_EQ(names.Of("E07000999"), "");
}

}  // namespace
}  // namespace pharos::edge::console
