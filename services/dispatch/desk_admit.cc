// Which message may be tried now, before a permit is asked for: hours and days, the canary, paces of routes,
// senders, mail sites and campaigns. What must wait stays PENDING; nothing is dropped here.
#include <fmt/format.h>

#include <algorithm>

#include "services/base/ids.h"
#include "services/base/log.h"
#include "services/dispatch/calendar.h"
#include "services/dispatch/canary.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/mail_site.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

using type::v1::Nation;

constexpr int64_t kCanaryLookMicros = 200'000;
constexpr int64_t kShowMicros = 200'000;
constexpr int64_t kRouteWaitMicros = 1'000'000;  // a message that only one connector may carry looks again
constexpr int64_t kGuardWaitMicros = int64_t{3600} * 1'000'000;  // a mail site with too many complaints
// How fast messages come back to a mail site that asked to be left alone, where the settings name no pace.
constexpr double kBackPerSecond = 100;
// Nobody waits in a site's line for longer before looking again: it may have become shorter.
constexpr int64_t kMostLineMicros = int64_t{900} * 1'000'000;
constexpr size_t kMostSites = 65'536;  // held or with a line, each; past it a hold costs one refusal more
constexpr Nation kNations[] = {type::v1::ENGLAND, type::v1::WALES, type::v1::SCOTLAND,
                               type::v1::NORTHERN_IRELAND};

std::string SenderOf(const type::v1::CampaignManifest& manifest, int channel) {
  for (const auto& route : manifest.routes()) {
    if (route.channel() == channel) return route.sender();
  }
  return "";
}

// Somebody somewhere may get it now.
bool IsOpenSomewhere(const type::v1::CampaignManifest& manifest, int64_t now_us) {
  if (!manifest.has_rules()) return true;
  return std::any_of(std::begin(kNations), std::end(kNations),
                     [&](Nation nation) { return IsOpen(manifest.rules(), nation, now_us); });
}

record::v1::IntentKey OnlyStep(const std::string& campaign) {
  record::v1::IntentKey key;
  key.set_campaign(campaign);
  key.set_step("1");
  return key;
}

}  // namespace

bool Desk::Admit(Turn& turn, const Session& session, const std::string& campaign, bool canary) {
  if (!MayGo(campaign)) return false;
  const Step* step = StepOf(turn, OnlyStep(campaign));
  if (step != nullptr && campaign != kConfirmations) {
    if (!IsOpenSomewhere(step->manifest, turn.now_us)) return false;
    if (!MayLeave(PhaseOf(step->canary), canary)) return false;
    const double most = step->manifest.rules().most_per_second();
    if (most > 0 && !paces_.MayTake(campaign, most, 1, clock_.BootMicros())) return false;
  }
  if (!RouteIsFree(session, step, clock_.BootMicros())) return false;
  CountPaces(session, step, campaign, 1);
  return true;
}

bool Desk::RouteIsFree(const Session& session, const Step* step, int64_t boot_us) {
  const std::string& connector = session.hello.connector();
  const RouteSettings& route = settings_.RouteOf(connector);
  if (route.per_second > 0 && !paces_.MayTake(connector, route.per_second, 1, boot_us)) return false;
  if (route.per_sender_second <= 0 || step == nullptr) return true;
  const std::string sender = connector + "\n" + SenderOf(step->manifest, session.hello.channel());
  return paces_.MayTake(sender, route.per_sender_second, 1, boot_us);
}

void Desk::CountPaces(const Session& session, const Step* step, const std::string& campaign, double parts) {
  const int64_t boot = clock_.BootMicros();
  const std::string& connector = session.hello.connector();
  const RouteSettings& route = settings_.RouteOf(connector);
  if (route.per_second > 0) paces_.Take(connector, route.per_second, parts, boot);
  if (step == nullptr) return;
  if (route.per_sender_second > 0) {
    const std::string sender = connector + "\n" + SenderOf(step->manifest, session.hello.channel());
    paces_.Take(sender, route.per_sender_second, parts, boot);
  }
  const double most = step->manifest.rules().most_per_second();
  if (most > 0 && campaign != kConfirmations) paces_.Take(campaign, most, parts, boot);
}

void Desk::GiveBackPace(Turn& turn, const Session& session, const std::string& campaign) {
  CountPaces(session, StepOf(turn, OnlyStep(campaign)), campaign, -1);
}

std::optional<int64_t> Desk::WaitUntil(Turn& turn, const Session& session, const Step& step,
                                       const record::v1::IntentRow& intent) {
  const std::string& connector = session.hello.connector();
  if (!intent.only_connector().empty() && intent.only_connector() != connector)
    return turn.now_us + kRouteWaitMicros;
  if (step.manifest.has_rules() && intent.nation() != type::v1::NATION_UNSPECIFIED) {
    const int64_t open = NextOpen(step.manifest.rules(), static_cast<Nation>(intent.nation()), turn.now_us);
    if (open > turn.now_us) return open;
  }
  if (intent.mail_site().empty()) return std::nullopt;
  const int64_t boot = clock_.BootMicros();
  const std::string site = connector + "\n" + intent.mail_site();
  int64_t free = boot;
  if (const auto hold = site_hold_.find(site); hold != site_hold_.end()) free = std::max(free, hold->second);
  const double most = settings_.RouteOf(connector).per_domain_second;
  if (most > 0) free = std::max(free, paces_.WhenFree("site\n" + site, most, 1, boot));
  if (step.manifest.purpose_class() != type::v1::PURPOSE_CLASS_URGENT &&
      MailGuard(MailSiteRowOf(turn, intent.mail_site()), turn.now_us).state == MailGuardState::kPause)
    free = std::max(free, boot + kGuardWaitMicros);
  if (free > boot) return turn.now_us + (PlaceInLine(site, most, free) - boot);
  return std::nullopt;
}

// Those who wait for one site come back one after the other at its pace, not all at the moment at which it is
// free again.
int64_t Desk::PlaceInLine(const std::string& site, double per_second, int64_t free_us) {
  if (site_line_.size() >= kMostSites) {
    const int64_t boot = clock_.BootMicros();
    std::erase_if(site_line_, [boot](const auto& line) { return line.second <= boot; });
  }
  if (site_line_.size() >= kMostSites) return free_us;
  int64_t& last = site_line_[site];
  const double rate = per_second > 0 ? per_second : kBackPerSecond;
  last = std::max(free_us, last + static_cast<int64_t>(1e6 / rate));
  if (last - free_us > kMostLineMicros) last = free_us;
  return last;
}

// True: it must wait after all.
bool Desk::Learn(Turn& turn, const Session& session, const Step& step,
                 const customer::internal::v1::Grant& grant, record::v1::IntentRow& intent) {
  intent.set_nation(grant.nation());
  if (intent.channel() == type::v1::CHANNEL_EMAIL) intent.set_mail_site(SiteOf(grant.address()));
  // Where the nation is not known, what is closed anywhere is closed.
  std::optional<int64_t> wait;
  if (step.manifest.has_rules()) {
    const int64_t open = NextOpen(step.manifest.rules(), grant.nation(), turn.now_us);
    if (open > turn.now_us) wait = open;
  }
  if (!wait) wait = WaitUntil(turn, session, step, intent);
  if (!wait) {
    const RouteSettings& route = settings_.RouteOf(session.hello.connector());
    if (!intent.mail_site().empty() && route.per_domain_second > 0) {
      paces_.Take("site\n" + session.hello.connector() + "\n" + intent.mail_site(), route.per_domain_second,
                  1, clock_.BootMicros());
    }
    return false;
  }
  intents_.PutOff(turn, intent, *wait);
  return true;
}

std::string Desk::SiteOf(const std::string& address) const {
  std::string site = MailSite(address);
  if (IsWellKnown(site)) return site;
  return base::ToHex(reference_key_.Of("mail-site", site).substr(0, 8));
}

void Desk::HoldSite(const std::string& connector, const std::string& site, int64_t until_us) {
  if (site.empty()) return;
  if (site_hold_.size() >= kMostSites) {
    const int64_t boot = clock_.BootMicros();
    std::erase_if(site_hold_, [boot](const auto& hold) { return hold.second <= boot; });
  }
  if (site_hold_.size() >= kMostSites) return;
  int64_t& until = site_hold_[connector + "\n" + site];
  until = std::max(until, until_us);
}

// Every change of an intent's state passes here.
void Desk::OnMove(Turn& turn, const record::v1::IntentRow& intent, State from, State to) {
  if (to == State::kPending) ready_.Noted(intent);
  if (from == State::kUnconfirmed && !intent.connector().empty()) {
    // Not below 0: what waited to be sent again after a doubt is not counted again at a start.
    int32_t& unconfirmed = RouteOf(intent.connector()).unconfirmed;
    unconfirmed = std::max(0, unconfirmed - 1);
  }
  if (to == State::kUnconfirmed) ++RouteOf(intent.connector()).unconfirmed;
  if (!intent.canary()) return;
  const auto gone = [](State state) { return state != State::kPending && state != State::kInFlight; };
  if (to == State::kWithheld) return CountCanaryOf(turn, intent, CanaryEvent::kWithheld);
  if (!gone(from) && gone(to)) CountCanaryOf(turn, intent, CanaryEvent::kLeft);
  if (gone(from) && !gone(to)) CountCanaryOf(turn, intent, CanaryEvent::kReturned);
  if (from != State::kFailed && to == State::kFailed) CountCanaryOf(turn, intent, CanaryEvent::kFailed);
  if (from == State::kFailed && to != State::kFailed) CountCanaryOf(turn, intent, CanaryEvent::kNotFailed);
}

void Desk::CountCanaryOf(Turn& turn, const record::v1::IntentRow& intent, CanaryEvent event) {
  Step* step = MutableStepOf(turn, intent.key());
  if (step == nullptr) return;
  CountCanary(step->canary, event, turn.now_us);
  storage::PutRecord(turn.tx, CanaryKey(intent.key().campaign(), intent.key().step()), step->canary);
}

void Desk::LookAtCanaries(Turn& turn) {
  const int64_t boot = clock_.BootMicros();
  if (boot - canaries_at_us_ < kCanaryLookMicros) return;
  canaries_at_us_ = boot;
  for (auto& [name, step] : steps_) {
    const CanaryPhase phase = PhaseOf(step.canary);
    if (phase != CanaryPhase::kSending && phase != CanaryPhase::kWaiting) continue;
    const CanaryDecision decision = DecideCanary(step.canary, step.manifest.rules(), turn.now_us);
    if (!ApplyCanary(step.canary, decision)) continue;
    storage::PutRecord(turn.tx, CanaryKey(step.row.campaign(), step.row.step()), step.canary);
    if (decision.phase == CanaryPhase::kHeld)
      base::Log(base::LogLevel::kWarning, "dispatch.canary_held", {{"campaign", step.row.campaign()}});
  }
}

// A person has looked at the held canary and says go on.
void Desk::ResumeCanaries(Turn& turn, const std::string& campaign) {
  Step* step = MutableStepOf(turn, OnlyStep(campaign));
  if (step == nullptr || !ResumeCanary(step->canary)) return;
  storage::PutRecord(turn.tx, CanaryKey(campaign, step->row.step()), step->canary);
}

std::string Desk::WhyHeld(Turn& turn, const Step& step) {
  const CanaryPhase phase = PhaseOf(step.canary);
  if (phase == CanaryPhase::kHeld) return step.canary.verdict();
  if (phase == CanaryPhase::kWaiting) return "the canary is out; the rest waits to see how it is received";
  if (!IsOpenSomewhere(step.manifest, turn.now_us)) {
    return step.manifest.rules().working_days_only() ? "outside the hours and working days of this campaign"
                                                     : "quiet hours of this campaign";
  }
  std::string why;
  for (const auto& route : step.manifest.routes()) {
    const auto unused = unused_why_.find(route.channel());
    if (unused == unused_why_.end() || unused->second.empty()) return "";
    why += (why.empty() ? "" : "; ") + unused->second;
  }
  return why;
}

// For other threads to read.
void Desk::ShowHeld(Turn& turn) {
  const int64_t boot = clock_.BootMicros();
  if (boot - held_at_us_ < kShowMicros) return;
  held_at_us_ = boot;
  std::map<std::string, std::string> held;
  for (const auto& [name, step] : steps_) {
    const std::string& campaign = step.row.campaign();
    if (campaign == kConfirmations || !MayGo(campaign)) continue;
    if (intents_.Tally(turn, campaign).pending() == 0) continue;
    if (std::string why = WhyHeld(turn, step); !why.empty()) held[campaign] = std::move(why);
  }
  base::MutexLock lock(held_mutex_);
  held_ = std::move(held);
}

std::string Desk::HeldWhy(const std::string& campaign) const {
  base::MutexLock lock(held_mutex_);
  const auto at = held_.find(campaign);
  return at == held_.end() ? "" : at->second;
}

}  // namespace pharos::dispatch
