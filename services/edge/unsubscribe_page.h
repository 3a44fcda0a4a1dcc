// Pages of the unsubscribe link, in English and Welsh: HTML that works without styles and scripts. They hold
// no personal data and no token.
#pragma once

#include <string>
#include <string_view>

#include "services/edge/public_page.h"

namespace pharos::edge {

enum class Page {
  kAsk,      // what the link is about, and the button
  kDone,     // it is acknowledged
  kUnknown,  // not a link of ours
  kAway,     // not done yet; try again
};

// "cy-GB,cy;q=0.9,en;q=0.8" → Welsh: what is preferred of the two; English if neither is named.
Language PreferredLanguage(std::string_view accept_language);

// `purpose` is its name for people; it is escaped here.
std::string MakePage(Page page, Language language, std::string_view purpose);

// "purposes/stop-smoking" → "stop smoking".
std::string PurposeInWords(std::string_view purpose);

}  // namespace pharos::edge
