// The HTML part of an email: one centred column, readable in light and dark, by screen readers, and without
// any outside resource.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/content/markdown.h"

namespace pharos::content {

// A whole document. Values have been put in (PutValues); everything is escaped here.
std::string HtmlOf(std::string_view subject, const std::vector<Node>& nodes);

}  // namespace pharos::content
