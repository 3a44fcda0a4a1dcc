#include "services/gate/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace pharos::gate {
namespace {

using namespace type::v1;  // NOLINT: the words of the gate

const std::string kPhone(16, 'p');
const std::string kOtherPhone(16, 'q');
const std::string kMail(16, 'm');
const std::string kPurpose = "purposes/stop-smoking";

Purpose MakePurpose(PurposeClass purpose_class, LawfulBasis basis = LAWFUL_BASIS_PUBLIC_TASK) {
  return {kPurpose, purpose_class, basis};
}
const Purpose kService = MakePurpose(PURPOSE_CLASS_SERVICE);
const Purpose kUrgent = MakePurpose(PURPOSE_CLASS_URGENT);
const Purpose kMarketing = MakePurpose(PURPOSE_CLASS_MARKETING, LAWFUL_BASIS_CONSENT);

GateEntry Entry(EntryKind kind, EntryScope scope, int64_t time,
                std::string record = "sources/feed/records/1") {
  GateEntry entry;
  entry.set_kind(kind);
  entry.set_scope(scope);
  entry.set_event_time_us(time);
  entry.set_direct(record.starts_with("sources/direct/"));
  entry.set_record(std::move(record));
  if (scope == SCOPE_PURPOSE) entry.set_purpose(kPurpose);
  if (scope == SCOPE_ENDPOINT) entry.set_endpoint(kPhone);
  entry.set_name("consentEntries/" + std::to_string(time) + EntryKind_Name(kind));
  return entry;
}
GateEntry Direct(EntryKind kind, EntryScope scope, int64_t time) {
  return Entry(kind, scope, time, "sources/direct/records/a");
}

GateEntry On(Channel channel, GateEntry entry) {
  entry.set_channel(channel);
  return entry;
}

// A person with one phone number.
struct Someone {
  GateFacts facts;
  Someone() { With(kPhone, CHANNEL_SMS); }
  Someone& With(const std::string& endpoint, Channel channel) {
    auto* added = facts.add_endpoints();
    added->set_endpoint(endpoint);
    added->set_channel(channel);
    return *this;
  }
  Someone& Says(const GateEntry& entry) {
    *facts.add_entries() = entry;
    return *this;
  }
  // Hangs on the phone itself, whoever caused it.
  Someone& PhoneSays(const GateEntry& entry) {
    *facts.mutable_endpoints(0)->add_entries() = entry;
    return *this;
  }
  GateReason Sms(const Purpose& purpose) const {
    return Judge(facts, purpose, CHANNEL_SMS, &facts.endpoints(0)).reason;
  }
};

TEST(Gate, AllowsWhereNothingSpeaksAgainstIt) {
  EXPECT_EQ(Someone().Sms(kService), ALLOW);
}

// Each fact below a stricter one: taking the strictest away shows the next.
TEST(Gate, TheFirstRuleThatAppliesDecides) {
  Someone person;
  person.facts.set_deceased(true);
  person.facts.set_paused(true);
  person.facts.mutable_endpoints(0)->set_suppressed(HARD_BOUNCE);
  person.Says(Entry(WITHDRAWN, SCOPE_PURPOSE, 5))
      .Says(Entry(OBJECTED_TO, SCOPE_PURPOSE, 5, "sources/feed/records/2"));
  EXPECT_EQ(person.Sms(kMarketing), DECEASED);
  person.facts.set_deceased(false);
  EXPECT_EQ(person.Sms(kMarketing), ENDPOINT_SUPPRESSED);
  person.facts.mutable_endpoints(0)->clear_suppressed();
  EXPECT_EQ(person.Sms(kMarketing), PAUSED);
  person.facts.set_paused(false);
  EXPECT_EQ(person.Sms(kMarketing), OPTED_OUT);
  person.facts.mutable_entries()->DeleteSubrange(0, 1);
  EXPECT_EQ(person.Sms(kMarketing), OBJECTED);
  person.facts.clear_entries();
  EXPECT_EQ(person.Sms(kMarketing), NO_CONSENT);
  EXPECT_EQ(Judge(person.facts, kMarketing, CHANNEL_EMAIL, nullptr).reason, NO_CONSENT);
  person.Says(Entry(GRANTED, SCOPE_PURPOSE, 6));
  EXPECT_EQ(Judge(person.facts, kMarketing, CHANNEL_EMAIL, nullptr).reason, NO_ENDPOINT);
  EXPECT_EQ(person.Sms(kMarketing), ALLOW);
}

// Every pair of reasons: the one that stands earlier in the list is given.
TEST(Gate, EveryPairOfReasonsKeepsTheirOrder) {
  using Set = void (*)(Someone&);
  const std::vector<std::pair<GateReason, Set>> reasons = {
      {DECEASED, [](Someone& p) { p.facts.set_deceased(true); }},
      {ENDPOINT_SUPPRESSED, [](Someone& p) { p.facts.mutable_endpoints(0)->set_suppressed(COMPLAINT); }},
      {PAUSED, [](Someone& p) { p.facts.set_paused(true); }},
      {OPTED_OUT, [](Someone& p) { p.PhoneSays(Direct(WITHDRAWN, SCOPE_ENDPOINT, 9)); }},
      {OBJECTED, [](Someone& p) { p.Says(Entry(OBJECTED_TO, SCOPE_PURPOSE, 9, "sources/feed/records/9")); }},
      {NO_CONSENT, [](Someone&) {}},
  };
  for (size_t a = 0; a < reasons.size(); ++a) {
    for (size_t b = a; b < reasons.size(); ++b) {
      Someone person;
      reasons[b].second(person);
      reasons[a].second(person);
      EXPECT_EQ(person.Sms(kMarketing), reasons[a].first) << GateReason_Name(reasons[b].first);
    }
  }
}

struct Row {
  const char* what;
  std::vector<GateEntry> entries;
  Purpose purpose;
  GateReason expected;
};

TEST(Gate, JudgesEntries) {
  const GateEntry other_purpose = [] {
    GateEntry entry = Entry(WITHDRAWN, SCOPE_PURPOSE, 5);
    entry.set_purpose("purposes/other");
    return entry;
  }();
  const std::vector<Row> rows = {
      {"a STOP holds back a service message", {Direct(WITHDRAWN, SCOPE_ENDPOINT, 5)}, kService, OPTED_OUT},
      {"a STOP does not hold back URGENT", {Direct(WITHDRAWN, SCOPE_ENDPOINT, 5)}, kUrgent, ALLOW},
      {"START undoes STOP",
       {Direct(WITHDRAWN, SCOPE_ENDPOINT, 5), Direct(GRANTED, SCOPE_ENDPOINT, 6)},
       kService,
       ALLOW},
      {"STOP after START",
       {Direct(WITHDRAWN, SCOPE_ENDPOINT, 7), Direct(GRANTED, SCOPE_ENDPOINT, 6)},
       kService,
       OPTED_OUT},
      {"STOP wins a tie",
       {Direct(GRANTED, SCOPE_ENDPOINT, 5), Direct(WITHDRAWN, SCOPE_ENDPOINT, 5)},
       kService,
       OPTED_OUT},
      {"START undoes a STOP on another record",
       {Entry(WITHDRAWN, SCOPE_ENDPOINT, 5, "sources/direct/records/b"), Direct(GRANTED, SCOPE_ENDPOINT, 6)},
       kService,
       ALLOW},
      {"a feed cannot START",
       {Entry(WITHDRAWN, SCOPE_ENDPOINT, 5), Entry(GRANTED, SCOPE_ENDPOINT, 6)},
       kService,
       OPTED_OUT},
      {"START grants nothing", {Direct(GRANTED, SCOPE_ENDPOINT, 5)}, kMarketing, NO_CONSENT},
      {"START does not undo a withdrawal",
       {Direct(WITHDRAWN, SCOPE_PURPOSE, 5), Direct(GRANTED, SCOPE_ENDPOINT, 6)},
       kService,
       OPTED_OUT},
      {"a grant does not undo a STOP",
       {Direct(WITHDRAWN, SCOPE_ENDPOINT, 5), Direct(GRANTED, SCOPE_PURPOSE, 6)},
       kMarketing,
       OPTED_OUT},
      {"consent in force", {Entry(GRANTED, SCOPE_PURPOSE, 5)}, kMarketing, ALLOW},
      {"consent for email only",
       {On(CHANNEL_EMAIL, Entry(GRANTED, SCOPE_PURPOSE, 5))},
       kMarketing,
       NO_CONSENT},
      {"consent for SMS", {On(CHANNEL_SMS, Entry(GRANTED, SCOPE_PURPOSE, 5))}, kMarketing, ALLOW},
      {"withdrawn for email only", {On(CHANNEL_EMAIL, Entry(WITHDRAWN, SCOPE_PURPOSE, 5))}, kService, ALLOW},
      {"withdrawn for another purpose", {other_purpose}, kService, ALLOW},
      {"withdrawn, whatever the class", {Entry(WITHDRAWN, SCOPE_PURPOSE, 5)}, kUrgent, OPTED_OUT},
      {"a feed clears its own withdrawal",
       {Entry(WITHDRAWN, SCOPE_PURPOSE, 5), Entry(GRANTED, SCOPE_PURPOSE, 6)},
       kMarketing,
       ALLOW},
      {"an opt-out wins a tie",
       {Entry(WITHDRAWN, SCOPE_PURPOSE, 5), Entry(GRANTED, SCOPE_PURPOSE, 5)},
       kMarketing,
       OPTED_OUT},
      {"an unknown time is the oldest",
       {Entry(WITHDRAWN, SCOPE_PURPOSE, 0), Entry(GRANTED, SCOPE_PURPOSE, 1)},
       kMarketing,
       ALLOW},
      {"a tie of unknown times",
       {Entry(GRANTED, SCOPE_PURPOSE, 0), Entry(WITHDRAWN, SCOPE_PURPOSE, 0)},
       kMarketing,
       OPTED_OUT},
      {"another feed's grant clears nothing",
       {Entry(WITHDRAWN, SCOPE_PURPOSE, 5), Entry(GRANTED, SCOPE_PURPOSE, 6, "sources/feed/records/2")},
       kMarketing,
       OPTED_OUT},
      {"a direct grant clears a feed's withdrawal",
       {Entry(WITHDRAWN, SCOPE_PURPOSE, 5), Direct(GRANTED, SCOPE_PURPOSE, 6)},
       kMarketing,
       ALLOW},
      {"a direct grant for email clears nothing for SMS",
       {Entry(WITHDRAWN, SCOPE_PURPOSE, 5), On(CHANNEL_EMAIL, Direct(GRANTED, SCOPE_PURPOSE, 6))},
       kService,
       OPTED_OUT},
      {"a direct grant that was withdrawn again clears nothing",
       {Entry(WITHDRAWN, SCOPE_PURPOSE, 5), Direct(GRANTED, SCOPE_PURPOSE, 6),
        Direct(WITHDRAWN, SCOPE_PURPOSE, 7)},
       kService,
       OPTED_OUT},
      {"stop everything covers URGENT", {Direct(WITHDRAWN, SCOPE_EVERYTHING, 5)}, kUrgent, OPTED_OUT},
      {"stop everything is cleared by a direct grant",
       {Direct(WITHDRAWN, SCOPE_EVERYTHING, 5), Direct(GRANTED, SCOPE_PURPOSE, 6)},
       kMarketing,
       ALLOW},
      {"stop everything is not cleared by a feed",
       {Direct(WITHDRAWN, SCOPE_EVERYTHING, 5), Entry(GRANTED, SCOPE_PURPOSE, 6)},
       kMarketing,
       OPTED_OUT},
      {"there is no grant of everything",
       {Direct(WITHDRAWN, SCOPE_EVERYTHING, 5), Direct(GRANTED, SCOPE_EVERYTHING, 6)},
       kService,
       OPTED_OUT},
      {"an objection", {Direct(OBJECTED_TO, SCOPE_PURPOSE, 5)}, kService, OBJECTED},
      {"an objection undone",
       {Direct(OBJECTED_TO, SCOPE_PURPOSE, 5), Direct(GRANTED, SCOPE_PURPOSE, 6)},
       kService,
       ALLOW},
  };
  for (const auto& row : rows) {
    Someone person;
    for (const auto& entry : row.entries) person.Says(entry);
    EXPECT_EQ(person.Sms(row.purpose), row.expected) << row.what;
    // The order in which entries stand says nothing, nor does an entry that stands twice.
    std::reverse(person.facts.mutable_entries()->begin(), person.facts.mutable_entries()->end());
    person.Says(row.entries.front());
    EXPECT_EQ(person.Sms(row.purpose), row.expected) << row.what << ", in another order";
  }
}

TEST(Gate, PauseDoesNotHoldBackUrgent) {
  Someone person;
  person.facts.set_paused(true);
  EXPECT_EQ(person.Sms(kUrgent), ALLOW);
  EXPECT_EQ(person.Sms(kService), PAUSED);
}

TEST(Gate, AStopCoversThatEndpointForWhoeverHasIt) {
  Someone person;
  person.With(kOtherPhone, CHANNEL_SMS).PhoneSays(Direct(WITHDRAWN, SCOPE_ENDPOINT, 5));
  EXPECT_EQ(person.Sms(kService), OPTED_OUT);
  EXPECT_EQ(Judge(person.facts, kService, CHANNEL_SMS, &person.facts.endpoints(1)).reason, ALLOW);
}

TEST(Gate, AnothersGrantOnASharedEndpointIsNotMine) {
  Someone person;
  person.PhoneSays(Entry(WITHDRAWN, SCOPE_PURPOSE, 5)).PhoneSays(Direct(GRANTED, SCOPE_PURPOSE, 6));
  EXPECT_EQ(person.Sms(kService), OPTED_OUT);
  Someone second;
  second.PhoneSays(Direct(GRANTED, SCOPE_PURPOSE, 6));
  EXPECT_EQ(second.Sms(kMarketing), NO_CONSENT);
}

TEST(Gate, NamesTheEvidence) {
  Someone person;
  person.Says(Entry(WITHDRAWN, SCOPE_PURPOSE, 5))
      .Says(Entry(WITHDRAWN, SCOPE_PURPOSE, 8, "sources/feed/records/2"));
  EXPECT_EQ(Judge(person.facts, kService, CHANNEL_SMS, &person.facts.endpoints(0)).evidence,
            "consentEntries/8WITHDRAWN");
  Someone agreed;
  agreed.Says(Entry(GRANTED, SCOPE_PURPOSE, 5));
  const Verdict verdict = Judge(agreed.facts, kMarketing, CHANNEL_SMS, &agreed.facts.endpoints(0));
  EXPECT_EQ(verdict.evidence, "consentEntries/5GRANTED");
  EXPECT_EQ(verdict.endpoint, kPhone);
  agreed.facts.mutable_endpoints(0)->set_suppressed(ERASED);
  EXPECT_EQ(Judge(agreed.facts, kMarketing, CHANNEL_SMS, &agreed.facts.endpoints(0)).evidence,
            "suppressions/70707070707070707070707070707070");
}

TEST(Gate, TriesChannelsAndEndpointsInOrder) {
  Someone person;
  person.With(kOtherPhone, CHANNEL_SMS)
      .With(kMail, CHANNEL_EMAIL)
      .PhoneSays(Direct(WITHDRAWN, SCOPE_ENDPOINT, 5));
  const Judgement judgement = JudgePerson(person.facts, kService, {CHANNEL_EMAIL, CHANNEL_SMS});
  ASSERT_EQ(judgement.candidates.size(), 3u);
  EXPECT_EQ(judgement.candidates[0].endpoint, kMail);
  EXPECT_EQ(judgement.candidates[1].reason, OPTED_OUT);
  EXPECT_EQ(judgement.candidates[2].endpoint, kOtherPhone);
  EXPECT_EQ(judgement.chosen.endpoint, kMail);
  EXPECT_EQ(Choose(person.facts, kService, {CHANNEL_SMS, CHANNEL_EMAIL}).endpoint, kOtherPhone);
}

TEST(Gate, WithoutAnAllowTheEarliestReasonIsGiven) {
  Someone person;
  person.PhoneSays(Direct(WITHDRAWN, SCOPE_ENDPOINT, 5));
  EXPECT_EQ(Choose(person.facts, kService, {CHANNEL_EMAIL, CHANNEL_SMS}).reason, OPTED_OUT);
  EXPECT_EQ(Choose(GateFacts(), kService, {CHANNEL_SMS}).reason, NO_ENDPOINT);
  EXPECT_EQ(Choose(GateFacts(), kService, {}).reason, NO_ENDPOINT);
}

TEST(Gate, TheConfirmationPassesTheOptOutAndNothingElse) {
  Someone person;
  person.PhoneSays(Direct(WITHDRAWN, SCOPE_ENDPOINT, 5)).Says(Direct(WITHDRAWN, SCOPE_EVERYTHING, 5));
  const auto judge = [&] {
    return JudgeConfirmation(person.facts, CHANNEL_SMS, &person.facts.endpoints(0)).reason;
  };
  EXPECT_EQ(judge(), ALLOW);
  person.facts.set_paused(true);
  EXPECT_EQ(judge(), PAUSED);
  person.facts.mutable_endpoints(0)->set_suppressed(WRONG_PERSON);
  EXPECT_EQ(judge(), ENDPOINT_SUPPRESSED);
  person.facts.set_deceased(true);
  EXPECT_EQ(judge(), DECEASED);
  EXPECT_EQ(JudgeConfirmation(GateFacts(), CHANNEL_SMS, nullptr).reason, NO_ENDPOINT);
}

// ------------------------------------------------------------------------------------------------ properties

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}
  int Below(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }

  // `part` keeps the records of two people apart.
  GateEntry AnyEntry(const std::string& part, bool direct_grants) {
    const bool direct = Below(3) == 0;
    GateEntry entry = Entry(
        static_cast<EntryKind>(1 + Below(3)), static_cast<EntryScope>(1 + Below(3)), Below(5),
        (direct ? "sources/direct/records/" : "sources/feed/records/") + part + std::to_string(Below(3)));
    if (entry.scope() == SCOPE_PURPOSE && Below(4) == 0) entry.set_purpose("purposes/other");
    if (entry.scope() == SCOPE_PURPOSE && Below(4) == 0) entry.set_endpoint(kPhone);
    if (entry.scope() == SCOPE_ENDPOINT && Below(3) == 0) entry.set_endpoint(kMail);
    if (Below(3) == 0) entry.set_channel(static_cast<Channel>(1 + Below(2)));
    if (entry.direct() && entry.kind() == GRANTED && !direct_grants) entry.set_kind(WITHDRAWN);
    return entry;
  }
  GateEntry AnyOptOut(const std::string& part) {
    GateEntry entry = AnyEntry(part, false);
    if (entry.kind() == GRANTED) entry.set_kind(Below(2) == 0 ? WITHDRAWN : OBJECTED_TO);
    return entry;
  }
  GateFacts AnyFacts(const std::string& part, bool direct_grants) {
    GateFacts facts;
    facts.set_deceased(Below(20) == 0);
    facts.set_paused(Below(10) == 0);
    for (int i = Below(6); i > 0; --i) *facts.add_entries() = AnyEntry(part, direct_grants);
    for (const auto& [endpoint, channel] :
         {std::pair{kPhone, CHANNEL_SMS}, {kOtherPhone, CHANNEL_SMS}, {kMail, CHANNEL_EMAIL}}) {
      if (Below(3) == 0) continue;
      auto* added = facts.add_endpoints();
      added->set_endpoint(endpoint);
      added->set_channel(channel);
      if (Below(10) == 0) added->set_suppressed(HARD_BOUNCE);
      for (int i = Below(3); i > 0; --i) {
        GateEntry entry = AnyEntry("e", direct_grants);
        entry.set_endpoint(endpoint);
        *added->add_entries() = entry;
      }
    }
    return facts;
  }
  Purpose AnyPurpose() {
    return MakePurpose(static_cast<PurposeClass>(1 + Below(4)),
                       Below(2) == 0 ? LAWFUL_BASIS_CONSENT : LAWFUL_BASIS_PUBLIC_TASK);
  }
  std::vector<Channel> AnyChannels() {
    if (Below(2) == 0) return {CHANNEL_SMS, CHANNEL_EMAIL};
    return {Below(2) == 0 ? CHANNEL_SMS : CHANNEL_EMAIL};
  }

 private:
  std::mt19937 random_;
};

constexpr int kCases = 20'000;

const GateEndpoint* FindEndpoint(const GateFacts& facts, const std::string& endpoint) {
  for (const auto& candidate : facts.endpoints()) {
    if (candidate.endpoint() == endpoint) return &candidate;
  }
  return nullptr;
}

// Two people as one: all entries, all endpoints; what hangs on an endpoint is the same for both.
GateFacts Linked(const GateFacts& a, const GateFacts& b) {
  GateFacts both = a;
  both.set_deceased(a.deceased() || b.deceased());
  both.set_paused(a.paused() || b.paused());
  both.mutable_entries()->MergeFrom(b.entries());
  for (const auto& endpoint : b.endpoints()) {
    if (FindEndpoint(both, endpoint.endpoint()) == nullptr) *both.add_endpoints() = endpoint;
  }
  return both;
}

TEST(GateProperty, AnOptOutNeverOpensTheGate) {
  Generator any(1);
  int allowed = 0;
  for (int i = 0; i < kCases; ++i) {
    const GateFacts before = any.AnyFacts("a", true);
    const Purpose purpose = any.AnyPurpose();
    for (int e = 0; e < before.endpoints_size(); ++e) {
      const auto& endpoint = before.endpoints(e);
      const GateReason was = Judge(before, purpose, endpoint.channel(), &endpoint).reason;
      if (was == ALLOW) ++allowed;
      if (was == ALLOW) continue;
      GateFacts after = before;
      *after.add_entries() = any.AnyOptOut("a");
      EXPECT_NE(Judge(after, purpose, endpoint.channel(), &after.endpoints(e)).reason, ALLOW)
          << after.DebugString();
      GateFacts on_endpoint = before;
      *on_endpoint.mutable_endpoints(e)->add_entries() = any.AnyOptOut("e");
      EXPECT_NE(Judge(on_endpoint, purpose, endpoint.channel(), &on_endpoint.endpoints(e)).reason, ALLOW);
    }
  }
  EXPECT_GT(allowed, kCases / 20);  // the cases are not all closed from the start
}

// Without a grant given to us directly, a message that two linked people may get is one that neither part
// forbids: a record that is added can bring a consent (NO_CONSENT may open), and opens nothing else.
TEST(GateProperty, LinkingOnlyMakesItStricter) {
  Generator any(2);
  int allowed = 0;
  for (int i = 0; i < kCases; ++i) {
    const GateFacts a = any.AnyFacts("a", false);
    const GateFacts b = any.AnyFacts("b", false);
    const GateFacts both = Linked(a, b);
    const Purpose purpose = any.AnyPurpose();
    for (const auto& endpoint : both.endpoints()) {
      if (Judge(both, purpose, endpoint.channel(), &endpoint).reason != ALLOW) continue;
      ++allowed;
      for (const GateFacts* part : {&a, &b}) {
        const GateReason alone = Judge(*part, purpose, endpoint.channel(), &endpoint).reason;
        EXPECT_TRUE(alone == ALLOW || alone == NO_CONSENT) << GateReason_Name(alone);
      }
    }
  }
  EXPECT_GT(allowed, kCases / 50);
}

// With direct grants: where a part alone is opted out and both together are not, somebody told us so
// directly, and later.
TEST(GateProperty, OnlyALaterDirectGrantClearsAnothersOptOut) {
  Generator any(3);
  int cleared = 0;
  for (int i = 0; i < kCases; ++i) {
    const GateFacts a = any.AnyFacts("a", true);
    const GateFacts b = any.AnyFacts("b", true);
    const GateFacts both = Linked(a, b);
    const Purpose purpose = any.AnyPurpose();
    for (const auto& endpoint : both.endpoints()) {
      const Verdict alone = Judge(a, purpose, endpoint.channel(), &endpoint);
      if (alone.reason != OPTED_OUT && alone.reason != OBJECTED) continue;
      if (Judge(both, purpose, endpoint.channel(), &endpoint).reason != ALLOW) continue;
      ++cleared;
      EXPECT_TRUE(std::any_of(b.entries().begin(), b.entries().end(), [](const GateEntry& entry) {
        return entry.direct() && entry.kind() == GRANTED && entry.event_time_us() > 0;
      }));
    }
  }
  EXPECT_GT(cleared, 0);
}

TEST(GateProperty, ChooseIsTheChosenOfJudgePerson) {
  Generator any(4);
  for (int i = 0; i < kCases; ++i) {
    const GateFacts facts = any.AnyFacts("a", true);
    const Purpose purpose = any.AnyPurpose();
    const auto channels = any.AnyChannels();
    const Judgement judgement = JudgePerson(facts, purpose, channels);
    const Verdict chosen = Choose(facts, purpose, channels);
    // By hand: the first ALLOW, or the first candidate of the earliest reason.
    const Verdict* best = &judgement.candidates.front();
    for (const auto& candidate : judgement.candidates) {
      if (best->reason == ALLOW) break;
      if (candidate.reason == ALLOW || candidate.reason < best->reason) best = &candidate;
    }
    for (const Verdict& other : {judgement.chosen, *best}) {
      EXPECT_EQ(chosen.reason, other.reason);
      EXPECT_EQ(chosen.endpoint, other.endpoint);
      EXPECT_EQ(chosen.evidence, other.evidence);
      EXPECT_EQ(chosen.channel, other.channel);
    }
  }
}

}  // namespace
}  // namespace pharos::gate
