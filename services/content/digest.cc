#include "services/content/digest.h"

#include <fmt/format.h>

#include "services/base/ids.h"

namespace pharos::content {

std::string DigestOf(std::string_view sms_body, std::string_view email_subject, std::string_view email_body) {
  return base::Sha256(fmt::format("sms\n{}\nsubject\n{}\nemail\n{}", sms_body, email_subject, email_body));
}

}  // namespace pharos::content
