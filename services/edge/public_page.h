// The frame of the pages for people without a sign-in, in English and Welsh: HTML that works without scripts
// and without its small stylesheet, on any phone.
#pragma once

#include <string>
#include <string_view>

namespace pharos::edge {

enum class Language { kEnglish, kWelsh };

// A whole document. `title` is text; `main` is HTML with the one <h1>. The link to the other language asks
// for the page's own address again.
std::string PublicPage(Language language, std::string_view title, std::string_view main);

// The Content-Security-Policy of such a page: its stylesheet, by its hash, and forms to ourselves (and to
// `form_action`, e.g. "https:", if there is one); nothing else.
std::string PublicPagePolicy(std::string_view form_action = {});

// For element content and quoted attributes.
std::string EscapedHtml(std::string_view text);

}  // namespace pharos::edge
