#include "services/audience/page_token.h"

#include "services/audience/errors.h"
#include "services/base/ids.h"

namespace pharos::audience {
namespace {

constexpr size_t kCheckBytes = 8;

std::string CheckOf(std::string_view query, std::string_view position) {
  std::string text(query);
  text += '\n';
  text += position;
  return base::Sha256(text).substr(0, kCheckBytes);
}

}  // namespace

std::string MakePageToken(std::string_view query, std::string_view position) {
  return base::ToHex(CheckOf(query, position) + std::string(position));
}

absl::StatusOr<std::string> ReadPageToken(std::string_view query, std::string_view token) {
  const std::string bytes = base::FromHex(token);
  if (bytes.size() <= kCheckBytes) return AudienceErrors::PageTokenWrong();
  std::string position = bytes.substr(kCheckBytes);
  if (CheckOf(query, position) != bytes.substr(0, kCheckBytes)) return AudienceErrors::PageTokenWrong();
  return position;
}

}  // namespace pharos::audience
