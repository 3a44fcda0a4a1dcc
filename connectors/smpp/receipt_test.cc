#include "connectors/smpp/receipt.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "connectors/smpp/receipt_id.h"

namespace pharos::smpp {
namespace {

TEST(ReceiptText, IsReadInTheStandardForm) {
  auto r = ReadReceiptText(
      "id:0123456789 sub:001 dlvrd:001 submit date:2601021504 done date:260102150501 stat:DELIVRD err:000 "
      "text:Your id: is stat:UNDELIV");
  EXPECT_EQ(r.id, "0123456789");
  EXPECT_EQ(r.state, MessageState::kDelivered);
  EXPECT_EQ(r.error, "");
  EXPECT_EQ(r.done_time_us, 1767366301000000);
}

TEST(ReceiptText, AnyOrderAnyCaseMissingFields) {
  auto r = ReadReceiptText("STAT:undeliv ERR:0A1 Done Date:20260102150405 ID: 7f-3 ");
  EXPECT_EQ(r.id, "7f-3");
  EXPECT_EQ(r.state, MessageState::kUndeliverable);
  EXPECT_EQ(r.error, "0A1");
  EXPECT_EQ(r.done_time_us, 1767366245000000);
  EXPECT_EQ(ReadReceiptText("").state, MessageState::kNone);
  EXPECT_EQ(ReadReceiptText("id:").id, "");
  EXPECT_EQ(ReadReceiptText("id:1 done date:yesterday stat:EXPIRED").done_time_us, 0);
  EXPECT_EQ(ReadReceiptText("id:1 stat:SOMETHING").state, MessageState::kNone);
}

TEST(Receipt, TlvsWinOverTheText) {
  Pdu pdu;
  pdu.command = kDeliverSm;
  pdu.short_message = "id:99 stat:ENROUTE err:000";
  pdu.tlvs = {{kReceiptedMessageId, std::string("abc\0", 4)},
              {kMessageState, "\x05"},
              {kNetworkErrorCode, std::string("\x03\x00\x1f", 3)},
              {kUserMessageReference, "\x12\x34"}};
  EXPECT_TRUE(IsReceipt(pdu));
  auto r = ReadReceipt(pdu);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->id, "abc");
  EXPECT_EQ(r->state, MessageState::kUndeliverable);
  EXPECT_EQ(r->error, "31");
  EXPECT_EQ(r->reference, 0x1234);
}

TEST(Receipt, IsNotWhatAPersonWrites) {
  Pdu pdu;
  pdu.command = kDeliverSm;
  pdu.short_message = "STOP id:1 stat:DELIVRD";
  EXPECT_FALSE(IsReceipt(pdu));
  pdu.esm_class = 0x04;
  EXPECT_TRUE(IsReceipt(pdu));
  pdu.esm_class = 0x40;  // a message in parts
  EXPECT_FALSE(IsReceipt(pdu));
}

TEST(Receipt, ThatSaysNothingIsNone) {
  Pdu pdu;
  pdu.esm_class = 0x04;
  pdu.short_message = "hello";
  EXPECT_FALSE(ReadReceipt(pdu));
}

TEST(Receipt, AnUnknownWordForTheStateIsUnknownAndKept) {
  Pdu pdu;
  pdu.esm_class = 0x04;
  pdu.short_message = "id:7 sub:001 stat:FOOBAR err:012 text:x";
  auto r = ReadReceipt(pdu);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->state, MessageState::kUnknown);
  EXPECT_EQ(r->error, "FOOBAR 012");
  pdu.short_message = "id:7 stat:FOOBAR err:000";
  EXPECT_EQ(ReadReceipt(pdu)->error, "FOOBAR");
  pdu.short_message = "id:7 err:000";
  EXPECT_EQ(ReadReceipt(pdu)->state, MessageState::kUnknown) << "final, but it does not say what";
  pdu.short_message = "";
  pdu.tlvs = {{kReceiptedMessageId, std::string("7\0", 2)}, {kMessageState, "\x09"}};
  EXPECT_EQ(ReadReceipt(pdu)->state, MessageState::kUnknown);
  EXPECT_EQ(ReadReceipt(pdu)->error, "9") << "SMPP 5.0: skipped";
  pdu.esm_class = 0x20;
  EXPECT_EQ(ReadReceipt(pdu)->state, MessageState::kEnRoute) << "an intermediate one is on its way";
}

TEST(ReceiptText, DialectsOfProviders) {
  struct Case {
    const char *text, *id, *error;
    MessageState state;
    int64_t done_s;
  };
  for (const Case& c : std::vector<Case>{
           {"id:1 submitdate:2601021504 donedate:2601021505 stat:DELIVERED err:0", "1", "",
            MessageState::kDelivered, 1767366300},
           {"stat:EXPIRED done-date:202601021505 id:00aF err:012 text:x", "00aF", "012",
            MessageState::kExpired, 1767366300},
           {"id:9,sub:001,dlvrd:000,stat:UNDELIV,err:5", "9", "5", MessageState::kUndeliverable, 0},
           {"Message ID: 77 Status: Undeliverable Error: 27", "77", "27", MessageState::kUndeliverable, 0},
           {"id:5\r\nstat:REJECTD\r\nerr:1\r\n", "5", "1", MessageState::kRejected, 0},
           {"id:6 stat:2 err:000", "6", "", MessageState::kDelivered, 0},
           {"id:\"a-7\" stat:ACCEPTD", "a-7", "", MessageState::kAccepted, 0},
           {"id:8 sub:001 dlvrd:000 submit date:2601021504 done date:2601021505 stat:ENROUTE err:000 "
            "Text:id:9 "
            "stat:DELIVRD",
            "8", "", MessageState::kEnRoute, 1767366300},
           {"id:8 done date:9913991299 stat:DELETED", "8", "", MessageState::kDeleted, 0}}) {
    auto r = ReadReceiptText(c.text);
    EXPECT_EQ(r.id, c.id) << c.text;
    EXPECT_EQ(r.error, c.error) << c.text;
    EXPECT_EQ(r.state, c.state) << c.text;
    EXPECT_EQ(r.done_time_us, c.done_s * 1'000'000) << c.text;
  }
}

DeliveryReceipt Named(std::string id, std::string text_id = "") {
  DeliveryReceipt receipt;
  receipt.text_id = text_id.empty() ? id : std::move(text_id);
  receipt.id = std::move(id);
  return receipt;
}

TEST(ReceiptId, NumbersOfAnyLengthChangeTheirBase) {
  EXPECT_EQ(HexToDecimal("ff"), "255");
  EXPECT_EQ(HexToDecimal("0"), "0");
  EXPECT_EQ(HexToDecimal("FFFFFFFFFFFFFFFFFFFF"), "1208925819614629174706175");
  EXPECT_EQ(DecimalToHex("1208925819614629174706175"), "ffffffffffffffffffff");
  EXPECT_FALSE(DecimalToHex("12a"));
  EXPECT_FALSE(HexToDecimal(""));
  EXPECT_EQ(FoldedId(" 00AbC "), "abc");
  EXPECT_EQ(FoldedId("000"), "0");
  EXPECT_EQ(FoldedId("0x1F"), "1f");
  EXPECT_EQ(FoldedId("00-G"), "00-g");
}

TEST(ReceiptId, NamedRules) {
  ReceiptIds hex(ReceiptIdRule::kHexToDec), dec(ReceiptIdRule::kDecToHex), as_is(ReceiptIdRule::kAsIs);
  EXPECT_EQ(hex.OfAnswer("386101FA"), "945881594");
  EXPECT_EQ(hex.OfReceipt(Named("0945881594")), "945881594");
  EXPECT_EQ(hex.OfReceipt(Named("386101fa", "0945881594")), "945881594");
  EXPECT_EQ(dec.OfAnswer("945881594"), "386101fa");
  EXPECT_EQ(dec.OfReceipt(Named("386101FA")), "386101fa");
  EXPECT_EQ(as_is.OfAnswer("00Ab"), "00Ab");
  EXPECT_EQ(as_is.OfReceipt(Named("00Ab")), "00Ab");
}

// Each has its own number, as messages have.
void Answers(ReceiptIds& ids, const std::vector<std::string>& all) {
  for (const auto& id : all) ids.OfAnswer(id, "4477009" + id);
}
std::optional<std::string> Receipt(ReceiptIds& ids, const std::string& id, const std::string& answer) {
  return ids.OfReceipt(Named(id), {"4477009" + answer, "60777"});
}

TEST(ReceiptId, AutoLearnsTheFormFromThreeThatAgree) {
  ReceiptIds ids(ReceiptIdRule::kAuto);
  Answers(ids, {"1F4", "1F5", "1F6"});
  EXPECT_EQ(Receipt(ids, "0000000500", "1F4"), "1f4") << "found among the answers";
  EXPECT_EQ(Receipt(ids, "0000000500", "1F4"), "1f4") << "a repeat has no second vote";
  EXPECT_EQ(Receipt(ids, "501", "1F5"), "1f5");
  EXPECT_EQ(ids.learned(), ReceiptIdRule::kAuto) << "two could be chance";
  EXPECT_EQ(Receipt(ids, "900", "older"), std::nullopt) << "of an earlier life: not guessed";
  EXPECT_EQ(Receipt(ids, "502", "1F6"), "1f6");
  EXPECT_EQ(ids.learned(), ReceiptIdRule::kHexToDec);
  EXPECT_EQ(Receipt(ids, "900", "older"), "384") << "of an earlier life: by what was learned";

  ReceiptIds other(ReceiptIdRule::kAuto);
  Answers(other, {"500", "501", "502"});
  EXPECT_EQ(Receipt(other, "1F4", "500"), "500");
  EXPECT_EQ(Receipt(other, "1f5", "501"), "501");
  EXPECT_EQ(Receipt(other, "1F6", "502"), "502");
  EXPECT_EQ(other.learned(), ReceiptIdRule::kDecToHex);

  ReceiptIds same(ReceiptIdRule::kAuto);
  EXPECT_EQ(same.OfAnswer("00AB-7"), "00ab-7");
  EXPECT_EQ(same.OfReceipt(Named("00ab-7")), "00ab-7");
  EXPECT_EQ(same.OfReceipt(Named("12-9")), "12-9") << "no number: there is nothing to guess";
  EXPECT_EQ(same.OfAnswer("0012"), "12");
  EXPECT_EQ(same.OfReceipt(Named("12")), "12");
}

TEST(ReceiptId, AGuessIsNotTakenForAnotherPersonsMessage) {
  ReceiptIds ids(ReceiptIdRule::kAuto);
  ids.OfAnswer("1f4", "447700900001");
  ids.OfAnswer("500", "447700900002");
  EXPECT_EQ(ids.OfReceipt(Named("500"), {"447700900001", "NHS"}), "1f4") << "the number tells them apart";
  EXPECT_EQ(ids.OfReceipt(Named("500"), {"07700900002", "NHS"}), "500") << "also without the country";
  EXPECT_EQ(ids.OfReceipt(Named("500"), {"NHS", "447700900001"}), "1f4") << "turned round";
  EXPECT_EQ(ids.OfReceipt(Named("500"), {"447700900003", "NHS"}), std::nullopt) << "neither of them";

  ReceiptIds learned(ReceiptIdRule::kAuto);
  Answers(learned, {"1F4", "1F5", "1F6"});
  for (const auto& [id, answer] : {std::pair("500", "1F4"), {"501", "1F5"}, {"502", "1F6"}})
    Receipt(learned, id, answer);
  EXPECT_EQ(Receipt(learned, "502", "elsewhere 123456789"), "?502") << "not even by what was learned";
}

TEST(ReceiptId, WhatStaysUndecidedIsTakenAsItIsInTheEnd) {
  ReceiptIds ids(ReceiptIdRule::kAuto);
  EXPECT_EQ(ids.OfReceipt(Named("500"), {"447700900001"}, 1'000'000), std::nullopt);
  EXPECT_EQ(ids.OfReceipt(Named("1f4"), {"447700900001"}, 1'000'000), "1f4") << "no decimal number";
  EXPECT_EQ(ids.OfReceipt(Named("500"), {"447700900001"}, 1'000'000 + ReceiptIds::kUndecidedUs), "500");
}

TEST(Receipt, ATlvInTheOtherBaseIsTheAnswersForm) {
  ReceiptIds ids(ReceiptIdRule::kAuto);
  EXPECT_EQ(ids.OfReceipt(Named("386101fa", "0945881594")), "386101fa");
}

}  // namespace
}  // namespace pharos::smpp
