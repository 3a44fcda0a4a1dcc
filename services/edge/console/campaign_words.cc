#include "services/edge/console/campaign_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "pharos/type/v1/gate.pb.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/edge/console/page.h"

namespace pharos::edge::console {

namespace v1 = campaign::v1;

std::string NameForPeople(const v1::Campaign& campaign) {
  return campaign.display_name().empty() ? base::Segment(campaign.name(), "campaigns")
                                         : campaign.display_name();
}

std::string StateInWords(v1::CampaignState state) {
  switch (state) {
    case v1::DRAFT:
      return "Draft";
    case v1::IN_REVIEW:
      return "Waiting for approval";
    case v1::APPROVED:
      return "Approved";
    case v1::RUNNING:
      return "Being sent";
    case v1::PAUSED:
      return "Paused";
    case v1::STOPPED:
      return "Stopped";
    case v1::FINISHED:
      return "Finished";
    default:
      return "Not known";
  }
}

std::string StateColour(v1::CampaignState state) {
  switch (state) {
    case v1::DRAFT:
      return "grey";
    case v1::IN_REVIEW:
    case v1::PAUSED:
      return "yellow";
    case v1::APPROVED:
    case v1::RUNNING:
      return "blue";
    case v1::STOPPED:
      return "red";
    default:
      return "green";
  }
}

std::string ReasonForPeople(std::string_view reason) {
  static const auto* words = new std::map<std::string, std::string, std::less<>>{
      {"DECEASED", "They have died"},
      {"ENDPOINT_SUPPRESSED",
       "Their number or address bounced, was complained about, or belongs to somebody else"},
      {"PAUSED", "A sensitive event: they are not to be disturbed"},
      {"OPTED_OUT", "They opted out"},
      {"OBJECTED", "They objected to this purpose"},
      {"NO_CONSENT", "They have not agreed to this purpose"},
      {"NO_ENDPOINT", "There is no mobile number or email address for these channels"},
      {"ALLOW", "May be written to"},
      {"HOLDOUT", "Kept back for comparison"},
      {"DUPLICATE_PERSON", "The same person already gets this message"},
      {"DUPLICATE_ENDPOINT", "This number or address already gets this message"},
      {"PLACEHOLDER_EMPTY", "Something that the text needs, like a first name, is not known"},
      {"STOPPED", "The campaign was stopped"},
      {"EXPIRED", "It was too late to send or deliver"},
      {"MAILBOX_FULL", "The mailbox is full"},
      {"ABSENT", "Phone not accepting messages: off, without signal, or its inbox is full"},
      {"UNDELIVERABLE", "The network could not deliver it"},
      {"REJECTED", "The provider refused it"}};
  const auto at = words->find(reason);
  if (at != words->end()) return at->second;
  std::string plain = base::LowerAscii(reason);
  std::replace(plain.begin(), plain.end(), '_', ' ');
  return plain;
}

std::string MoneyInWords(int64_t micropounds) {
  constexpr int64_t kPenny = 10'000;
  if (micropounds > 0 && micropounds < 100 * kPenny)
    return fmt::format("{:.1f}p", static_cast<double>(micropounds) / kPenny);
  const int64_t pence = (micropounds + kPenny / 2) / kPenny;
  return fmt::format("£{}.{:02}", Thousands(pence / 100), pence % 100);
}

std::string MessagesInWords(int64_t number, const v1::Campaign& campaign) {
  bool sms = false, email = false;
  for (const int channel : campaign.channels()) (channel == type::v1::CHANNEL_EMAIL ? email : sms) = true;
  const char* kind = sms && email ? "message" : email ? "email" : "text message";
  return fmt::format("{} {}{}", Thousands(number), kind, number == 1 ? "" : "s");
}

std::string ChannelsInWords(const v1::Campaign& campaign) {
  std::string words;
  for (const int channel : campaign.channels()) {
    const bool email = channel == type::v1::CHANNEL_EMAIL;
    words +=
        words.empty() ? (email ? "Email" : "Text message") : (email ? ", then email" : ", then text message");
    const std::string& sender = email ? campaign.email_from() : campaign.sms_sender();
    if (!sender.empty())
      words += " from " +
               (email && !campaign.email_from_name().empty() ? campaign.email_from_name() + ", " : "") +
               sender;
  }
  if (campaign.channels_size() > 1 && campaign.fallback()) words += "; the next one too if a message failed";
  if (campaign.measure_links()) words += "; links are counted for people who agreed to it";
  return words;
}

std::string StoppedInWords(const v1::StopCampaignResponse& stopped) {
  return fmt::format("Stopped: {} had left, {} will not go, {} in flight.", Thousands(stopped.left()),
                     Thousands(stopped.not_sent()), Thousands(stopped.in_flight()));
}

std::string HeadlineOf(const v1::Report& report) {
  if (report.intents() == 0) return "Nothing has been sent.";
  int64_t failed = 0, withheld = 0;
  for (const auto& [reason, number] : report.failed()) failed += number;
  for (const auto& [reason, number] : report.withheld()) withheld += number;
  const int64_t left = report.sent() + report.delivered() + failed + report.unconfirmed();
  std::string words =
      fmt::format("{} of {} people were sent a message; {} are known to have received it ({}%).",
                  Thousands(left), Thousands(report.members()), Thousands(report.delivered()),
                  left == 0 ? 0 : report.delivered() * 100 / left);
  if (withheld > 0) words += fmt::format(" {} were not sent it.", Thousands(withheld));
  if (report.opted_out() > 0)
    words += fmt::format(" {} opted out afterwards.", Thousands(report.opted_out()));
  return words;
}

bool KeyComesFirst(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return !a.empty();
  const auto is_number = [](std::string_view text) {
    return text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (is_number(a) && is_number(b) && a.size() != b.size()) return a.size() < b.size();
  return a < b;
}

std::string BandInWords(const std::string& key, const std::vector<std::string>& edges) {
  if (key.empty()) return "Not known";
  const auto at = std::find(edges.begin(), edges.end(), key);
  if (at == edges.end()) return key;
  return at + 1 == edges.end() ? key + " and over"
                               : fmt::format("{} to {}", key, std::atoi((at + 1)->c_str()) - 1);
}

int MinuteOfDay(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > 2 || text.size() != colon + 3) return -1;
  int parts[2] = {0, 0};
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == colon) continue;
    if (text[i] < '0' || text[i] > '9') return -1;
    int& part = parts[i > colon ? 1 : 0];
    part = part * 10 + (text[i] - '0');
  }
  return parts[0] < 24 && parts[1] < 60 ? parts[0] * 60 + parts[1] : -1;
}

std::string MinuteInWords(int minute) {
  if (minute == 0) return "midnight";
  if (minute == 12 * 60) return "midday";
  const int hour = minute / 60 % 12 == 0 ? 12 : minute / 60 % 12;
  const char* half = minute < 12 * 60 ? "am" : "pm";
  return minute % 60 == 0 ? fmt::format("{}{}", hour, half)
                          : fmt::format("{}:{:02}{}", hour, minute % 60, half);
}

std::vector<RuleInWords> RulesOf(const v1::Campaign& campaign) {
  const type::v1::SendRules& rules = campaign.rules();
  std::vector<RuleInWords> list;
  list.push_back({"Starts", campaign.not_before_us() == 0
                                ? "As soon as it is launched"
                                : "Not before " + TimeInWords(campaign.not_before_us())});
  list.push_back(
      {"Ends", campaign.not_after_us() == 0
                   ? "When everybody has been written to"
                   : "What has not left by " + TimeInWords(campaign.not_after_us()) + " never does"});
  const bool quiet = rules.quiet_from_minute() != rules.quiet_until_minute();
  list.push_back({"Quiet hours",
                  quiet ? fmt::format("Nothing between {} and {}", MinuteInWords(rules.quiet_from_minute()),
                                      MinuteInWords(rules.quiet_until_minute()))
                        : "None: at any hour"});
  list.push_back({"Days", rules.working_days_only() ? "Monday to Friday, not on bank holidays" : "Any day"});
  list.push_back({"Pace", rules.most_per_second() == 0
                              ? "As fast as the routes allow"
                              : fmt::format("At most {} a second", Thousands(rules.most_per_second()))});
  list.push_back({"Try a few first",
                  rules.canary_permille() == 0
                      ? "No"
                      : fmt::format("{:g}% of the people first; held if too many fail, complain or opt out",
                                    rules.canary_permille() / 10.0)});
  return list;
}

std::vector<FunnelStep> FunnelOf(int64_t matched, const std::map<std::string, int64_t>& excluded) {
  std::vector<FunnelStep> steps = {{"People match", "", matched, matched}};
  std::vector<std::pair<std::string, int64_t>> rows(excluded.begin(), excluded.end());
  const auto rank = [](const std::string& reason) {
    type::v1::GateReason value = type::v1::ALLOW;
    type::v1::GateReason_Parse(reason, &value);
    return static_cast<int>(value);
  };
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const auto& a, const auto& b) { return rank(a.first) < rank(b.first); });
  int64_t left = matched;
  for (const auto& [reason, number] : rows) {
    left -= number;
    steps.push_back({ReasonForPeople(reason), reason, number, left});
  }
  steps.push_back({"May be written to", "ALLOW", left, left});
  return steps;
}

}  // namespace pharos::edge::console
