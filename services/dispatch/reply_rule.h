// What a text from a person means. Pure. A single known word decides; free text that speaks of stopping is
// taken as STOP too, for a wrong opt-out costs a message and a missed one costs trust.
#pragma once

#include <string_view>

namespace pharos::dispatch {

// kUnsubscribe is not a text's meaning but an address's: mail to a message's own unsubscribe address.
enum class ReplyMeaning { kStop, kStart, kWrongPerson, kHelp, kOther, kUnsubscribe };

// `text` is UTF-8. English and Welsh.
ReplyMeaning Classify(std::string_view text);
std::string_view NameOf(ReplyMeaning meaning);  // "STOP", "START", "WRONG_PERSON", "HELP", "OTHER",
                                                // "UNSUBSCRIBE"

}  // namespace pharos::dispatch
