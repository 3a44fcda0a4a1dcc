// What a text from a person means. Pure. A single known word decides; free text that speaks of stopping is
// taken as STOP too, for a wrong opt-out costs a message and a missed one costs trust.
#pragma once

#include <string_view>

namespace pharos::dispatch {

// kUnsubscribe is not a text's meaning but an address's: mail to a message's own unsubscribe address, or its
// link. kStopAll, kPause and kResume are chosen on the page that an email's footer links to.
enum class ReplyMeaning {
  kStop,
  kStart,
  kWrongPerson,
  kHelp,
  kOther,
  kUnsubscribe,
  kStopAll,
  kPause,
  kResume
};

struct Reading {
  ReplyMeaning meaning = ReplyMeaning::kOther;
  // The words were not plain: it is acted on, and a person should read it too.
  bool for_review = false;
};

// `text` is UTF-8. English and Welsh (and ARRET). The whole text is one known word or phrase: that is what it
// means. Else anything that speaks of stopping is STOP and for review, also when it may be about something
// else ("the bus stop"); but not words that only contain it ("non-stop", "unstoppable").
Reading Read(std::string_view text);
// Its meaning alone.
ReplyMeaning Classify(std::string_view text);
std::string_view NameOf(ReplyMeaning meaning);  // "STOP", "START", "WRONG_PERSON", "HELP", "OTHER",
                                                // "UNSUBSCRIBE", "UNSUBSCRIBE_ALL", "PAUSE", "RESUME"

}  // namespace pharos::dispatch
