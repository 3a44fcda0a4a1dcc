// What names a text exactly: shown to the author, written into the manifest, checked by the sender.
#pragma once

#include <string>
#include <string_view>

namespace pharos::content {

// 32 bytes: SHA-256 over "sms\n" sms_body "\nsubject\n" email_subject "\nemail\n" email_body, as the template
// has them (not rendered).
std::string DigestOf(std::string_view sms_body, std::string_view email_subject, std::string_view email_body);

}  // namespace pharos::content
