// Who receives the mail for an address: its domain, big providers' domains rolled up to one name; and the
// guard on complaints to one such site. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pharos/record/v1/dispatch.pb.h"

namespace pharos::dispatch {

// "gmail", "microsoft", "yahoo", "apple", "bt", "nhs", … for the well-known domains and their sub-domains
// where the provider has such; any other domain as it is, ASCII lower-cased, without a final dot (U-labels
// and A-labels stay as given); empty without '@' or domain. A well-known name has no dot, a domain has one
// ("localhost."). Personal data where the domain is a person's own: hash before it is stored.
std::string MailSite(std::string_view address);
bool IsWellKnown(std::string_view site);  // a provider's name: may be shown in metrics and words

enum class MailGuardState { kOk, kWarn, kPause };

struct MailVerdict {
  MailGuardState state = MailGuardState::kOk;
  int64_t sent = 0;        // in the window
  int64_t complained = 0;  // likewise
  std::string why;         // in words, empty if kOk; does not name the site
};

// The guard, over the last 7 days (today and the six before, UTC): warn from 0.1 % complaints of what was
// accepted, pause from 0.2 % (bulk senders must stay under 0.1 % and never reach 0.3 %: Google's and Yahoo's
// sender requirements of 2024). Under kLeastSent messages a share says little (one complaint of 400 is 0.25
// %): there it takes kLeastComplaints.
MailVerdict MailGuard(const record::v1::MailSiteRow& row, int64_t now_us);

inline constexpr int kGuardDays = 7;
inline constexpr int kMailDays = 8;  // days that a row keeps: the window, and today's beginning
inline constexpr int64_t kWarnPer10000 = 10;
inline constexpr int64_t kPausePer10000 = 20;
inline constexpr int64_t kLeastSent = 1'000;  // where one complaint is 0.1 %
inline constexpr int64_t kLeastComplaints =
    3;  // of fewer messages than that: 0.3 % and more, whatever their number

// Counts on the day of `now_us` (a complaint on the day it comes); drops days past kMailDays. A clock that
// went back counts on the newest day.
void AddMailSent(record::v1::MailSiteRow& row, int64_t now_us, int64_t count = 1);
void AddMailComplaint(record::v1::MailSiteRow& row, int64_t now_us, int64_t count = 1);

}  // namespace pharos::dispatch
