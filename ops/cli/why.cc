// pharos why: for one person and campaign, which rule decided, with the evidence, in order.
#include "fmt/format.h"
#include "ops/cli/find_person.h"
#include "ops/cli/words.h"
#include "pharos/audience/v1/audience_service.pb.h"
#include "pharos/campaign/v1/campaign_service.pb.h"
#include "pharos/customer/v1/consent_service.pb.h"
#include "pharos/dispatch/v1/intent_service.pb.h"
#include "pharos/type/v1/gate.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using customer::v1::Person;
using type::v1::GateReason_Name;

constexpr char kStep[] = "1";  // campaigns have one step

absl::StatusOr<campaign::v1::Campaign> GetCampaign(Context& c) {
  campaign::v1::GetCampaignRequest request;
  request.set_name(Name("campaigns", c.args.Get("campaign")));
  campaign::v1::Campaign campaign;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &campaign));
  return campaign;
}

absl::Status TellMembership(Context& c, const campaign::v1::Campaign& campaign, const std::string& person) {
  if (campaign.pin().empty()) {
    c.out.Data("1. Members: not pinned yet; the campaign is a draft.");
    return absl::OkStatus();
  }
  audience::v1::GetMembershipRequest request;
  request.set_campaign(campaign.name());
  request.set_person(person);
  audience::v1::Membership membership;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &membership));
  if (c.out.json()) {
    c.out.Json(membership);
  } else if (!membership.matched()) {
    c.out.Data(fmt::format("1. Members: not matched by {} when the members were pinned ({}).",
                           campaign.audience(), membership.pin()));
  } else if (membership.reason() == type::v1::ALLOW) {
    c.out.Data(fmt::format("1. Members: a member of {}.", membership.pin()));
  } else {
    std::string reason = GateReason_Name(membership.reason());
    c.out.Data(
        fmt::format("1. Members: left out of {}: {} [{}].", membership.pin(), ReasonInWords(reason), reason));
  }
  return absl::OkStatus();
}

std::string Evidence(const customer::v1::ListConsentEntriesResponse& ledger, const std::string& name) {
  for (const auto& entry : ledger.entries()) {
    if (entry.name() != name) continue;
    return fmt::format("{} on {} by {} ({}), on {}",
                       EnumWord(type::v1::EntryKind_descriptor(), "", entry.kind()),
                       Time(entry.event_time_us()), entry.how(), entry.principal(), entry.record());
  }
  return name;
}

absl::Status TellJudgement(Context& c, const campaign::v1::Campaign& campaign, const std::string& person) {
  customer::v1::JudgePersonRequest request;
  request.set_person(person);
  request.set_purpose(campaign.purpose());
  *request.mutable_channels() = campaign.channels();
  customer::v1::Judgement judgement;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &judgement));
  if (c.out.json()) {
    c.out.Json(judgement);
    return absl::OkStatus();
  }
  customer::v1::ListConsentEntriesRequest entries;
  entries.set_person(person);
  customer::v1::ListConsentEntriesResponse ledger;
  if (!c.client.Call(entries, &ledger).ok())
    c.out.Say("   (You may not read the consent ledger: evidence is shown by name.)");
  std::string reason = GateReason_Name(judgement.reason());
  c.out.Data(
      fmt::format("2. The gate now, for {}: {} [{}].", campaign.purpose(), ReasonInWords(reason), reason));
  for (const auto& candidate : judgement.candidates()) {
    std::string verdict = GateReason_Name(candidate.reason());
    c.out.Data(fmt::format(
        "   {} {}: {} [{}]{}", EnumWord(type::v1::Channel_descriptor(), "CHANNEL_", candidate.channel()),
        candidate.endpoint().empty() ? "(none)" : candidate.endpoint(), ReasonInWords(verdict), verdict,
        candidate.evidence().empty() ? "" : ", because: " + Evidence(ledger, candidate.evidence())));
  }
  return absl::OkStatus();
}

absl::Status TellIntent(Context& c, const campaign::v1::Campaign& campaign, const std::string& person) {
  dispatch::v1::GetIntentRequest request;
  request.set_name(fmt::format("{}/intents/{}-{}", campaign.name(), kStep, Short(person)));
  dispatch::v1::Intent intent;
  absl::Status status = c.client.Call(request, &intent);
  if (absl::IsNotFound(status)) {
    if (!c.out.json()) c.out.Data("3. Message: none was planned.");
    return absl::OkStatus();
  }
  PHAROS_RETURN_IF_ERROR(status);
  if (c.out.json()) {
    c.out.Json(intent);
    return absl::OkStatus();
  }
  c.out.Data(fmt::format("3. Message: {}{}.", StateInWords(IntentState_Name(intent.state())),
                         intent.reason().empty()
                             ? ""
                             : fmt::format(": {} [{}]", ReasonInWords(intent.reason()), intent.reason())));
  for (const auto& event : intent.events()) {
    c.out.Data(fmt::format("   {}  {}{}", Time(event.time_us()),
                           StateInWords(IntentState_Name(event.state())),
                           event.reason().empty() ? "" : ": " + ReasonInWords(event.reason())));
  }
  return absl::OkStatus();
}

// Marketing may ask why without the right to read people: then the id given must do.
absl::StatusOr<std::vector<Person>> Whom(Context& c) {
  auto people = FindPeople(c, customer::v1::PERSON_VIEW_BASIC);
  if (!absl::IsPermissionDenied(people.status()) || !c.args.Has("person")) return people;
  Person person;
  person.set_name(Name("people", c.args.Get("person")));
  return std::vector<Person>{person};
}

absl::Status Why(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(auto campaign, GetCampaign(c));
  PHAROS_ASSIGN_OR_RETURN(auto people, Whom(c));
  for (const Person& person : people) {
    if (!c.out.json()) c.out.Data(c.out.Bold(fmt::format("{} and {}", person.name(), campaign.name())));
    // A person linked since the launch may have had the message under an earlier id.
    std::vector<std::string> names(person.former_names().begin(), person.former_names().end());
    names.insert(names.begin(), person.name());
    PHAROS_RETURN_IF_ERROR(TellMembership(c, campaign, person.name()));
    PHAROS_RETURN_IF_ERROR(TellJudgement(c, campaign, person.name()));
    for (const std::string& name : names) PHAROS_RETURN_IF_ERROR(TellIntent(c, campaign, name));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> WhyCommands() {
  std::vector<Option> options = WhoOptions();
  options.insert(options.begin(), {"campaign", "CAMPAIGN", "which campaign", true});
  return {
      {"why",
       "",
       "",
       "Why a person got a campaign's message, or did not: rule, evidence and history, in order.",
       {"why --campaign quit-1 --phone \"07700 900123\"", "why --campaign quit-1 --person 01jd3v7m8q --json"},
       options,
       Why}};
}

}  // namespace pharos::cli
