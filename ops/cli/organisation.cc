// pharos organisation, pharos role: partner bodies, and who holds what at them.
#include "fmt/format.h"
#include "ops/cli/find_person.h"
#include "ops/cli/organisation_load.h"
#include "ops/cli/words.h"
#include "pharos/customer/v1/organisation_service.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace customer::v1;

constexpr int kPage = 1000;

void ShowOrganisation(Output& out, const Organisation& o) {
  if (out.json()) return out.Json(o);
  std::string line = fmt::format("{}  {}, {}", o.name(), o.display_name(),
                                 EnumWord(OrganisationKind_descriptor(), "", o.kind()));
  if (!o.code().empty()) line += ", code " + o.code();
  if (!o.area().empty()) line += ", area " + o.area();
  if (o.subscriber_kind() != SUBSCRIBER_KIND_UNSPECIFIED)
    line += fmt::format(", {} subscriber", EnumWord(SubscriberKind_descriptor(), "", o.subscriber_kind()));
  if (!o.mail_domains().empty()) line += fmt::format(", mail at {}", fmt::join(o.mail_domains(), ", "));
  if (!o.parent().empty()) line += ", part of " + o.parent();
  if (o.close_time_us() > 0) line += ", closed " + Time(o.close_time_us());
  if (!o.successor().empty()) line += ", followed by " + o.successor();
  out.Data(line);
}

// Sets what the command line gives; the rest stays.
absl::Status SetOrganisation(const Args& args, Organisation& o) {
  if (args.Has("display-name")) o.set_display_name(args.Get("display-name"));
  if (args.Has("code")) o.set_code(args.Get("code"));
  if (args.Has("parent")) o.set_parent(Name("organisations", args.Get("parent")));
  if (args.Has("successor")) o.set_successor(Name("organisations", args.Get("successor")));
  if (args.Has("kind")) {
    std::string word = args.Get("kind") == "other" ? "other-organisation" : args.Get("kind");
    PHAROS_ASSIGN_OR_RETURN(int kind, Enum(OrganisationKind_descriptor(), "", word));
    o.set_kind(static_cast<OrganisationKind>(kind));
  }
  if (args.Has("area")) o.set_area(args.Get("area"));
  if (args.Has("mail-domain")) {
    o.clear_mail_domains();
    for (const std::string& domain : args.All("mail-domain")) o.add_mail_domains(domain);
  }
  if (args.Has("subscriber")) {
    PHAROS_ASSIGN_OR_RETURN(int kind, Enum(SubscriberKind_descriptor(), "", args.Get("subscriber")));
    o.set_subscriber_kind(static_cast<SubscriberKind>(kind));
  }
  if (args.Has("closed")) {
    PHAROS_ASSIGN_OR_RETURN(int64_t closed, ParseTime(args.Get("closed")));
    o.set_close_time_us(closed);
  }
  return absl::OkStatus();
}

absl::Status Create(Context& c) {
  CreateOrganisationRequest request;
  request.set_organisation_id(c.args.Operand(0));
  PHAROS_RETURN_IF_ERROR(SetOrganisation(c.args, *request.mutable_organisation()));
  Organisation made;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &made));
  ShowOrganisation(c.out, made);
  return absl::OkStatus();
}

absl::StatusOr<Organisation> Read(Context& c) {
  GetOrganisationRequest request;
  request.set_name(Name("organisations", c.args.Operand(0)));
  Organisation found;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &found));
  return found;
}

absl::Status Get(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(Organisation found, Read(c));
  ShowOrganisation(c.out, found);
  return absl::OkStatus();
}

absl::Status Update(Context& c) {
  UpdateOrganisationRequest request;
  PHAROS_ASSIGN_OR_RETURN(*request.mutable_organisation(), Read(c));
  PHAROS_RETURN_IF_ERROR(SetOrganisation(c.args, *request.mutable_organisation()));
  if (c.args.Has("etag")) request.mutable_organisation()->set_etag(c.args.Get("etag"));
  Organisation updated;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &updated));
  ShowOrganisation(c.out, updated);
  return absl::OkStatus();
}

absl::Status List(Context& c) {
  ListOrganisationsRequest request;
  request.set_page_size(kPage);
  ListOrganisationsResponse page;
  return c.client.EachPage(request, &page, [&] {
    for (const Organisation& o : page.organisations()) ShowOrganisation(c.out, o);
    return absl::OkStatus();
  });
}

// ---- roles

void ShowRole(Output& out, const Role& role) {
  if (out.json()) return out.Json(role);
  std::string until = role.end_time_us() > 0 ? ", until " + Time(role.end_time_us()) : "";
  out.Data(fmt::format("{}  {}  {}, from {}{}", role.name(), role.person(), role.title(),
                       Time(role.start_time_us()), until));
}

absl::Status Assign(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(auto people, FindPeople(c, PERSON_VIEW_BASIC));
  if (people.size() != 1)
    return UsageError(fmt::format("{} people have that. Say whom with --person.", people.size()));
  AssignRoleRequest request;
  request.set_parent(Name("organisations", c.args.Operand(0)));
  request.set_person(people[0].name());
  request.set_title(c.args.Get("title"));
  if (c.args.Has("from")) {
    PHAROS_ASSIGN_OR_RETURN(int64_t start, ParseTime(c.args.Get("from")));
    request.set_start_time_us(start);
  }
  Role role;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &role));
  ShowRole(c.out, role);
  return absl::OkStatus();
}

absl::Status EndOfRole(Context& c) {
  EndRoleRequest request;
  request.set_name(c.args.Operand(0));
  if (c.args.Has("at")) {
    PHAROS_ASSIGN_OR_RETURN(int64_t end, ParseTime(c.args.Get("at")));
    request.set_end_time_us(end);
  }
  Role role;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &role));
  ShowRole(c.out, role);
  return absl::OkStatus();
}

absl::Status ListAllRoles(Context& c) {
  ListRolesRequest request;
  request.set_parent(Name("organisations", c.args.Operand(0)));
  request.set_show_ended(c.args.Has("ended"));
  request.set_page_size(kPage);
  ListRolesResponse page;
  return c.client.EachPage(request, &page, [&] {
    for (const Role& role : page.roles()) ShowRole(c.out, role);
    return absl::OkStatus();
  });
}

absl::Status FindHolders(Context& c) {
  FindRoleHoldersRequest request;
  request.set_parent(Name("organisations", c.args.Operand(0)));
  request.set_title(c.args.Get("title"));
  request.set_below(c.args.Has("below"));
  if (c.args.Has("at")) {
    PHAROS_ASSIGN_OR_RETURN(int64_t time, ParseTime(c.args.Get("at")));
    request.set_at_time_us(time);
  }
  ListRolesResponse roles;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &roles));
  for (const Role& role : roles.roles()) ShowRole(c.out, role);
  if (roles.roles().empty()) c.out.Say("Nobody holds that there then.");
  return absl::OkStatus();
}

std::vector<Option> OrganisationOptions(bool create) {
  std::vector<Option> options = {
      {"display-name", "TEXT", "its name", create},
      {"kind", "KIND",
       "council, gp-practice, nhs-trust, charity, education, pharmacy, company, government, site or other",
       create},
      {"code", "CODE", "its code in its register (ODS, GSS, charity number)"},
      {"parent", "ORGANISATION", "what it belongs to"},
      {"successor", "ORGANISATION", "what took over when it closed"},
      {"area", "CODE", "area that it serves or stands in, e.g. a GSS code"},
      {"subscriber", "KIND", "corporate or individual, as PECR regulation 22 asks; else individual"},
      {"mail-domain", "DOMAIN", "a mail domain of its own; may be given several times", false, true}};
  if (create) return options;
  options.push_back({"closed", "TIME", "when it closed, e.g. 2026-03-31"});
  options.push_back({"etag", "ETAG", "refuse if it is not this version any more"});
  return options;
}

std::vector<Option> AssignOptions() {
  std::vector<Option> options = WhoOptions();
  options.push_back({"title", "TEXT", "what, e.g. \"Director of Public Health\"", true});
  options.push_back({"from", "TIME", "since when; else now"});
  return options;
}

}  // namespace

std::vector<Command> OrganisationCommands() {
  return {
      {"organisation",
       "create",
       "ID",
       "Register a partner body.",
       {"organisation create leeds --display-name \"Leeds City Council\" --kind council --code E08000035"},
       OrganisationOptions(true),
       Create},
      {"organisation", "get", "ID", "One organisation.", {"organisation get leeds"}, {}, Get},
      {"organisation", "list", "", "All organisations.", {"organisation list"}, {}, List},
      {"organisation",
       "update",
       "ID",
       "Change what is given; the rest stays.",
       {"organisation update old-trust --closed 2026-03-31 --successor new-trust"},
       OrganisationOptions(false),
       Update},
      OrganisationLoadCommand(),
      {"role",
       "find",
       "ORGANISATION",
       "Whoever holds a role there, at its successor, or below it: for writing to the role, not the person.",
       {"role find leeds --title DPH",
        "role find old-trust --title \"Medical Director\" --below --at 2026-03-01"},
       {{"title", "TEXT", "the role; initials count (DPH)", true},
        {"below", "", "also at its sites and everything under it"},
        {"at", "TIME", "who held it then; else now"}},
       FindHolders},
      {"role",
       "assign",
       "ORGANISATION",
       "A person holds a role there.",
       {"role assign leeds --email ann@leeds.example --title \"Director of Public Health\" --from "
        "2026-01-01"},
       AssignOptions(),
       Assign},
      {"role",
       "end",
       "ROLE",
       "The role ends; it stays in the list with its dates.",
       {"role end organisations/leeds/roles/01jd3v7m8q0000000000000000 --at 2026-03-31"},
       {{"at", "TIME", "when; else now"}},
       EndOfRole},
      {"role",
       "list",
       "ORGANISATION",
       "Who holds what there, oldest first.",
       {"role list leeds"},
       {{"ended", "", "ended roles too"}},
       ListAllRoles}};
}

}  // namespace pharos::cli
