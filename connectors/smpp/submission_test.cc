#include "connectors/smpp/submission.h"

#include <gtest/gtest.h>

#include "connectors/smpp/inbound.h"
#include "services/base/errors.h"

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

std::vector<Pdu> Frames(const std::string& text, SubmitSettings settings) {
  sdk::Task task;
  task.attempt.set_id("0123456789abcd\x12\x34");
  task.attempt.set_address("447700900100");
  task.attempt.set_sender("60777");
  task.attempt.set_text(text);
  uint32_t sequence = 0;
  auto made = MakeSubmission(task, settings, 0x1234, [&] { return ++sequence; });
  std::vector<Pdu> frames;
  for (const auto& part : made->parts) frames.push_back(*Decode(part.frame));
  return frames;
}

TEST(Submission, LongTextsInTheFormThatTheProviderWants) {
  const std::string text(200, 'a');
  SubmitSettings settings;
  settings.long_form = LongForm::kSar;
  auto sar = Frames(text, settings);
  ASSERT_EQ(sar.size(), 2u);
  EXPECT_EQ(sar[1].esm_class, 0);
  auto place = SarOf(sar[1]);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->reference, 0x1234);
  EXPECT_EQ(place->total, 2);
  EXPECT_EQ(place->part, 2);

  settings.long_form = LongForm::kPayload;
  auto payload = Frames(text, settings);
  ASSERT_EQ(payload.size(), 1u);
  EXPECT_TRUE(payload[0].short_message.empty());
  EXPECT_EQ(payload[0].Text(), text);

  settings = {};
  settings.text.wide_reference = true;
  auto wide = Frames(text, settings);
  std::string_view body = wide[0].short_message;
  EXPECT_EQ(TakeHeader(wide[0].esm_class, body)->reference, 0x1234);
  EXPECT_EQ(body.size(), 152u);
}

TEST(Submission, ShiftTablesAreNamedInTheHeader) {
  SubmitSettings settings;
  settings.text.national = {content::ShiftLanguage::kTurkish};
  std::string text;
  for (int i = 0; i < 40; ++i) text += "ışğ";
  auto frames = Frames(text, settings);
  ASSERT_EQ(frames.size(), 1u);
  std::string_view body = frames[0].short_message;
  auto header = TakeUserHeader(frames[0].esm_class, body);
  EXPECT_EQ(header.locking_shift, 1);
  EXPECT_EQ(DecodeText(frames[0].data_coding, body, header), text);
}

TEST(Submission, DataCodingZeroAsLatin1) {
  SubmitSettings settings;
  settings.latin1 = true;
  EXPECT_EQ(Frames("£5 @ {x}", settings)[0].short_message,
            "\xA3"
            "5 @ {x}");
  EXPECT_EQ(Frames("€5", settings)[0].data_coding, 8) << "Latin-1 has no euro sign";
}

TEST(Submission, AddressesByRule) {
  SubmitSettings settings;
  settings.short_code_ton = 6;
  settings.short_code_npi = 1;
  settings.dest_ton = 0;
  auto pdu = Frames("Hi", settings)[0];
  EXPECT_EQ(pdu.source, (Address{6, 1, "60777"}));
  EXPECT_EQ(pdu.destination.ton, 0);
}

TEST(Status, SaysWhoseFaultItIs) {
  EXPECT_EQ(RejectedFor(kInvalidSource).scope(), work::ROUTE);
  EXPECT_EQ(RejectedFor(kInvalidDestinationTon).scope(), work::ROUTE);
  EXPECT_EQ(RejectedFor(kInvalidDestination).scope(), work::REFUSAL_SCOPE_UNSPECIFIED);
  EXPECT_FALSE(RejectedFor(kInvalidDestination).transient());
  EXPECT_TRUE(RejectedFor(kThrottled).transient());
  EXPECT_GT(RejectedFor(kQueueFull).retry_after_ms(), 0);
  EXPECT_FALSE(RejectedFor(0x401).transient());
  EXPECT_TRUE(RejectedFor(0x401, {{0x401}}).transient());
}

TEST(Status, ARouteIsBlamedOnlyByRefusalsOfSeveralPeoplesMessages) {
  RouteBlame blame;
  auto weighed = [&](const char* number, uint32_t status) {
    auto rejected = RejectedFor(status);
    blame.Weigh(number, rejected);
    return rejected;
  };
  auto one = weighed("447700900001", kInvalidSource);
  EXPECT_EQ(one.scope(), work::REFUSAL_SCOPE_UNSPECIFIED);
  EXPECT_EQ(one.reason(), "INVALID_SENDER");
  EXPECT_FALSE(one.transient()) << "this message fails, by its reason";
  weighed("447700900001", kInvalidSource);
  EXPECT_EQ(weighed("447700900001", kInvalidSource).scope(), work::REFUSAL_SCOPE_UNSPECIFIED) << "one person";
  weighed("447700900002", kInvalidSource);
  blame.Accepted();
  EXPECT_EQ(weighed("447700900003", kInvalidSource).scope(), work::REFUSAL_SCOPE_UNSPECIFIED) << "it works";
  weighed("447700900004", kInvalidSource);
  auto third = weighed("447700900005", kInvalidSource);
  EXPECT_EQ(third.scope(), work::ROUTE);
  EXPECT_TRUE(third.transient());
  EXPECT_TRUE(weighed("447700900006", kInvalidSystemId).transient()) << "no message's fault";
}

TEST(Submission, ASenderInLettersHasAtMostElevenOfThem) {
  auto reason = [](const std::string& sender) {
    sdk::Task task;
    task.attempt.set_id(std::string(16, 'x'));
    task.attempt.set_address("447700900100");
    task.attempt.set_sender(sender);
    task.attempt.set_text("Hello");
    return base::ReasonOf(MakeSubmission(task, {}, 1, [] { return 1u; }).status());
  };
  EXPECT_EQ(reason("NHSReminder"), "");
  EXPECT_EQ(reason("NHSReminders"), "SENDER_TOO_LONG");
  EXPECT_EQ(reason("NHS{Remind}"), "SENDER_TOO_LONG") << "braces take two septets each";
  EXPECT_EQ(reason("447700900000"), "") << "a number";
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

TEST(Inbound, EveryCodingIsRead) {
  EXPECT_EQ(DecodeText(0, std::string("\x00\x1b\x65", 3)), "@€");
  EXPECT_EQ(DecodeText(0, "caf\xC3\xA9"), "café") << "no septets";
  EXPECT_EQ(DecodeText(0, "\xA3", {}, true), "£");
  EXPECT_EQ(DecodeText(1, "a@b_$"), "a@b_$");
  EXPECT_EQ(DecodeText(6, "\xB0\xD0"), "Аа");
  EXPECT_EQ(DecodeText(7, "\xE0"), "א");
  EXPECT_EQ(DecodeText(8, std::string("\xFF\xFES\0", 4)), "S");
  EXPECT_EQ(DecodeText(0x18, std::string("\0S", 2)), "S");
  EXPECT_EQ(DecodeText(0x10, "STOP"), "STOP");
  EXPECT_EQ(DecodeText(0xE0, std::string("\0S", 2)), "S");
  EXPECT_EQ(DecodeText(0xF0, std::string("\x00", 1)), "@");
  EXPECT_EQ(DecodeText(0xF5, "\xE9"), "é");
  EXPECT_EQ(DecodeText(0x11, "\x1b\x61", {{}, 0, 2, false}), "á") << "Spanish single shift";
}

}  // namespace
}  // namespace pharos::smpp
