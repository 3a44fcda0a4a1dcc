#include "services/campaign/draft.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include "services/base/errors.h"
#include "services/base/text.h"
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

// RFC 5321, 4.5.3.1: 64 octets before the @, 255 in the path with its brackets. The local part is a dot-atom
// of ASCII: a quoted one is legal, but forms and mail servers get it wrong.
constexpr size_t kLongestLocalPart = 64, kLongestAddress = 254, kLongestLabel = 63;

bool IsAtomCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}
bool IsLocalPart(const std::string& local) {
  const auto atoms = base::Split(local, '.');
  return local.size() <= kLongestLocalPart &&
         std::all_of(atoms.begin(), atoms.end(), [](const std::string& atom) {
           return !atom.empty() && std::all_of(atom.begin(), atom.end(), IsAtomCharacter);
         });
}
bool IsLabel(const std::string& label) {
  return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(),
                     [](char c) { return c == '-' || std::isalnum(static_cast<unsigned char>(c)) != 0; });
}
bool IsAddress(const std::string& address) {
  const auto halves = base::Split(address, '@');
  if (halves.size() != 2 || address.size() > kLongestAddress || !IsLocalPart(halves[0])) return false;
  const auto labels = base::Split(halves[1], '.');
  return labels.size() >= 2 && std::all_of(labels.begin(), labels.end(), IsLabel);
}

bool IsOneLine(const std::string& text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

// Bounds as in pharos/type/v1/manifest.proto.
constexpr int64_t kLastMinute = 24 * 60 - 1, kMostPerSecond = 100'000, kAll = 1000, kWeekSeconds = 7 * 86'400;

absl::Status CheckRules(const type::v1::SendRules& rules) {
  const struct {
    std::string_view field;
    int64_t value, most;
    std::string_view right;
  } numbers[] = {
      {"quiet_from_minute", rules.quiet_from_minute(), kLastMinute, "minutes after midnight, 0 to 1439"},
      {"quiet_until_minute", rules.quiet_until_minute(), kLastMinute, "minutes after midnight, 0 to 1439"},
      {"most_per_second", rules.most_per_second(), kMostPerSecond, "0 (no limit) to 100000"},
      {"canary_permille", rules.canary_permille(), kAll, "0 (no canary) to 1000 thousandths"},
      {"canary_wait_s", rules.canary_wait_s(), kWeekSeconds, "0 to 604800 seconds"},
      {"canary_most_failed_permille", rules.canary_most_failed_permille(), kAll, "0 to 1000 thousandths"},
      {"canary_most_complaints_permille", rules.canary_most_complaints_permille(), kAll,
       "0 to 1000 thousandths"},
      {"canary_most_opt_outs_permille", rules.canary_most_opt_outs_permille(), kAll, "0 to 1000 thousandths"},
      {"in_doubt_after_s", rules.in_doubt_after_s(), kWeekSeconds, "0 to 604800 seconds"},
  };
  for (const auto& [field, value, most, right] : numbers) {
    if (value < 0 || value > most) return errors::RulesWrong(field, right);
  }
  if (!type::v1::InDoubtPolicy_IsValid(rules.in_doubt()))
    return errors::RulesWrong("in_doubt", "PREFER_MISS or PREFER_DUPLICATE");
  return absl::OkStatus();
}

absl::Status CheckSchedule(const v1::Campaign& draft, int64_t now_us) {
  if (draft.not_before_us() < 0 || draft.not_after_us() < 0)
    return errors::ScheduleWrong("Times are microseconds since the epoch, or 0.");
  if (draft.not_after_us() == 0) return absl::OkStatus();
  if (draft.not_after_us() <= now_us)
    return errors::ScheduleWrong("not_after_us has passed: nothing would leave. Choose a later time, or 0.");
  if (draft.not_after_us() <= draft.not_before_us())
    return errors::ScheduleWrong(
        "not_after_us is not later than not_before_us: nothing would leave. Choose a later time, or 0.");
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckDraft(const v1::Campaign& draft, int64_t now_us) {
  std::set<int> seen;
  for (int value : draft.channels()) {
    const std::string name = type::v1::Channel_Name(static_cast<type::v1::Channel>(value));
    if (value != type::v1::CHANNEL_SMS && value != type::v1::CHANNEL_EMAIL)
      return errors::ChannelUnsupported(name.empty() ? std::to_string(value) : name);
    if (!seen.insert(value).second) return errors::ChannelRepeated(name);
  }
  if (!IsSender(draft.sms_sender())) return errors::SenderWrong();
  const bool needs_from = seen.contains(type::v1::CHANNEL_EMAIL);
  if ((needs_from || !draft.email_from().empty()) && !IsAddress(draft.email_from()))
    return errors::EmailFromWrong();
  if (!IsOneLine(draft.email_from_name())) return errors::EmailFromNameWrong();
  PHAROS_RETURN_IF_ERROR(CheckRules(draft.rules()));
  return CheckSchedule(draft, now_us);
}

absl::Status CheckRulesFor(const v1::Campaign& draft, type::v1::PurposeClass purpose_class) {
  const bool refused = draft.rules().in_doubt() == type::v1::PREFER_DUPLICATE &&
                       purpose_class == type::v1::PURPOSE_CLASS_MARKETING;
  return refused ? errors::DuplicatesNotAllowed(draft.name()) : absl::OkStatus();
}

absl::Status CheckTexts(const v1::Campaign& draft, const record::v1::TemplateRow& text) {
  for (int channel : draft.channels()) {
    const bool email = channel == type::v1::CHANNEL_EMAIL;
    if (email ? text.email_body().empty() : text.sms_body().empty())
      return errors::TemplateLacksChannel(text.name(), email ? "CHANNEL_EMAIL" : "CHANNEL_SMS");
  }
  return absl::OkStatus();
}

absl::Status CheckNotPast(const v1::Campaign& campaign, int64_t now_us) {
  const bool past = campaign.not_after_us() != 0 && campaign.not_after_us() <= now_us;
  return past ? errors::SchedulePassed(campaign.name()) : absl::OkStatus();
}

v1::Campaign MakeDraft(std::string_view name, const v1::Campaign& asked, int64_t create_time_us) {
  v1::Campaign draft;
  draft.set_name(std::string(name));
  draft.set_display_name(asked.display_name());
  draft.set_audience(asked.audience());
  draft.set_template_(asked.template_());
  draft.set_purpose(asked.purpose());
  *draft.mutable_channels() = asked.channels();
  draft.set_sms_sender(asked.sms_sender());
  draft.set_email_from(asked.email_from());
  draft.set_email_from_name(asked.email_from_name());
  draft.set_not_before_us(asked.not_before_us());
  draft.set_not_after_us(asked.not_after_us());
  draft.set_fallback(asked.fallback());
  draft.set_measure_links(asked.measure_links());
  if (asked.has_rules()) *draft.mutable_rules() = asked.rules();
  if (asked.kind() == type::v1::STANDING) draft.set_kind(type::v1::STANDING);
  *draft.mutable_more_templates() = asked.more_templates();
  draft.set_source(asked.source());
  draft.set_state(v1::DRAFT);
  draft.set_create_time_us(create_time_us);
  return draft;
}

}  // namespace pharos::campaign
