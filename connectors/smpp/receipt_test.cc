#include "connectors/smpp/receipt.h"

#include <gtest/gtest.h>

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

TEST(ReceiptId, AutoFindsTheFormAndKeepsToIt) {
  ReceiptIds ids(ReceiptIdRule::kAuto);
  EXPECT_EQ(ids.OfAnswer("1F4"), "1f4");
  EXPECT_EQ(ids.OfReceipt(Named("0000000500")), "1f4") << "found among the answers";
  EXPECT_EQ(ids.learned(), ReceiptIdRule::kHexToDec);
  EXPECT_EQ(ids.OfReceipt(Named("501")), "1f5") << "of an earlier life: by what was learned";

  ReceiptIds other(ReceiptIdRule::kAuto);
  EXPECT_EQ(other.OfAnswer("500"), "500");
  EXPECT_EQ(other.OfReceipt(Named("1F4")), "500");
  EXPECT_EQ(other.learned(), ReceiptIdRule::kDecToHex);

  ReceiptIds same(ReceiptIdRule::kAuto);
  EXPECT_EQ(same.OfAnswer("00AB-7"), "00ab-7");
  EXPECT_EQ(same.OfReceipt(Named("00ab-7")), "00ab-7");
  EXPECT_EQ(same.OfAnswer("0012"), "12");
  EXPECT_EQ(same.OfReceipt(Named("12")), "12");
}

TEST(Receipt, ATlvInTheOtherBaseIsTheAnswersForm) {
  ReceiptIds ids(ReceiptIdRule::kAuto);
  EXPECT_EQ(ids.OfReceipt(Named("386101fa", "0945881594")), "386101fa");
}

}  // namespace
}  // namespace pharos::smpp
