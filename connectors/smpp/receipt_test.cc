#include "connectors/smpp/receipt.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace pharos::smpp
