// pharos reference: areas, replaced codes and postcodes, from open data.
#include <fstream>
#include <sstream>

#include "fmt/format.h"
#include "ops/cli/command.h"
#include "ops/cli/reference_client.h"
#include "ops/cli/reference_file.h"
#include "ops/cli/words.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::cli {
namespace {

using namespace audience::v1;

absl::StatusOr<LoadReferenceRequest::Kind> KindOf(const std::string& word) {
  if (word == "areas") return LoadReferenceRequest::AREAS;
  if (word == "changes") return LoadReferenceRequest::AREA_CODE_CHANGES;
  if (word == "postcodes") return LoadReferenceRequest::POSTCODES;
  return UsageError("Say what the file holds: areas, changes or postcodes.");
}

std::string WordOf(LoadReferenceRequest::Kind kind) {
  switch (kind) {
    case LoadReferenceRequest::AREAS:
      return "areas";
    case LoadReferenceRequest::AREA_CODE_CHANGES:
      return "changes";
    default:
      return "postcodes";
  }
}

absl::StatusOr<std::map<std::string, std::string>> ColumnsOf(const std::string& text) {
  std::map<std::string, std::string> columns;
  if (text.empty()) return columns;
  for (const std::string& pair : base::Split(text, ',')) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos)
      return UsageError("--columns takes OURS=THEIRS,… such as code=LAD25CD,name=LAD25NM.");
    columns[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return columns;
}

absl::Status Load(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(const auto kind, KindOf(c.args.Operand(0)));
  PHAROS_ASSIGN_OR_RETURN(const auto columns, ColumnsOf(c.args.Get("columns")));
  std::ifstream in(c.args.Operand(1), std::ios::binary);
  std::stringstream text;
  if (!in || !(text << in.rdbuf()))
    return UsageError(fmt::format("The file {} cannot be read, or is empty.", c.args.Operand(1)));
  PHAROS_ASSIGN_OR_RETURN(const ReferenceFile file,
                          ReadReferenceFile(kind, text.str(), columns, c.args.Get("attribution")));
  if (file.left_out > 0)
    c.out.Warn(fmt::format("{} rows lack what they must have and are left out.", Thousands(file.left_out)));
  PHAROS_ASSIGN_OR_RETURN(const LoadReferenceResponse response, LoadReference(c.client, file.requests));
  if (c.out.json()) {
    c.out.Json(response);
  } else if (response.unchanged()) {
    c.out.Data(fmt::format("{} rows, as before: nothing was changed.", Thousands(response.rows())));
  } else {
    c.out.Data(fmt::format("{} rows are in force now.", Thousands(response.rows())));
  }
  return absl::OkStatus();
}

absl::Status Areas(Context& c) {
  ListAreasRequest request;
  request.set_region(c.args.Get("region"));
  ListAreasResponse response;
  Table table({"code", "name", "upper tier", "region", "deprivation"});
  PHAROS_RETURN_IF_ERROR(c.client.EachPage(request, &response, [&] {
    if (c.out.json()) {
      c.out.Json(response);
      return absl::OkStatus();
    }
    for (const Area& area : response.areas())
      table.Add({area.code(), area.display_name(), area.upper_tier_name(), area.region_name(),
                 area.deprivation_decile() == 0 ? "" : std::to_string(area.deprivation_decile())});
    return absl::OkStatus();
  }));
  if (!c.out.json()) table.Print(c.out);
  return absl::OkStatus();
}

absl::Status State(Context& c) {
  ReferenceState state;
  PHAROS_RETURN_IF_ERROR(c.client.Call(GetReferenceStateRequest(), &state));
  if (c.out.json()) {
    c.out.Json(state);
    return absl::OkStatus();
  }
  if (state.loaded().empty())
    c.out.Say("Nothing is loaded. Begin with: pharos reference load areas ops/reference/areas.csv");
  for (const auto& loaded : state.loaded())
    c.out.Data(fmt::format("{}: {} rows, loaded {}. {}", WordOf(loaded.kind()), Thousands(loaded.rows()),
                           Time(loaded.load_time_us()), loaded.attribution()));
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> ReferenceCommands() {
  return {
      {"reference",
       "load",
       "KIND FILE",
       "Replace the areas, changes (of codes) or postcodes by those of a CSV file.",
       {"reference load areas ops/reference/areas.csv --attribution \"Office for National Statistics, OGL "
        "v3.0\"",
        "reference load postcodes onspd.csv --columns postcode=pcds,area=oslaua"},
       {{"attribution", "TEXT", "where the data comes from, and its licence"},
        {"columns", "OURS=THEIRS,…", "columns that the file calls otherwise"}},
       Load},
      {"reference",
       "areas",
       "",
       "The areas that are loaded, with region and deprivation decile.",
       {"reference areas", "reference areas --region E12000003"},
       {{"region", "CODE", "only of this region"}},
       Areas},
      {"reference", "state", "", "What is loaded, since when, from where.", {"reference state"}, {}, State}};
}

}  // namespace pharos::cli
