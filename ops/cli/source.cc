// pharos source, pharos purpose: what must be registered before people and campaigns come.
#include "fmt/format.h"
#include "ops/cli/command.h"
#include "ops/cli/words.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/customer/v1/source_service.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace customer::v1;

absl::StatusOr<int> Trust(const std::string& word) {
  char* end = nullptr;
  long value = std::strtol(word.c_str(), &end, 10);
  if (word.empty() || *end != '\0' || value < 0 || value > 100)
    return UsageError("Trust is a number from 0 to 100.");
  return static_cast<int>(value);
}

absl::Status SetFieldTrust(const Args& args, Source& source) {
  for (const std::string& pair : args.All("field-trust")) {
    size_t equals = pair.find('=');
    if (equals == std::string::npos) return UsageError("--field-trust is FIELD=0…100, e.g. email=80.");
    PHAROS_ASSIGN_OR_RETURN((*source.mutable_field_trust())[pair.substr(0, equals)],
                            Trust(pair.substr(equals + 1)));
  }
  return absl::OkStatus();
}

void ShowSource(Output& out, const Source& source) {
  if (out.json()) return out.Json(source);
  out.Data(
      fmt::format("{}  {} people, trust {}{}", source.name(),
                  EnumWord(type::v1::AudienceKind_descriptor(), "AUDIENCE_KIND_", source.audience_kind()),
                  source.trust(), source.owner().empty() ? "" : ", owner " + source.owner()));
}

absl::Status CreateSource(Context& c) {
  CreateSourceRequest request;
  request.set_source_id(c.args.Operand(0));
  Source& source = *request.mutable_source();
  PHAROS_ASSIGN_OR_RETURN(int kind,
                          Enum(type::v1::AudienceKind_descriptor(), "AUDIENCE_KIND_", c.args.Get("kind")));
  PHAROS_ASSIGN_OR_RETURN(int trust, Trust(c.args.Get("trust", "50")));
  source.set_audience_kind(static_cast<type::v1::AudienceKind>(kind));
  source.set_display_name(c.args.Get("display-name", c.args.Operand(0)));
  source.set_owner(c.args.Get("owner"));
  source.set_trust(trust);
  PHAROS_RETURN_IF_ERROR(SetFieldTrust(c.args, source));
  Source made;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &made));
  ShowSource(c.out, made);
  c.out.Say(fmt::format("Next: pharos import FILE --source {}", Short(made.name())));
  return absl::OkStatus();
}

absl::Status GetSource(Context& c) {
  GetSourceRequest request;
  request.set_name(Name("sources", c.args.Operand(0)));
  Source source;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &source));
  ShowSource(c.out, source);
  return absl::OkStatus();
}

absl::Status ListSources(Context& c) {
  ListSourcesRequest request;
  ListSourcesResponse page;
  return c.client.EachPage(request, &page, [&] {
    for (const Source& source : page.sources()) ShowSource(c.out, source);
    return absl::OkStatus();
  });
}

void ShowPurpose(Output& out, const Purpose& purpose) {
  if (out.json()) return out.Json(purpose);
  out.Data(
      fmt::format("{}  {}, basis {}, controller {}", purpose.name(),
                  EnumWord(type::v1::PurposeClass_descriptor(), "PURPOSE_CLASS_", purpose.purpose_class()),
                  EnumWord(type::v1::LawfulBasis_descriptor(), "LAWFUL_BASIS_", purpose.lawful_basis()),
                  purpose.controller()) +
      (purpose.version() > 1 ? fmt::format(", version {}", purpose.version()) : "") +
      (purpose.retire_time_us() > 0 ? ", retired " + Time(purpose.retire_time_us()) : ""));
}

absl::Status CreatePurpose(Context& c) {
  CreatePurposeRequest request;
  request.set_purpose_id(c.args.Operand(0));
  Purpose& purpose = *request.mutable_purpose();
  PHAROS_ASSIGN_OR_RETURN(int purpose_class,
                          Enum(type::v1::PurposeClass_descriptor(), "PURPOSE_CLASS_", c.args.Get("class")));
  PHAROS_ASSIGN_OR_RETURN(int basis,
                          Enum(type::v1::LawfulBasis_descriptor(), "LAWFUL_BASIS_", c.args.Get("basis")));
  purpose.set_purpose_class(static_cast<type::v1::PurposeClass>(purpose_class));
  purpose.set_lawful_basis(static_cast<type::v1::LawfulBasis>(basis));
  purpose.set_controller(c.args.Get("controller"));
  purpose.set_display_name(c.args.Get("display-name", c.args.Operand(0)));
  purpose.set_description(c.args.Get("description"));
  Purpose made;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &made));
  ShowPurpose(c.out, made);
  return absl::OkStatus();
}

// Reads it, sets what was given, and writes it with the etag read: nobody else's change is lost.
absl::Status UpdatePurpose(Context& c) {
  GetPurposeRequest get;
  get.set_name(Name("purposes", c.args.Operand(0)));
  UpdatePurposeRequest request;
  Purpose& purpose = *request.mutable_purpose();
  PHAROS_RETURN_IF_ERROR(c.client.Call(get, &purpose));
  if (c.args.Has("display-name")) purpose.set_display_name(c.args.Get("display-name"));
  if (c.args.Has("controller")) purpose.set_controller(c.args.Get("controller"));
  if (c.args.Has("description")) purpose.set_description(c.args.Get("description"));
  if (c.args.Has("etag")) purpose.set_etag(c.args.Get("etag"));
  Purpose updated;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &updated));
  ShowPurpose(c.out, updated);
  return absl::OkStatus();
}

absl::Status RetirePurpose(Context& c) {
  RetirePurposeRequest request;
  request.set_name(Name("purposes", c.args.Operand(0)));
  Purpose retired;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &retired));
  ShowPurpose(c.out, retired);
  c.out.Say("Retired for good: no new campaign and no message for it. Withdrawals are still taken.");
  return absl::OkStatus();
}

absl::Status GetPurpose(Context& c) {
  GetPurposeRequest request;
  request.set_name(Name("purposes", c.args.Operand(0)));
  PHAROS_ASSIGN_OR_RETURN(int64_t version, NumberOf(c.args, "version", 0));
  request.set_version(static_cast<uint64_t>(version));
  Purpose purpose;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &purpose));
  ShowPurpose(c.out, purpose);
  return absl::OkStatus();
}

absl::Status ListPurposes(Context& c) {
  ListPurposesRequest request;
  ListPurposesResponse page;
  return c.client.EachPage(request, &page, [&] {
    for (const Purpose& purpose : page.purposes()) ShowPurpose(c.out, purpose);
    return absl::OkStatus();
  });
}

}  // namespace

std::vector<Command> SourceCommands() {
  return {{"source",
           "create",
           "ID",
           "Register a system that tells us about people.",
           {"source create quit --kind public --owner \"Stop-smoking service\" --trust 60",
            "source create staff --kind internal --trust 80 --field-trust email=95"},
           {{"kind", "KIND", "internal, partner or public", true},
            {"display-name", "TEXT", "name for people"},
            {"owner", "TEXT", "who answers for the data"},
            {"trust", "0…100", "rank of its values; higher wins; else 50"},
            {"field-trust", "FIELD=0…100", "rank for one field; may be repeated", false, true}},
           CreateSource},
          {"source", "list", "", "All sources.", {"source list"}, {}, ListSources},
          {"source", "get", "ID", "One source.", {"source get quit"}, {}, GetSource}};
}

std::vector<Command> PurposeCommands() {
  return {
      {"purpose",
       "create",
       "ID",
       "Register what messages are for.",
       {"purpose create stop-smoking --class marketing --basis consent --controller \"Public Health Body\""},
       {{"class", "CLASS", "urgent, service, public-task or marketing", true},
        {"basis", "BASIS", "consent, public-task, legal-obligation, … (UK GDPR Article 6)", true},
        {"controller", "TEXT", "the data controller's name", true},
        {"display-name", "TEXT", "name for people"},
        {"description", "TEXT", "what people are told that they agree to"}},
       CreatePurpose},
      {"purpose",
       "update",
       "ID",
       "A new version of its texts; class and basis never change.",
       {"purpose update stop-smoking --controller \"UK Health Security Agency\""},
       {{"display-name", "TEXT", "name for people"},
        {"controller", "TEXT", "the data controller's name"},
        {"description", "TEXT", "what people are told that they agree to"},
        {"etag", "ETAG", "refuse if it is not this version any more"}},
       UpdatePurpose},
      {"purpose",
       "retire",
       "ID",
       "End it for good: no new campaign, grant or message.",
       {"purpose retire stop-smoking"},
       {},
       RetirePurpose},
      {"purpose", "list", "", "All purposes.", {"purpose list"}, {}, ListPurposes},
      {"purpose",
       "get",
       "ID",
       "One purpose.",
       {"purpose get stop-smoking"},
       {{"version", "NUMBER", "an earlier version"}},
       GetPurpose}};
}

}  // namespace pharos::cli
