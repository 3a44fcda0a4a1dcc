// pharos audience: saved filters, and what a send to them would mean.
#include "fmt/format.h"
#include "ops/cli/audience_numbers.h"
#include "ops/cli/audience_people.h"
#include "ops/cli/command.h"
#include "ops/cli/words.h"
#include "pharos/audience/v1/audience_service.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace audience::v1;

void ShowAudience(Output& out, const Audience& audience) {
  if (out.json()) return out.Json(audience);
  out.Data(
      fmt::format("{}  {}", audience.name(), audience.filter().empty() ? "everybody" : audience.filter()));
}

absl::Status CreateAudience(Context& c) {
  CreateAudienceRequest request;
  request.set_audience_id(c.args.Operand(0));
  request.mutable_audience()->set_filter(c.args.Get("filter"));
  request.mutable_audience()->set_display_name(c.args.Get("display-name", c.args.Operand(0)));
  Audience made;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &made));
  ShowAudience(c.out, made);
  c.out.Say(fmt::format("Next: pharos audience count {} --purpose PURPOSE", Short(made.name())));
  return absl::OkStatus();
}

absl::Status ListAudiences(Context& c) {
  ListAudiencesRequest request;
  ListAudiencesResponse page;
  return c.client.EachPage(request, &page, [&] {
    for (const Audience& audience : page.audiences()) ShowAudience(c.out, audience);
    return absl::OkStatus();
  });
}

absl::Status UpdateAudience(Context& c) {
  GetAudienceRequest get;
  get.set_name(Name("audiences", c.args.Operand(0)));
  UpdateAudienceRequest request;
  PHAROS_RETURN_IF_ERROR(c.client.Call(get, request.mutable_audience()));
  PHAROS_ASSIGN_OR_RETURN(const int64_t version, NumberOf(c.args, "version", request.audience().version()));
  request.set_expected_version(static_cast<uint32_t>(version));
  if (c.args.Has("filter")) request.mutable_audience()->set_filter(c.args.Get("filter"));
  if (c.args.Has("display-name")) request.mutable_audience()->set_display_name(c.args.Get("display-name"));
  Audience updated;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &updated));
  ShowAudience(c.out, updated);
  c.out.Say("Campaigns that were submitted keep the filter and the people that they had.");
  return absl::OkStatus();
}

absl::Status ListVersions(Context& c) {
  ListAudienceVersionsRequest request;
  request.set_audience(Name("audiences", c.args.Operand(0)));
  ListAudienceVersionsResponse response;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &response));
  Table table({"version", "saved", "name", "filter"});
  for (const Audience& version : response.versions()) {
    if (c.out.json()) {
      c.out.Json(version);
      continue;
    }
    table.Add({std::to_string(version.version()), Time(version.create_time_us()), version.display_name(),
               version.filter().empty() ? "everybody" : version.filter()});
  }
  if (!c.out.json()) table.Print(c.out);
  return absl::OkStatus();
}

absl::Status ListFields(Context& c) {
  ListFieldsResponse fields;
  PHAROS_RETURN_IF_ERROR(c.client.Call(ListFieldsRequest(), &fields));
  if (c.out.json()) {
    for (const Field& field : fields.fields()) c.out.Json(field);
    return absl::OkStatus();
  }
  Table table({"field", "type", "meaning"});
  for (const Field& field : fields.fields()) table.Add({field.name(), field.type(), field.description()});
  table.Print(c.out);
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> AudienceCommands() {
  return {
      {"audience",
       "create",
       "ID",
       "Save a filter over people.",
       {"audience create public --filter 'audience_kinds:PUBLIC'", "audience create everybody"},
       {{"filter", "FILTER", "AIP-160; none: everybody. See \"pharos audience fields\""},
        {"display-name", "TEXT", "name for people"}},
       CreateAudience},
      {"audience", "list", "", "All audiences.", {"audience list"}, {}, ListAudiences},
      {"audience",
       "count",
       "[AUDIENCE]",
       "How many people match, who may get a message, and why the others may not.",
       {"audience count public --purpose stop-smoking", "audience count --filter 'audience_kinds:PUBLIC'",
        "audience count --filter 'engaged(\"*\", delivered, 30)' --as-of 2026-03-01"},
       {{"filter", "FILTER", "a filter instead of a saved audience"},
        {"purpose", "PURPOSE", "judge everybody who matches for this purpose"},
        {"channel", "CHANNEL", "sms or email, in order of preference; may be repeated; else sms", false,
         true},
        {"as-of", "TIME", "as people were then, from the newest daily snapshot: e.g. 2026-03-01"}},
       CountAudience},
      {"audience",
       "breakdown",
       "[AUDIENCE]",
       "How many people match in each cell of up to four fields.",
       {"audience breakdown public --by area --by age:18,40,65",
        "audience breakdown public --by language --measure 'reachable=reachable(SMS)'"},
       {{"filter", "FILTER", "a filter instead of a saved audience"},
        {"by", "FIELD[:EDGES]", "a field, with the lower edges of its bands; may be repeated", true, true},
        {"measure", "NAME=FILTER", "of each cell, how many match this as well; may be repeated", false, true},
        {"as-of", "TIME", "as people were then, from the newest daily snapshot: e.g. 2026-03-01"}},
       BreakDownAudience},
      {"audience",
       "preview",
       "[AUDIENCE]",
       "A few of the people who match, masked.",
       {"audience preview public", "audience preview public --purpose stop-smoking --size 20"},
       {{"filter", "FILTER", "a filter instead of a saved audience"},
        {"size", "NUMBER", "how many, at most 50; else 10"},
        {"purpose", "PURPOSE", "with each one's verdict for this purpose"},
        {"channel", "CHANNEL", "sms or email, in order of preference; may be repeated; else sms", false,
         true},
        {"as-of", "TIME", "as people were then, from the newest daily snapshot: e.g. 2026-03-01"}},
       PreviewAudience},
      {"audience",
       "people",
       "[AUDIENCE]",
       "Everybody who matches, a line each, as pseudonyms.",
       {"audience people public --purpose stop-smoking", "audience people public --purpose audit --names"},
       {{"filter", "FILTER", "a filter instead of a saved audience"},
        {"purpose", "PURPOSE", "what the list is for: kept, and part of the pseudonyms", true},
        {"names", "", "names of people instead of pseudonyms, for those who may read people"}},
       ListPeople},
      {"audience",
       "export",
       "[AUDIENCE]",
       "Everybody who matches as CSV or NDJSON, with the fields asked for.",
       {"audience export public --purpose evaluation --field area --field language --file public.csv"},
       {{"filter", "FILTER", "a filter instead of a saved audience"},
        {"purpose", "PURPOSE", "what the file is for: kept, and part of the pseudonyms", true},
        {"field", "FIELD", "a column; may be repeated", false, true},
        {"format", "FORMAT", "csv or ndjson; else csv"},
        {"file", "FILE", "where to; else standard output"}},
       ExportPeople},
      {"audience",
       "update",
       "AUDIENCE",
       "Save another filter or name under the same id: a new version.",
       {"audience update public --filter 'audience_kinds:PUBLIC AND age >= 18'"},
       {{"filter", "FILTER", "the new filter; else as it is"},
        {"display-name", "TEXT", "the new name for people; else as it is"},
        {"version", "NUMBER", "refuse unless this is the newest; else whatever it is now"}},
       UpdateAudience},
      {"audience",
       "versions",
       "AUDIENCE",
       "Every version, newest first.",
       {"audience versions public"},
       {},
       ListVersions},
      {"audience",
       "fields",
       "",
       "The fields and functions that filters may use.",
       {"audience fields"},
       {},
       ListFields}};
}

}  // namespace pharos::cli
