// Campaigns in words, for every page that shows one: states, reasons, sums of money, and what was done. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pharos/campaign/v1/campaign_service.pb.h"

namespace pharos::edge::console {

// What its author calls it, else its id.
std::string NameForPeople(const campaign::v1::Campaign& campaign);
// "Being sent".
std::string StateInWords(campaign::v1::CampaignState state);
// Of a GOV.UK tag: "blue".
std::string StateColour(campaign::v1::CampaignState state);

// Why a person was left out, or why a message failed or was withheld: "OPTED_OUT" → "They opted out". A
// reason that is not in the list comes back as words in lower case.
std::string ReasonForPeople(std::string_view reason);

// 198'720'000 millionths of a pound: "£198.72". Below a penny, in pence: "0.4p".
std::string MoneyInWords(int64_t micropounds);

// "1,234 text messages", "1 email"; "messages" where both channels are used.
std::string MessagesInWords(int64_t number, const campaign::v1::Campaign& campaign);
// "Text message from 60777, then email from quit@example.org".
std::string ChannelsInWords(const campaign::v1::Campaign& campaign);
// "Stopped: 312 had left, 8,328 will not go, 4 in flight."
std::string StoppedInWords(const campaign::v1::StopCampaignResponse& stopped);
// The report's finding in one sentence.
std::string HeadlineOf(const campaign::v1::Report& report);

// One line of a list of rules: what, how.
struct RuleInWords {
  std::string what, how;
};
// When, how fast and how carefully.
std::vector<RuleInWords> RulesOf(const campaign::v1::Campaign& campaign);

// One step of a funnel: who matches, each reason in the gate's order, who may be written to.
struct FunnelStep {
  std::string words, reason;
  int64_t number = 0;
  int64_t left = 0;  // after it
};
std::vector<FunnelStep> FunnelOf(int64_t matched, const std::map<std::string, int64_t>& excluded);

// Keys of a table in the order of people: numbers by size, what is not known ("") last.
bool KeyComesFirst(std::string_view a, std::string_view b);
// A key, or the band of whole numbers that begins with it: "18" of 0, 18, 30 → "18 to 29".
std::string BandInWords(const std::string& key, const std::vector<std::string>& edges);

// "20:00" in minutes after midnight; -1 if it is no time of day. And back: "8pm", "8:30am".
int MinuteOfDay(std::string_view text);
std::string MinuteInWords(int minute);

}  // namespace pharos::edge::console
