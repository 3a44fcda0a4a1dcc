// The plain part of an email: headings underlined, "- " and "1. " before items, "text: address" for links. A
// paragraph is one line: mail readers break lines to their own width, and hard breaks at 78 look ragged on a
// phone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/content/markdown.h"

namespace pharos::content {

// Lines end in "\n". Values have been put in (PutValues).
// `unsubscribe_url` and `preferences_url`: see EmailTemplate::Render.
std::string PlainOf(const std::vector<Node>& nodes, std::string_view unsubscribe_url = {},
                    std::string_view preferences_url = {});

}  // namespace pharos::content
