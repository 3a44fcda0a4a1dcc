#include "connectors/smpp/submission.h"

#include <gtest/gtest.h>

#include "connectors/smpp/inbound.h"

namespace pharos::smpp {
namespace {

Submission Of(const std::string& text, const std::string& sender = "NHS") {
  sdk::Task task;
  task.attempt.set_id("0123456789abcd\x12\x34");
  task.attempt.set_address("447700900100");
  task.attempt.set_sender(sender);
  task.attempt.set_text(text);
  task.attempt.set_validity_s(3600);
  task.pull_sent_us = 100;
  uint32_t sequence = 0;
  auto made = MakeSubmission(task, {}, 42, [&] { return ++sequence; });
  EXPECT_TRUE(made.ok()) << made.status();
  return *made;
}

TEST(Submission, AsksForAReceiptAndCarriesTheReference) {
  auto pdu = *Decode(Of("Hello").parts.at(0).frame);
  EXPECT_EQ(pdu.source, (Address{5, 0, "NHS"}));
  EXPECT_EQ(pdu.destination, (Address{1, 1, "447700900100"}));
  EXPECT_EQ(pdu.registered_delivery, 1);
  EXPECT_EQ(pdu.Find(kUserMessageReference)->value, "\x12\x34");
  EXPECT_EQ(pdu.validity_period, "000000010000000R");
  EXPECT_EQ(pdu.short_message, "Hello");
  EXPECT_EQ(Decode(Of("Hi", "60777").parts[0].frame)->source.ton, 3);
  EXPECT_EQ(Decode(Of("Hi", "447700900000").parts[0].frame)->source.ton, 1);
  EXPECT_EQ(Decode(Of("Grüße, Łukasz").parts[0].frame)->data_coding, 8);
}

TEST(Submission, ALongTextGoesInPartsWithHeaders) {
  auto submission = Of(std::string(200, 'a'));
  ASSERT_EQ(submission.parts.size(), 2u);
  auto second = *Decode(submission.parts[1].frame);
  std::string_view text = second.short_message;
  auto header = TakeHeader(second.esm_class, text);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->reference, 42);
  EXPECT_EQ(header->part, 2);
  EXPECT_EQ(text.size(), 200u - 153u);
}

TEST(Submission, WhatCannotBeSentIsSaidAtOnce) {
  sdk::Task task;
  task.attempt.set_id(std::string(16, 'x'));
  task.attempt.set_address("+44");
  EXPECT_FALSE(MakeSubmission(task, {}, 1, [] { return 1u; }).ok());
  task.attempt.set_address("447700900100");
  task.attempt.set_sender("NHS");
  task.attempt.set_text(std::string(5000, 'x'));
  EXPECT_FALSE(MakeSubmission(task, {}, 1, [] { return 1u; }).ok());
}

TEST(Outcome, AddsUpTheFatesOfTheParts) {
  auto outcome = [](PartState a, PartState b) {
    auto s = Of(std::string(200, 'a'));
    s.parts[0].state = a;
    s.parts[1].state = b;
    for (auto& part : s.parts) {
      part.status = kThrottled;
      part.provider_id = "id";
      if (part.state != PartState::kNotSent) part.sent_us = 500;
    }
    return OutcomeOf(s);
  };
  using enum PartState;
  EXPECT_EQ(outcome(kAccepted, kAccepted).accepted().provider_ids_size(), 2);
  EXPECT_EQ(outcome(kAccepted, kAccepted).elapsed_us(), 400);
  EXPECT_EQ(outcome(kNotSent, kNotSent).refused().reason(), "LEASE_OVER");
  EXPECT_EQ(outcome(kRejected, kRejected).rejected().reason(), "THROTTLED");
  EXPECT_TRUE(outcome(kRejected, kNotSent).rejected().transient());
  EXPECT_EQ(outcome(kAccepted, kNotSent).rejected().reason(), "PARTIAL");
  EXPECT_FALSE(outcome(kAccepted, kRejected).rejected().transient());
  EXPECT_EQ(outcome(kNoAnswer, kNotSent).rejected().reason(), "PARTIAL");
  EXPECT_TRUE(outcome(kAccepted, kNoAnswer).has_no_answer());
}

TEST(Inbound, TheSameMessageHasTheSameIdAndKey) {
  Pdu pdu;
  pdu.command = kDeliverSm;
  pdu.source.digits = "+447700900100";
  pdu.destination.digits = "60777";
  pdu.short_message = "STOP";
  InboundSettings plain{"pharos", 0}, named{"pharos", 0x1401};
  auto first = ToMessage(pdu, plain, 60'000'000), again = ToMessage(pdu, plain, 61'000'000);
  EXPECT_EQ(first.message.id(), again.message.id());
  EXPECT_EQ(first.message.from(), "447700900100");
  auto tomorrow = ToMessage(pdu, plain, 86'460'000'000);
  EXPECT_NE(first.message.id(), tomorrow.message.id());
  EXPECT_EQ(first.key, tomorrow.key);
  pdu.tlvs = {{0x1401, "r1"}};
  auto marked = ToMessage(pdu, named, 60'000'000);
  EXPECT_EQ(marked.message.id(), ToMessage(pdu, named, 86'460'000'000).message.id());
  pdu.tlvs = {{0x1401, "r2"}};
  EXPECT_NE(marked.key, ToMessage(pdu, named, 60'000'000).key);
}

TEST(Inbound, OctetsThatAreNotUtf8AreStillText) {
  EXPECT_EQ(ToUtf8("\xE9"), "é");
  EXPECT_EQ(ToUtf8("é"), "é");
  EXPECT_EQ(DecodeText(8, std::string("\0S\0T", 4)), "ST");
  EXPECT_EQ(DecodeText(3, "\xE9"), "é");
}

}  // namespace
}  // namespace pharos::smpp
