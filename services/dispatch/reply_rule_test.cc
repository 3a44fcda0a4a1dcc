#include "services/dispatch/reply_rule.h"

#include <gtest/gtest.h>

#include <vector>

namespace pharos::dispatch {
namespace {

struct Case {
  const char* text;
  ReplyMeaning meaning;
  bool for_review = false;
};

using enum ReplyMeaning;

TEST(ReplyRule, ReadsWhatPeopleWrite) {
  const std::vector<Case> cases = {
      // The words, however they are typed.
      {"STOP", kStop},
      {"stop", kStop},
      {" Stop. ", kStop},
      {"STOP!!!", kStop},
      {"\"stop\"", kStop},
      {"S T O P", kStop},
      {"s.t.o.p", kStop},
      {"ＳＴＯＰ", kStop},
      {"stop 🙏", kStop},
      {"STOPALL", kStop},
      {"stop all", kStop},
      {"Unsubscribe", kStop},
      {"unsub", kStop},
      {"CANCEL", kStop},
      {"end", kStop},
      {"Quit", kStop},
      {"optout", kStop},
      {"opt-out", kStop},
      {"Opt out please", kStop},
      {"REVOKE", kStop},
      {"Arrêt", kStop},
      {"ARRET", kStop},
      {"Please stop", kStop},
      {"stop thanks", kStop},
      {"Stop, thank you", kStop},
      {"stop\n", kStop},
      {"remove", kStop},
      // Welsh.
      {"STOPIO", kStop},
      {"Stopiwch", kStop},
      {"peidiwch", kStop},
      {"DILEU", kStop},
      {"Dilëwch", kStop},
      {"peidio os gwelwch yn dda", kStop},
      {"canslo", kStop},
      {"DIWEDD", kStop},
      {"peidiwch â thecstio", kStop, true},
      {"Peidiwch a anfon mwy", kStop, true},
      {"dim mwy o negeseuon diolch", kStop, true},
      {"Tynnwch fi oddi ar y rhestr", kStop, true},
      {"dwi ddim eisiau rhain", kStop, true},
      // Free text.
      {"please stop texting me", kStop, true},
      {"no more texts thanks", kStop, true},
      {"Don't text me again", kStop, true},
      {"Don’t text me", kStop, true},
      {"do not contact me again", kStop, true},
      {"take me off this list", kStop, true},
      {"Remove me from your list", kStop, true},
      {"I want to opt out of these", kStop, true},
      {"leave me alone!", kStop, true},
      {"can you stop sending these", kStop, true},
      {"I've asked you to stop", kStop, true},
      {"I don't want these", kStop, true},
      {"unsubscribe me now", kStop, true},
      {"I withdraw my consent", kStop, true},
      {"do not send me any more", kStop, true},
      {"stop it", kStop, true},
      // In doubt the person is left in peace, and somebody reads it.
      {"I am at the bus stop, running late", kStop, true},
      {"Does the bus stop at the clinic?", kStop, true},
      {"should I stop taking my tablets?", kStop, true},
      {"don't stop me coming, but stop texting", kStop, true},
      // Words that only contain it, and the opposite.
      {"it rained nonstop", kOther},
      {"unstoppable", kOther},
      {"it rained non-stop", kOther, true},
      {"please don't stop", kOther, true},
      {"Do not stop these, they help", kOther, true},
      {"the weekend", kOther},
      {"a friend will attend", kOther},
      {"I had to cancel my appointment", kOther},
      {"when does it end?", kOther},
      // Starting again.
      {"START", kStart},
      {"start", kStart},
      {"Unstop", kStart},
      {"yes", kStart},
      {"Yes please", kStart},
      {"DECHRAU", kStart},
      {"dechreuwch", kStart},
      {"opt in", kStart},
      {"when does it start?", kOther},
      {"yes I will come", kOther},
      {"START STOP", kStop, true},
      // Help.
      {"HELP", kHelp},
      {"info?", kHelp},
      {"Cymorth", kHelp},
      {"help please", kHelp},
      {"I need help with parking", kOther},
      // Somebody else.
      {"Wrong number", kWrongPerson},
      {"sorry, wrong person", kWrongPerson},
      {"this is not my number", kWrongPerson},
      {"You have the wrong number, stop", kWrongPerson},
      {"There is no one called Bob here", kWrongPerson},
      {"rhif anghywir", kWrongPerson},
      {"this is not her number any more", kWrongPerson},
      // Nothing of the kind.
      {"", kOther},
      {"thanks", kOther},
      {"Ok see you there", kOther},
      {"\xff\xfe", kOther},
      {"diolch", kOther},
      {"👍", kOther},
  };
  for (const Case& c : cases) {
    const Reading reading = Read(c.text);
    EXPECT_EQ(NameOf(reading.meaning), NameOf(c.meaning)) << c.text;
    EXPECT_EQ(reading.for_review, c.for_review) << c.text;
    EXPECT_EQ(Classify(c.text), c.meaning) << c.text;
  }
}

}  // namespace
}  // namespace pharos::dispatch
