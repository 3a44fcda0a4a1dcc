#include "connectors/smpp/pdu.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "connectors/smpp/receipt.h"
#include "services/base/ids.h"

namespace pharos::smpp {
namespace {

Pdu Submit() {
  Pdu pdu;
  pdu.command = kSubmitSm;
  pdu.sequence = 7;
  pdu.source = {5, 0, "NHS"};
  pdu.destination = {1, 1, "447700900123"};
  pdu.validity_period = "000002000000000R";
  pdu.registered_delivery = 1;
  pdu.short_message = std::string("a\0b", 3);
  pdu.tlvs = {{kUserMessageReference, std::string("\x01\x02", 2)}, {0x1401, "unknown"}};
  return pdu;
}

std::vector<Pdu> Samples() {
  Pdu bind;
  bind.command = kBindTransceiver;
  bind.sequence = 1;
  bind.system_id = "pharos";
  bind.password = "secret";
  bind.system_type = "SMS";
  Pdu bind_answer;
  bind_answer.command = ResponseTo(kBindTransceiver);
  bind_answer.status = kInvalidPassword;
  bind_answer.sequence = 1;
  bind_answer.system_id = "SMSC";
  Pdu answer;
  answer.command = ResponseTo(kSubmitSm);
  answer.sequence = kMaxSequence;
  answer.message_id = "6f1a";
  Pdu data = Submit();
  data.command = kDataSm;
  data.validity_period = data.short_message = "";
  data.tlvs = {{kMessagePayload, "hello"}};
  Pdu enquire;
  enquire.command = kEnquireLink;
  enquire.sequence = 9;
  Pdu query;
  query.command = kQuerySm;
  query.message_id = "77";
  query.source = {1, 1, "447700900123"};
  return {bind, bind_answer, Submit(), answer, data, enquire, query};
}

TEST(Pdu, ComesBackAsItWasEncoded) {
  for (const auto& pdu : Samples()) {
    auto decoded = Decode(Encode(pdu));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(*decoded, pdu) << fmt::format("command 0x{:X}", pdu.command);
  }
}

TEST(Pdu, TextIsInTheShortMessageOrInThePayload) {
  EXPECT_EQ(Submit().Text(), std::string_view("a\0b", 3));
  EXPECT_EQ(Samples()[4].Text(), "hello");
}

TEST(Framing, WaitsForTheWholeFrameAndRefusesImpossibleLengths) {
  std::string frame = Encode(Submit());
  size_t length = 0;
  for (size_t n = 0; n < frame.size(); ++n)
    EXPECT_EQ(NextFrame(frame.substr(0, n), length), Framing::kNeedMore);
  EXPECT_EQ(NextFrame(frame + "next", length), Framing::kWhole);
  EXPECT_EQ(length, frame.size());
  EXPECT_EQ(NextFrame(std::string("\0\0\0\x0f", 4), length), Framing::kBroken);
  EXPECT_EQ(NextFrame(std::string("\0\x01\0\x01", 4), length), Framing::kBroken);
}

TEST(Pdu, ABodyThatEndsTooEarlyIsAnErrorNotACrash) {
  for (const auto& pdu : Samples()) {
    std::string whole = Encode(pdu);
    for (size_t n = kHeaderBytes; n < whole.size(); ++n) {
      std::string cut = whole.substr(0, n);
      cut[2] = static_cast<char>(n >> 8);
      cut[3] = static_cast<char>(n & 0xFF);
      auto decoded = Decode(cut);  // an error, or fewer or faulty TLVs
      if (decoded.ok()) {
        EXPECT_NE(*decoded, pdu);
      }
    }
  }
}

TEST(Pdu, GarbageIsHarmless) {
  std::mt19937 random(20260101);
  constexpr uint32_t kCommands[] = {kBindTransceiver,      kSubmitSm, kDeliverSm, kDataSm, kQuerySm,
                                    ResponseTo(kSubmitSm), 0x77};
  for (int round = 0; round < 50'000; ++round) {
    std::string frame = Encode(Samples()[random() % 7]);
    for (int i = 0; i < 8; ++i) frame[4 + random() % (frame.size() - 4)] = static_cast<char>(random());
    uint32_t command = kCommands[random() % 7];
    for (int i = 0; i < 4; ++i) frame[4 + i] = static_cast<char>(command >> (24 - 8 * i));
    auto decoded = Decode(frame);
    if (!decoded.ok()) continue;
    ReadReceipt(*decoded);
    std::string_view text = decoded->Text();
    TakeHeader(decoded->esm_class, text);
    auto again = Decode(Encode(*decoded));  // what was understood can be said
    ASSERT_TRUE(again.ok());
  }
}

TEST(Concatenation, IsTakenOffTheText) {
  std::string message = std::string("\x05\x00\x03\x2A\x02\x01", 6) + "part";
  std::string_view text = message;
  auto parts = TakeHeader(0x40, text);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->reference, 42);
  EXPECT_EQ(parts->total, 2);
  EXPECT_EQ(parts->part, 1);
  EXPECT_EQ(text, "part");
  text = message;
  EXPECT_FALSE(TakeHeader(0, text));
  EXPECT_EQ(text.size(), message.size());
}

// Frames of other people's SMPP stacks, with what is in them.
class Recorded : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("PHAROS_WIRE_DATA");
    const char* source = std::getenv("PHAROS_SOURCE");
    std::string beside = std::string(source ? source : ".") + "/../shared/data/wire";
    std::ifstream file((folder ? std::string(folder) : beside) + "/smpp/pdus.json");
    if (!file)
      GTEST_SKIP() << "no recorded frames; set PHAROS_WIRE_DATA to the folder that holds smpp/pdus.json";
    cases_ = nlohmann::json::parse(file);
  }
  static uint32_t Hex(const nlohmann::json& value) {
    return std::stoul(value.get<std::string>(), nullptr, 16);
  }
  static void Compare(const Pdu& pdu, const nlohmann::json& want);
  nlohmann::json cases_;
};

void Recorded::Compare(const Pdu& pdu, const nlohmann::json& want) {
  auto text = [&](const char* name, const std::string& have) {
    if (want.contains(name)) {
      EXPECT_EQ(have, want[name].get<std::string>()) << name;
    }
  };
  auto number = [&](const char* name, int have) {
    if (want.contains(name)) {
      EXPECT_EQ(have, want[name].get<int>()) << name;
    }
  };
  text("system_id", pdu.system_id);
  text("password", pdu.password);
  text("system_type", pdu.system_type);
  text("address_range", pdu.address_range);
  text("message_id", pdu.message_id);
  text("service_type", pdu.service_type);
  text("source_addr", pdu.source.digits);
  text("destination_addr", pdu.destination.digits);
  text("schedule_delivery_time", pdu.schedule_delivery_time);
  text("validity_period", pdu.validity_period);
  text("short_message_hex", base::ToHex(pdu.short_message));
  number("interface_version", pdu.interface_version);
  number("source_addr_ton", pdu.source.ton);
  number("source_addr_npi", pdu.source.npi);
  number("destination_addr_ton", pdu.destination.ton);
  number("destination_addr_npi", pdu.destination.npi);
  number("esm_class", pdu.esm_class);
  number("protocol_id", pdu.protocol_id);
  number("priority_flag", pdu.priority);
  number("registered_delivery", pdu.registered_delivery);
  number("replace_if_present_flag", pdu.replace_if_present);
  number("data_coding", pdu.data_coding);
  number("sm_default_msg_id", pdu.default_message_id);
  if (!want.contains("tlvs")) return;
  ASSERT_EQ(pdu.tlvs.size(), want["tlvs"].size());
  for (size_t i = 0; i < pdu.tlvs.size(); ++i) {
    EXPECT_EQ(pdu.tlvs[i].tag, Hex(want["tlvs"][i]["tag"]));
    EXPECT_EQ(base::ToHex(pdu.tlvs[i].value), want["tlvs"][i]["value_hex"].get<std::string>());
  }
}

TEST_F(Recorded, FramesAreReadAsTheirMakersMeantThem) {
  for (const auto& c : cases_) {
    SCOPED_TRACE(c.dump());
    std::string stream = base::FromHex(c["hex"].get<std::string>());
    size_t at = 0, length = 0;
    for (const auto& want : c["pdus"]) {
      ASSERT_EQ(NextFrame(std::string_view(stream).substr(at), length), Framing::kWhole);
      auto frame = std::string_view(stream).substr(at, length);
      at += length;
      Header header = DecodeHeader(frame);
      EXPECT_EQ(header.sequence, want["sequence_number"].get<uint32_t>());
      if (want.contains("command_id")) {
        EXPECT_EQ(header.command, Hex(want["command_id"]));
      }
      if (want.contains("command_status")) {
        EXPECT_EQ(header.status, Hex(want["command_status"]));
      }
      auto decoded = Decode(frame);
      if (want.contains("malformed")) {
        EXPECT_TRUE(!decoded.ok() || decoded->tlv_fault);
        continue;
      }
      ASSERT_TRUE(decoded.ok()) << decoded.status();
      EXPECT_FALSE(decoded->tlv_fault);
      Compare(*decoded, want);
      if (decoded->command & kResponse) continue;
      EXPECT_EQ(base::ToHex(Encode(*decoded)), base::ToHex(frame));  // and written as they wrote them
    }
    if (c["pdus"].empty()) {
      EXPECT_EQ(NextFrame(stream, length), Framing::kBroken);
    }
  }
}

TEST_F(Recorded, AReceiptWithAFaultyTlvIsStillRead) {
  int read = 0;
  for (const auto& c : cases_)
    for (const auto& want : c["pdus"]) {
      if (!want.contains("malformed") || want["command"] != "deliver_sm") continue;
      auto decoded = Decode(base::FromHex(c["hex"].get<std::string>()));
      ASSERT_TRUE(decoded.ok());
      auto receipt = ReadReceipt(*decoded);
      ASSERT_TRUE(receipt);
      EXPECT_EQ(receipt->id, "0000003005");
      EXPECT_EQ(receipt->state, MessageState::kDelivered);
      ++read;
    }
  EXPECT_GT(read, 0);
}

}  // namespace
}  // namespace pharos::smpp
