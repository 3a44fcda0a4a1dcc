#include "services/campaign/draft.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include "services/base/errors.h"
#include "services/campaign/errors.h"

namespace pharos::campaign {
namespace {

// TS 23.040, 9.1.2.5: an alphanumeric address has at most 11 characters. Numbers: short codes to E.164.
constexpr size_t kShortestNumber = 3, kLongestNumber = 15, kLongestName = 11;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsNameCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == ' ' || c == '-' || c == '_' || c == '.' ||
         c == '&';
}

bool IsSender(const std::string& sender) {
  if (sender.empty()) return true;
  if (std::all_of(sender.begin(), sender.end(), IsDigit)) {
    return sender.size() >= kShortestNumber && sender.size() <= kLongestNumber;
  }
  return sender.size() <= kLongestName && sender.front() != ' ' && sender.back() != ' ' &&
         std::all_of(sender.begin(), sender.end(), IsNameCharacter);
}

}  // namespace

absl::Status CheckDraft(const v1::Campaign& draft) {
  std::set<int> seen;
  for (int value : draft.channels()) {
    const std::string name = type::v1::Channel_Name(static_cast<type::v1::Channel>(value));
    if (value != type::v1::CHANNEL_SMS)
      return errors::ChannelUnsupported(name.empty() ? std::to_string(value) : name);
    if (!seen.insert(value).second) return errors::ChannelRepeated(name);
  }
  return IsSender(draft.sms_sender()) ? absl::OkStatus() : errors::SenderWrong();
}

v1::Campaign MakeDraft(std::string_view name, const v1::Campaign& asked, int64_t now_us) {
  v1::Campaign draft;
  draft.set_name(std::string(name));
  draft.set_display_name(asked.display_name());
  draft.set_audience(asked.audience());
  draft.set_template_(asked.template_());
  draft.set_purpose(asked.purpose());
  *draft.mutable_channels() = asked.channels();
  draft.set_sms_sender(asked.sms_sender());
  draft.set_state(v1::DRAFT);
  draft.set_create_time_us(now_us);
  return draft;
}

}  // namespace pharos::campaign
