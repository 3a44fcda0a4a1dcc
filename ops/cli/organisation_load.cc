#include "ops/cli/organisation_load.h"

#include "fmt/format.h"
#include "ops/cli/organisation_file.h"
#include "ops/cli/words.h"
#include "pharos/customer/v1/organisation_service.pb.h"
#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::cli {
namespace {

using namespace customer::v1;

constexpr int kShownProblems = 20;
constexpr size_t kProgressEvery = 100;

struct Counts {
  int64_t created = 0, changed = 0, unchanged = 0, refused = 0;
};

// "OURS=THEIRS" options as a map.
absl::StatusOr<std::map<std::string, std::string>> Pairs(const Args& args, std::string_view option) {
  std::map<std::string, std::string> pairs;
  for (const std::string& given : args.All(option)) {
    const size_t equals = given.find('=');
    if (equals == std::string::npos || equals == 0)
      return UsageError(fmt::format("--{} {} has no =. Write --{} code=ods_code.", option, given, option));
    pairs[given.substr(0, equals)] = given.substr(equals + 1);
  }
  return pairs;
}

// An invocation changes many things: each has a request id of its own.
std::string NewRequestId() {
  return base::NewId(base::Clock::System().WallMicros());
}

// What the file says, over what is there; columns that the file does not have stay.
Organisation Merged(const Organisation& known, const Organisation& said) {
  Organisation merged = known;
  merged.set_display_name(said.display_name());
  merged.set_code(said.code());
  merged.set_kind(said.kind());
  if (!said.parent().empty()) merged.set_parent(said.parent());
  if (!said.successor().empty()) merged.set_successor(said.successor());
  if (!said.area().empty()) merged.set_area(said.area());
  if (said.close_time_us() != 0) merged.set_close_time_us(said.close_time_us());
  if (said.subscriber_kind() != 0) merged.set_subscriber_kind(said.subscriber_kind());
  if (!said.mail_domains().empty()) *merged.mutable_mail_domains() = said.mail_domains();
  return merged;
}

absl::Status Store(Context& c, const OrganisationLine& line, Counts& counts) {
  CreateOrganisationRequest create;
  create.set_organisation_id(line.id);
  *create.mutable_organisation() = line.organisation;
  create.set_request_id(NewRequestId());
  Organisation stored;
  absl::Status status = c.client.Call(create, &stored);
  if (status.ok()) ++counts.created;
  if (base::ReasonOf(status) != "ORGANISATION_EXISTS") return status;
  GetOrganisationRequest get;
  get.set_name("organisations/" + line.id);
  Organisation known;
  PHAROS_RETURN_IF_ERROR(c.client.Call(get, &known));
  UpdateOrganisationRequest update;
  *update.mutable_organisation() = Merged(known, line.organisation);
  if (update.organisation().SerializeAsString() == known.SerializeAsString()) {
    ++counts.unchanged;
    return absl::OkStatus();
  }
  update.set_request_id(NewRequestId());
  PHAROS_RETURN_IF_ERROR(c.client.Call(update, &stored));
  ++counts.changed;
  return absl::OkStatus();
}

absl::Status Load(Context& c) {
  OrganisationColumns columns;
  PHAROS_ASSIGN_OR_RETURN(columns.from, Pairs(c.args, "column"));
  PHAROS_ASSIGN_OR_RETURN(columns.constant, Pairs(c.args, "constant"));
  columns.id_prefix = c.args.Get("id-prefix");
  columns.parent_prefix = c.args.Get("parent-prefix", columns.id_prefix);
  PHAROS_ASSIGN_OR_RETURN(const std::string text, FileOf(c.args, "file"));
  PHAROS_ASSIGN_OR_RETURN(const auto lines, ReadOrganisationFile(text, columns));
  Counts counts;
  for (size_t at = 0; at < lines.size(); ++at) {
    std::string wrong = lines[at].wrong;
    if (wrong.empty()) {
      const absl::Status status = Store(c, lines[at], counts);
      // Of one line only what the server refuses; whoever may not, or cannot reach it, need not go on.
      const bool own =
          absl::IsInvalidArgument(status) || absl::IsAlreadyExists(status) || absl::IsAborted(status);
      if (!status.ok() && !own) return status;
      if (!status.ok()) wrong = std::string(status.message());
    }
    if (!wrong.empty() && ++counts.refused <= kShownProblems)
      c.out.Warn(fmt::format("line {}: {}", lines[at].line, wrong));
    if (at % kProgressEvery == 0) c.out.Progress(fmt::format("{} of {} organisations", at, lines.size()));
  }
  c.out.Data(c.out.json() ? fmt::format("{{\"created\":{},\"changed\":{},\"unchanged\":{},\"refused\":{}}}",
                                        counts.created, counts.changed, counts.unchanged, counts.refused)
                          : fmt::format("{} created, {} changed, {} unchanged, {} refused", counts.created,
                                        counts.changed, counts.unchanged, counts.refused));
  return counts.refused == 0
             ? absl::OkStatus()
             : base::MakeError(absl::StatusCode::kInvalidArgument, "ROWS_REFUSED",
                               "Some lines were not stored. Mend them and load the file again: what is "
                               "stored already does not change.");
}

}  // namespace

Command OrganisationLoadCommand() {
  return {
      "organisation",
      "load",
      "",
      "Register the coded organisations of a CSV file; the same file again changes nothing.",
      {"organisation load --file ods-practices.csv --column code=ods_code --column area=la_code --constant "
       "kind=gp-practice",
       "organisation load --file local-authorities.csv --column code=la_code --column name=la_name --column "
       "area=la_code --constant kind=council --constant subscriber=corporate"},
      {{"file", "FILE",
        "with a header line; columns: code, name, kind, parent, successor, closed, subscriber, area, "
        "mail-domains",
        true},
       {"column", "OURS=THEIRS", "the file calls this column otherwise", false, true},
       {"constant", "OURS=VALUE", "the same for every row that does not say", false, true},
       {"id-prefix", "TEXT", "before the code, as the id; where two registers could share a code"},
       {"parent-prefix", "TEXT", "the same for parents that stand in another register; else as --id-prefix"}},
      Load};
}

}  // namespace pharos::cli
