// All that happened to one person, and whether and why a message may go.
#include <fmt/format.h>

#include "pharos/customer/v1/purpose_service.pb.h"
#include "services/base/errors.h"
#include "services/edge/console/people_pages.h"
#include "services/edge/console/people_words.h"

namespace pharos::edge::console {

namespace v1 = customer::v1;

namespace {

constexpr int kEvents = 50;  // on a page of the timeline

Model KindFilter(const std::string& chosen) {
  FormPage page;
  Field kind{Field::Kind::kSelect, "kind", "Show", ""};
  kind.choices = {{"", "Everything", ""}};
  for (int i = v1::RECORD_CHANGED; i <= v1::IDENTITY_DECIDED; ++i) {
    const auto each = static_cast<v1::TimelineKind>(i);
    kind.choices.push_back({v1::TimelineKind_Name(each), TimelineKindInWords(each), ""});
  }
  kind.value = chosen;
  page.fields = {kind};
  return ModelOf(page)["fields"];
}

std::string Subject(const std::string& subject) {
  return subject.starts_with("sources/") ? RecordInWords(subject) : IdOf(subject);
}

absl::StatusOr<Reply> ShowTimeline(Visit& visit) {
  Reply ask;
  if (!KnowsPurpose(visit, ask)) return ask;
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  const std::string chosen = visit.query.Get("kind");
  v1::ListTimelineRequest request;
  request.set_person(person.name());
  request.set_page_size(kEvents);
  request.set_page_token(visit.query.Get("page"));
  v1::TimelineKind kind;
  if (v1::TimelineKind_Parse(chosen, &kind)) request.add_kinds(kind);
  v1::ListTimelineResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  Section section;
  Table table{"Newest first",
              Heads({"Happened", "What", "About", "Who", "Kind", "Learnt"}),
              {},
              "Nothing of this kind has happened."};
  for (const v1::TimelineEvent& event : response.events())
    table.rows.push_back({{MomentInWords(event.event_time_us())},
                          {event.text()},
                          {Subject(event.subject())},
                          {event.principal().empty() ? "A feed" : IdOf(event.principal())},
                          {TimelineKindInWords(event.kind())},
                          {MomentInWords(event.record_time_us())}});
  section.tables = {table};
  Model model = PersonModel(person, "timeline", {section});
  model["filter"] = KindFilter(chosen);
  AddNextPage(model,
              chosen.empty()
                  ? PersonPath(person.name(), "timeline")
                  : fmt::format("{}?kind={}", PersonPath(person.name(), "timeline"), EscapeForUrl(chosen)),
              response.next_page_token());
  AddCopyAs(model, fmt::format("pharos person timeline {}", IdOf(person.name())),
            "customer.v1.PersonService/ListTimeline", fmt::format(R"({{"person": "{}"}})", person.name()));
  return Show("sections", std::move(model));
}

Row RowOf(const v1::Judgement::Candidate& candidate, const v1::Person& person) {
  std::string address = "None";
  for (const v1::Endpoint& endpoint : person.endpoints()) {
    if (endpoint.name() != candidate.endpoint()) continue;
    const bool mail = candidate.channel() == type::v1::CHANNEL_EMAIL;
    address =
        endpoint.address().empty() ? "Not shown" : ValueInWords(mail ? "email" : "phone", endpoint.address());
  }
  return {{address},
          {ChannelInWords(candidate.channel())},
          {VerdictInWords(candidate.reason())},
          {IdOf(candidate.evidence())}};
}

absl::StatusOr<Section> Judged(const Visit& visit, const v1::Person& person, const v1::Purpose& purpose) {
  v1::JudgePersonRequest request;
  request.set_person(person.name());
  request.set_purpose(purpose.name());
  request.add_channels(type::v1::CHANNEL_SMS);
  request.add_channels(type::v1::CHANNEL_EMAIL);
  v1::Judgement judgement;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &judgement));
  Section section;
  section.heading = purpose.display_name().empty() ? IdOf(purpose.name()) : purpose.display_name();
  section.paragraphs = {VerdictInWords(judgement.reason())};
  Table table{"Each number and address, as tried",
              Heads({"Number or address", "By", "Verdict", "What decided"}),
              {},
              "Nothing was tried."};
  for (const auto& candidate : judgement.candidates()) table.rows.push_back(RowOf(candidate, person));
  section.tables = {table};
  return section;
}

Section Order() {
  Section section;
  Table table{
      "In which order it is looked at: the first that applies decides", Heads({"Rule", "In words"}), {}, ""};
  for (int i = type::v1::DECEASED; i <= type::v1::ALLOW; ++i) {
    const auto reason = static_cast<type::v1::GateReason>(i);
    table.rows.push_back(
        {{fmt::format("{}. {}", i, type::v1::GateReason_Name(reason))}, {VerdictInWords(reason)}});
  }
  section.tables = {table};
  return section;
}

absl::StatusOr<Reply> ShowWhy(Visit& visit) {
  Reply ask;
  if (!KnowsPurpose(visit, ask)) return ask;
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  v1::ListPurposesRequest request;
  request.set_page_size(1'000);
  v1::ListPurposesResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  std::vector<Section> sections;
  for (const v1::Purpose& purpose : response.purposes()) {
    if (purpose.retire_time_us() != 0) continue;
    PHAROS_ASSIGN_OR_RETURN(Section section, Judged(visit, person, purpose));
    sections.push_back(std::move(section));
  }
  sections.push_back(Order());
  Model model = PersonModel(person, "why", sections);
  AddCopyAs(model, fmt::format("pharos why --campaign CAMPAIGN --person {}", IdOf(person.name())),
            "customer.v1.PersonService/JudgePerson",
            fmt::format(R"({{"person": "{}", "purpose": "purposes/PURPOSE", "channels": ["CHANNEL_SMS"]}})",
                        person.name()));
  return Show("sections", std::move(model));
}

}  // namespace

void AddPersonHistoryPages(Routes& routes) {
  routes.Get("/console/people/{}/timeline", "people.read_personal", &ShowTimeline);
  routes.Get("/console/people/{}/why", "people.judge", &ShowWhy);
}

}  // namespace pharos::edge::console
