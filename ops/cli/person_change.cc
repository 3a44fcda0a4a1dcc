// pharos person timeline, correct, erase, deceased, pause, sensitive: a person's history, and what people
// decide about a person.
#include "fmt/format.h"
#include "ops/cli/find_person.h"
#include "ops/cli/words.h"
#include "pharos/customer/v1/consent_service.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace customer::v1;

constexpr int kPage = 500;

std::vector<Option> With(std::vector<Option> more) {
  std::vector<Option> options = WhoOptions();
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

// ---- timeline

void ShowEvent(Output& out, const TimelineEvent& event) {
  if (out.json()) return out.Json(event);
  std::string line = fmt::format("{}  {}  {}", Time(event.record_time_us()), event.text(), event.subject());
  if (event.event_time_us() != event.record_time_us()) line += ", said of " + Time(event.event_time_us());
  if (!event.principal().empty()) line += ", by " + event.principal();
  out.Data(line);
}

absl::Status ShowTimeline(Context& c) {
  ListTimelineRequest request;
  const std::string named = c.args.Operand(0).empty() ? c.args.Get("person") : c.args.Operand(0);
  request.set_person(Name("people", named));
  if (named.empty()) {
    PHAROS_ASSIGN_OR_RETURN(*request.mutable_person(), FindOnePerson(c));
  }
  for (const std::string& word : CommaWords(c.args.Get("kind"))) {
    PHAROS_ASSIGN_OR_RETURN(const int kind, Enum(TimelineKind_descriptor(), "", word));
    request.add_kinds(static_cast<TimelineKind>(kind));
  }
  if (c.args.Has("audience")) {
    PHAROS_ASSIGN_OR_RETURN(
        const int kind, Enum(type::v1::AudienceKind_descriptor(), "AUDIENCE_KIND_", c.args.Get("audience")));
    request.set_audience_kind(static_cast<type::v1::AudienceKind>(kind));
  }
  if (c.args.Has("as-of")) {
    PHAROS_ASSIGN_OR_RETURN(const int64_t then, ParseTime(c.args.Get("as-of")));
    request.set_as_of_time_us(then);
  }
  request.set_page_size(kPage);
  ListTimelineResponse page;
  return c.client.EachPage(request, &page, [&] {
    for (const TimelineEvent& event : page.events()) ShowEvent(c.out, event);
    return absl::OkStatus();
  });
}

// ---- corrections and erasure

absl::Status Correct(Context& c) {
  CorrectPersonRequest request;
  PHAROS_ASSIGN_OR_RETURN(*request.mutable_person(), FindOnePerson(c, c.args.Operand(0)));
  for (const std::string& given : c.args.All("set")) {
    const size_t equals = given.find('=');
    if (equals == std::string::npos || equals == 0)
      return UsageError(
          "--set needs a field, = and its value: --set family_name=Lamb. An empty value takes a correction "
          "back.");
    (*request.mutable_fields())[given.substr(0, equals)] = given.substr(equals + 1);
  }
  request.set_reason(c.args.Get("reason"));
  Person person;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &person));
  if (c.out.json()) c.out.Json(person);
  c.out.Say(fmt::format("Corrected. \"pharos person show {}\" shows what stands now, and why.",
                        Short(person.name())));
  return absl::OkStatus();
}

absl::Status Erase(Context& c) {
  ErasePersonRequest request;
  PHAROS_ASSIGN_OR_RETURN(*request.mutable_person(), FindOnePerson(c, c.args.Operand(0)));
  if (!c.args.Has("yes")) {
    return UsageError(fmt::format(
        "This erases {} and cannot be undone: names, addresses and everything that any source said. Their "
        "addresses stay "
        "suppressed, so that nobody writes to them again. If that is what was asked for, add --yes.",
        request.person()));
  }
  request.set_reason(c.args.Get("reason"));
  ErasePersonResponse erased;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &erased));
  if (c.out.json()) {
    c.out.Json(erased);
  } else {
    c.out.Data(fmt::format("{} records erased, {} addresses suppressed for ever", erased.records(),
                           erased.endpoints()));
  }
  c.out.Say("Acknowledged: nothing can be sent to this person any more.");
  return absl::OkStatus();
}

// ---- facts

absl::Status State(Context& c, SetPersonFactRequest::Fact fact) {
  SetPersonFactRequest request;
  PHAROS_ASSIGN_OR_RETURN(*request.mutable_person(), FindOnePerson(c, c.args.Operand(0)));
  request.set_fact(fact);
  request.set_holds(!c.args.Has("end"));
  request.set_how(c.args.Get("how"));
  SetPersonFactResponse answer;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &answer));
  c.out.Say(request.holds() ? "In force." : "No longer in force.");
  return absl::OkStatus();
}

Command FactCommand(const std::string& verb, const std::string& summary, const std::string& end,
                    SetPersonFactRequest::Fact fact) {
  return {"person",
          verb,
          "[PERSON]",
          summary,
          {fmt::format("person {} --phone \"07700 900123\" --how \"phone call\"", verb),
           fmt::format("person {} 01jd3v7m8q0000000000000000 --end --how letter", verb)},
          With({{"how", "TEXT", "who says so", true}, {"end", "", end}}),
          [fact](Context& c) { return State(c, fact); }};
}

}  // namespace

std::vector<Command> PersonChangeCommands() {
  return {
      {"person",
       "timeline",
       "[PERSON]",
       "What happened to a person, in all audiences, newest first.",
       {"person timeline --phone \"07700 900123\"",
        "person timeline 01jd3v7m8q0000000000000000 --kind consent-changed,fact-changed --as-of 2026-03-01"},
       With({{"kind", "KINDS",
              "only record-changed, link-changed, consent-changed, fact-changed, role-changed, "
              "identity-decided"},
             {"audience", "KIND", "only as internal, partner or public"},
             {"as-of", "TIME", "as it stood then"}}),
       ShowTimeline},
      {"person",
       "correct",
       "[PERSON]",
       "A correction that no source undoes. An empty value takes it back.",
       {"person correct 01jd3v7m8q0000000000000000 --set family_name=Lamb --reason \"birth certificate\"",
        "person correct 01jd3v7m8q0000000000000000 --set family_name= --reason \"was right before\""},
       With({{"set", "FIELD=VALUE", "field of the golden record and its value; may be given several times",
              true, true},
             {"reason", "TEXT", "why", true}}),
       Correct},
      {"person",
       "erase",
       "[PERSON]",
       "Erase a person for good. Answers when nothing can be sent to them any more.",
       {"person erase 01jd3v7m8q0000000000000000 --reason \"letter of 1 March\" --yes"},
       With({{"reason", "TEXT", "who asked, and how", true}, {"yes", "", "really: it cannot be undone"}}),
       Erase},
      FactCommand("deceased", "The person has died: nothing is sent any more, from this answer on.",
                  "it was wrong: the person lives", SetPersonFactRequest::FACT_DECEASED),
      FactCommand("pause",
                  "Leave the person in peace: nothing but urgent protection is sent, from this answer on.",
                  "the pause is over", SetPersonFactRequest::FACT_PAUSED),
      FactCommand("sensitive",
                  "Restrict the person's addresses to governance, and keep them out of partners' feeds.",
                  "they are no longer restricted", SetPersonFactRequest::FACT_SENSITIVE)};
}

}  // namespace pharos::cli
