// The HTML part of an email: one centred column, readable in light and dark, by screen readers, and without
// any outside resource.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/content/markdown.h"

namespace pharos::content {

// A whole document. Values have been put in (PutValues); everything is escaped here. `unsubscribe_url` and
// `preferences_url`: see EmailTemplate::Render.
std::string HtmlOf(std::string_view subject, const std::vector<Node>& nodes,
                   std::string_view unsubscribe_url = {}, std::string_view preferences_url = {});

}  // namespace pharos::content
