#include "services/dispatch/mail_site.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "services/base/text.h"

namespace pharos::dispatch {
namespace {

struct Known {
  std::string_view domain, site;
};

// Domains of one provider share its reputation, limits and servers.
constexpr std::array kDomains = {
    Known{"aim.com", "yahoo"},
    Known{"blueyonder.co.uk", "virgin"},
    Known{"btconnect.com", "bt"},
    Known{"btinternet.com", "bt"},
    Known{"btopenworld.com", "bt"},
    Known{"fastmail.com", "fastmail"},
    Known{"fastmail.co.uk", "fastmail"},
    Known{"fastmail.fm", "fastmail"},
    Known{"freeserve.co.uk", "orange"},
    Known{"fsmail.net", "orange"},
    Known{"fsnet.co.uk", "orange"},
    Known{"gmail.com", "gmail"},
    Known{"gmx.co.uk", "gmx"},
    Known{"gmx.com", "gmx"},
    Known{"gmx.de", "gmx"},
    Known{"gmx.net", "gmx"},
    Known{"googlemail.com", "gmail"},
    Known{"icloud.com", "apple"},
    Known{"lineone.net", "talktalk"},
    Known{"mac.com", "apple"},
    Known{"mail.com", "gmx"},
    Known{"me.com", "apple"},
    Known{"msn.com", "microsoft"},
    Known{"myyahoo.com", "yahoo"},
    Known{"nhs.net", "nhs"},
    Known{"ntlworld.com", "virgin"},
    Known{"o2.co.uk", "o2"},
    Known{"orange.net", "orange"},
    Known{"passport.com", "microsoft"},
    Known{"plus.com", "plusnet"},
    Known{"plus.net", "plusnet"},
    Known{"pm.me", "proton"},
    Known{"proton.me", "proton"},
    Known{"protonmail.ch", "proton"},
    Known{"protonmail.com", "proton"},
    Known{"rocketmail.com", "yahoo"},
    Known{"sky.com", "yahoo"},
    Known{"talk21.com", "bt"},
    Known{"talktalk.co.uk", "talktalk"},
    Known{"talktalk.net", "talktalk"},
    Known{"tiscali.co.uk", "talktalk"},
    Known{"virgin.net", "virgin"},
    Known{"virginmedia.co.uk", "virgin"},
    Known{"virginmedia.com", "virgin"},
    Known{"wanadoo.co.uk", "orange"},
    Known{"web.de", "gmx"},
    Known{"windowslive.com", "microsoft"},
    Known{"ymail.com", "yahoo"},
};

// Providers that have the same name under .com and under countries: hotmail.co.uk, yahoo.fr, live.com.mt.
constexpr std::array kFamilies = {
    Known{"aol", "yahoo"},         Known{"hotmail", "microsoft"}, Known{"live", "microsoft"},
    Known{"outlook", "microsoft"}, Known{"yahoo", "yahoo"},       Known{"ymail", "yahoo"},
};

// Providers that give each customer a domain of their own below theirs.
constexpr std::array kParents = {
    Known{"freeserve.co.uk", "orange"},
    Known{"fsnet.co.uk", "orange"},
    Known{"plus.com", "plusnet"},
};

// "com", a country, or "co" or "com" below a country.
bool IsCommercialSuffix(std::string_view suffix) {
  if (suffix == "com") return true;
  if (suffix.starts_with("co.")) suffix.remove_prefix(3);
  if (suffix.starts_with("com.")) suffix.remove_prefix(4);
  return suffix.size() == 2 && suffix.find('.') == std::string_view::npos;
}

std::string_view Provider(std::string_view domain) {
  for (const Known& known : kDomains) {
    if (known.domain == domain) return known.site;
  }
  const size_t dot = domain.find('.');
  for (const Known& family : kFamilies) {
    if (domain.substr(0, dot) == family.domain && IsCommercialSuffix(domain.substr(dot + 1)))
      return family.site;
  }
  for (const Known& parent : kParents) {
    if (domain.size() > parent.domain.size() && domain.ends_with(parent.domain) &&
        domain[domain.size() - parent.domain.size() - 1] == '.')
      return parent.site;
  }
  return {};
}

int32_t DayOf(int64_t us) {
  constexpr int64_t kDayMicros = 86'400'000'000;
  return static_cast<int32_t>(us / kDayMicros - (us % kDayMicros < 0 ? 1 : 0));
}

record::v1::MailSiteDay& Today(record::v1::MailSiteRow& row, int64_t now_us) {
  auto& days = *row.mutable_days();
  const int32_t today = DayOf(now_us);
  if (days.empty() || days[days.size() - 1].day() < today) row.add_days()->set_day(today);
  const int32_t oldest = days[days.size() - 1].day() - kMailDays + 1;
  int gone = 0;
  while (days[gone].day() < oldest) ++gone;
  days.DeleteSubrange(0, std::max(gone, days.size() - kMailDays));
  return days[days.size() - 1];
}

MailGuardState StateOf(int64_t sent, int64_t complained) {
  if (complained == 0 || (sent < kLeastSent && complained < kLeastComplaints)) return MailGuardState::kOk;
  if (complained * 10'000 >= kPausePer10000 * sent) return MailGuardState::kPause;
  return complained * 10'000 >= kWarnPer10000 * sent ? MailGuardState::kWarn : MailGuardState::kOk;
}

}  // namespace

std::string MailSite(std::string_view address) {
  const size_t at = address.rfind('@');
  if (at == std::string_view::npos) return {};
  std::string domain = base::LowerAscii(address.substr(at + 1));
  while (!domain.empty() && domain.back() == '.') domain.pop_back();
  if (domain.empty()) return {};
  if (domain.find('.') == std::string::npos) return domain + '.';
  const std::string_view provider = Provider(domain);
  return provider.empty() ? domain : std::string(provider);
}

bool IsWellKnown(std::string_view site) {
  return !site.empty() && site.find('.') == std::string_view::npos;
}

MailVerdict MailGuard(const record::v1::MailSiteRow& row, int64_t now_us) {
  const int32_t first = DayOf(now_us) - kGuardDays + 1;
  MailVerdict verdict;
  for (const auto& day : row.days()) {
    if (day.day() < first) continue;
    verdict.sent += day.sent();
    verdict.complained += day.complained();
  }
  verdict.state = StateOf(verdict.sent, verdict.complained);
  if (verdict.state == MailGuardState::kOk) return verdict;
  const bool paused = verdict.state == MailGuardState::kPause;
  verdict.why = fmt::format(
      "{} of {} emails to this mail site were reported as unwanted in the last {} days; {} {:.1f} %; {}",
      verdict.complained, verdict.sent, kGuardDays, paused ? "it is paused from" : "this warns from",
      static_cast<double>(paused ? kPausePer10000 : kWarnPer10000) / 100,
      paused ? "find out which campaign, and who did not expect it, before more is sent"
             : "look at who is written to before it becomes a pause");
  return verdict;
}

void AddMailSent(record::v1::MailSiteRow& row, int64_t now_us, int64_t count) {
  auto& day = Today(row, now_us);
  day.set_sent(day.sent() + count);
}

void AddMailComplaint(record::v1::MailSiteRow& row, int64_t now_us, int64_t count) {
  auto& day = Today(row, now_us);
  day.set_complained(day.complained() + count);
}

}  // namespace pharos::dispatch
