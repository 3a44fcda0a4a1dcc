// "Send it to yourself": the button that pages of texts and campaigns show.
#pragma once

#include <string>
#include <string_view>

#include "services/edge/console/blocks.h"

namespace pharos::edge::console {

// Empty where it is not set up, or the visitor neither writes nor approves texts. `name`: "templates/…";
// `version` 0: the newest. `campaign`: where to go back to; empty: the template.
Section TryOutSection(const Visit& visit, std::string_view name, uint64_t version,
                      const std::string& campaign = "");

}  // namespace pharos::edge::console
