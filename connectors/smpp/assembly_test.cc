#include "connectors/smpp/assembly.h"

#include <gtest/gtest.h>

namespace pharos::smpp {
namespace {

constexpr int64_t kSecond = 1'000'000;

class AssemblyTest : public testing::Test {
 protected:
  std::string Add(int part, std::string_view text, int total = 2, uint32_t sequence = 1, int64_t now = 0) {
    Pdu pdu;
    pdu.source.digits = "447700900100";
    pdu.destination.digits = "60777";
    pdu.data_coding = coding_;
    return parts_.Add(pdu, {}, {7, total, part}, text, {0, 1, {0, kDeliverSm, 0, sequence}}, now, 5);
  }
  std::string TextOf(const std::string& name) { return Assembler::TextOf(*parts_.Find(name), false); }

  Assembler parts_;
  uint8_t coding_ = 0;
};

TEST_F(AssemblyTest, PartsInAnyOrderAreOneText) {
  auto name = Add(2, "texting me");
  EXPECT_FALSE(parts_.Find(name)->whole());
  EXPECT_TRUE(parts_.Due(kSecond).empty());
  Add(1, "please stop ", 2, 2);
  EXPECT_EQ(parts_.Due(kSecond), std::vector<std::string>{name});
  EXPECT_EQ(TextOf(name), "please stop texting me");
  EXPECT_EQ(parts_.Told(name, kSecond).size(), 2u) << "both requests are answered once it is kept";
  EXPECT_TRUE(parts_.Due(kSecond).empty());
}

TEST_F(AssemblyTest, WhatIsThereIsToldAfterAWhileAndTheWholeWhenItComes) {
  auto name = Add(1, "please stop ");
  EXPECT_TRUE(parts_.Due(Assembler::kHoldUs - 1).empty());
  EXPECT_EQ(parts_.Due(Assembler::kHoldUs).size(), 1u);
  EXPECT_EQ(TextOf(name), "please stop  […] ");
  EXPECT_EQ(parts_.Told(name, Assembler::kHoldUs).size(), 1u);
  Add(2, "texting me", 2, 9, 3600 * kSecond);
  EXPECT_EQ(parts_.Due(3600 * kSecond).size(), 1u);
  EXPECT_EQ(TextOf(name), "please stop texting me");
}

TEST_F(AssemblyTest, AfterADayThePartsAreForgotten) {
  auto name = Add(1, "please stop ");
  parts_.Told(name, Assembler::kHoldUs);
  parts_.Due(Assembler::kKeepUs - 1);
  EXPECT_EQ(parts_.size(), 1u);
  parts_.Due(Assembler::kKeepUs);
  EXPECT_EQ(parts_.size(), 0u);
}

TEST_F(AssemblyTest, RepeatsAddNothingButAnAnswer) {
  auto name = Add(1, "a");
  Add(1, "a", 2, 2);
  EXPECT_EQ(parts_.Find(name)->pieces.size(), 1u);
  EXPECT_EQ(parts_.Find(name)->tickets.size(), 2u);
  Add(1, "another message with the same reference");
  EXPECT_EQ(parts_.Find(name)->tickets.size(), 1u);
}

TEST_F(AssemblyTest, APairCutBetweenTwoPartsIsReadWhole) {
  coding_ = 8;
  Add(1, std::string_view("\xD8\x3D", 2));
  EXPECT_EQ(TextOf(Add(2, std::string_view("\xDE\x00", 2))), "😀");
}

TEST_F(AssemblyTest, ALostLinksRequestsAreNotAnswered) {
  auto name = Add(1, "a");
  parts_.LinkLost(0, 1);
  EXPECT_TRUE(parts_.Due(Assembler::kHoldUs).empty()) << "the provider says it again";
  EXPECT_TRUE(parts_.Told(name, 0).empty());
}

}  // namespace
}  // namespace pharos::smpp
