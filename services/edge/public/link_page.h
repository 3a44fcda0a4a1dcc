// Pages of a tracked link, in English and Welsh: HTML that works without scripts. They say where
// the link leads before anything happens, and offer to go there without being counted.
#pragma once

#include <string>
#include <string_view>

#include "services/edge/public_page.h"

namespace pharos::edge {

enum class LinkPage {
  kAsk,      // where it leads, and the button
  kUnknown,  // not a link of ours
  kAway,     // cannot be looked up just now
};

// `url`: of kAsk, an absolute https address; it is escaped here.
std::string MakeLinkPage(LinkPage page, Language language, std::string_view url);

// "https://www.nhs.uk:8443/quit" → "www.nhs.uk:8443"; empty if it is no https address, or if its host could
// be read in two ways (a name before an @, other characters than letters, digits, '-', '.', ':').
std::string HostOfLink(std::string_view url);

}  // namespace pharos::edge
