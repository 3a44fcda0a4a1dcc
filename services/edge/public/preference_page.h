// The page "what we send you", in English and Welsh. It names the purpose of the message that it was reached
// from and nothing else of anybody; it holds no token.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "services/edge/inbound_client.h"
#include "services/edge/public_page.h"

namespace pharos::edge {

enum class PreferencePage {
  kAsk,      // what can be chosen, and the button
  kMissing,  // the same: the button was pressed and nothing chosen
  kUnknown,  // not a link of ours
  kAway,     // not done yet; try again
};

// `purpose` is its name for people; it is escaped here.
std::string MakePreferencePage(PreferencePage page, Language language, std::string_view purpose);
// `choice` is acknowledged; of kStopPurpose, kStopAll and kPause it can be taken back from here.
std::string MakeChosenPage(Choice choice, const Chosen& chosen, Language language, std::string_view purpose);

// 1800000000000000 → "15 January 2027", "15 Ionawr 2027".
std::string DayInWords(int64_t time_us, Language language);

}  // namespace pharos::edge
