#include "ops/cli/audience_numbers.h"

#include <algorithm>
#include <map>

#include "fmt/format.h"
#include "ops/cli/audience_choice.h"
#include "ops/cli/words.h"
#include "pharos/audience/v1/audience_service.pb.h"
#include "pharos/type/v1/gate.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace audience::v1;

// Judge for a purpose, by these channels.
template <typename Request>
absl::Status SetPurpose(const Args& args, Request& request) {
  request.set_purpose(Name("purposes", args.Get("purpose")));
  std::vector<std::string> channels = args.All("channel");
  if (channels.empty()) channels = {"sms"};
  for (const std::string& word : channels) {
    PHAROS_ASSIGN_OR_RETURN(int channel, Enum(type::v1::Channel_descriptor(), "CHANNEL_", word));
    request.add_channels(static_cast<type::v1::Channel>(channel));
  }
  return absl::OkStatus();
}

// As people were on an earlier day.
template <typename Request>
absl::Status SetAsOf(const Args& args, Request& request) {
  if (!args.Has("as-of")) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(const int64_t then, ParseTime(args.Get("as-of")));
  request.set_as_of_time_us(then);
  return absl::OkStatus();
}

template <typename Response>
void SayAsOf(Output& out, const Response& response) {
  if (response.as_of_time_us() != 0)
    out.Say(fmt::format("As people were when the snapshot was taken: {}.", Time(response.as_of_time_us())));
}

// A number as a cell: "*" where it is not told, which is not 0.
std::string Shown(const Figure& figure) {
  return figure.certainty() == Figure::SUPPRESSED ? "*" : Thousands(figure.value());
}

std::string HowTold(const Figure& figure) {
  if (figure.certainty() == Figure::SUPPRESSED)
    return fmt::format("* is not 0: it is not told, so that it tells of nobody [{}].", figure.rule());
  return fmt::format("Numbers are rounded, so that they tell of nobody [{}].", figure.rule());
}

// "age:18,40,65"
Dimension DimensionOf(const std::string& word) {
  Dimension dimension;
  const size_t colon = word.find(':');
  dimension.set_field(word.substr(0, colon));
  if (colon == std::string::npos) return dimension;
  for (const std::string& edge : CommaWords(word.substr(colon + 1))) dimension.add_edges(edge);
  return dimension;
}

absl::Status AddMeasure(const std::string& word, BreakDownAudienceRequest& request) {
  const size_t equals = word.find('=');
  if (equals == std::string::npos || equals == 0)
    return UsageError("--measure needs a name and a filter: --measure 'adults=age >= 18'");
  Measure& measure = *request.add_measures();
  measure.set_name(word.substr(0, equals));
  measure.set_filter(word.substr(equals + 1));
  return absl::OkStatus();
}

void ShowTable(Output& out, const BreakDownAudienceRequest& request,
               const BreakDownAudienceResponse& response) {
  std::vector<std::string> header;
  for (const Dimension& dimension : request.dimensions()) header.push_back(dimension.field());
  header.push_back("people");
  for (const Measure& measure : request.measures()) header.push_back(measure.name());
  Table table(header);
  for (const Cell& cell : response.cells()) {
    std::vector<std::string> row(cell.keys().begin(), cell.keys().end());
    row.push_back(Shown(cell.people()));
    for (const Figure& measure : cell.measures()) row.push_back(Shown(measure));
    table.Add(row);
  }
  table.Print(out);
  out.Say(fmt::format("{} people in all.", Shown(response.total())));
  if (!response.rule_set().empty()) {
    out.Say(fmt::format("Rounded, and * (which is not 0) where it would tell of somebody: rule set {}.",
                        response.rule_set()));
  }
}

// In the order of the gate's rules.
std::vector<std::pair<std::string, int64_t>> InOrder(const CountAudienceResponse& count) {
  std::vector<std::pair<std::string, int64_t>> rows(count.excluded().begin(), count.excluded().end());
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    type::v1::GateReason left = type::v1::GATE_REASON_UNSPECIFIED, right = left;
    type::v1::GateReason_Parse(a.first, &left);
    type::v1::GateReason_Parse(b.first, &right);
    return left < right;
  });
  return rows;
}

void ShowFunnel(Output& out, const CountAudienceResponse& count, const std::string& purpose) {
  int width = static_cast<int>(Thousands(count.matched()).size());
  auto line = [&](char sign, int64_t number, std::string_view words) {
    out.Data(fmt::format("{} {:>{}}  {}", sign, Thousands(number), width, words));
  };
  line(' ', count.matched(), "people match");
  for (const auto& [reason, number] : InOrder(count)) {
    line('-', number, fmt::format("{} [{}]", ReasonInWords(reason), reason));
  }
  line('=', count.members(), "would get the message now for " + purpose);
}

}  // namespace

absl::Status CountAudience(Context& c) {
  CountAudienceRequest request;
  PHAROS_RETURN_IF_ERROR(SetAudience(c.args, request));
  PHAROS_RETURN_IF_ERROR(SetPurpose(c.args, request));
  PHAROS_RETURN_IF_ERROR(SetAsOf(c.args, request));
  CountAudienceResponse count;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &count));
  if (c.out.json()) {
    c.out.Json(count);
  } else if (count.figure().certainty() != Figure::EXACT && count.has_figure()) {
    c.out.Data(fmt::format("{} people match", Shown(count.figure())));
    c.out.Say(HowTold(count.figure()));
  } else if (request.purpose().empty()) {
    c.out.Data(fmt::format("{} people match", Thousands(count.matched())));
    c.out.Say("Add --purpose PURPOSE to see who of them may get a message, and why not.");
  } else {
    ShowFunnel(c.out, count, request.purpose());
  }
  if (!c.out.json()) SayAsOf(c.out, count);
  return absl::OkStatus();
}

absl::Status BreakDownAudience(Context& c) {
  BreakDownAudienceRequest request;
  PHAROS_RETURN_IF_ERROR(SetAudience(c.args, request));
  for (const std::string& word : c.args.All("by")) *request.add_dimensions() = DimensionOf(word);
  for (const std::string& word : c.args.All("measure")) PHAROS_RETURN_IF_ERROR(AddMeasure(word, request));
  PHAROS_RETURN_IF_ERROR(SetAsOf(c.args, request));
  BreakDownAudienceResponse response;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &response));
  if (c.out.json()) {
    c.out.Json(response);
  } else {
    ShowTable(c.out, request, response);
    SayAsOf(c.out, response);
  }
  return absl::OkStatus();
}

absl::Status PreviewAudience(Context& c) {
  PreviewAudienceRequest request;
  PHAROS_RETURN_IF_ERROR(SetAudience(c.args, request));
  if (c.args.Has("purpose")) PHAROS_RETURN_IF_ERROR(SetPurpose(c.args, request));
  PHAROS_ASSIGN_OR_RETURN(const int64_t size, NumberOf(c.args, "size", 0));
  request.set_size(static_cast<int32_t>(std::min<int64_t>(size, 1'000'000)));
  PHAROS_RETURN_IF_ERROR(SetAsOf(c.args, request));
  PreviewAudienceResponse response;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &response));
  if (c.out.json()) {
    c.out.Json(response);
    return absl::OkStatus();
  }
  for (const PreviewPerson& person : response.people()) {
    std::string line = person.person();
    const std::map<std::string, std::string> fields(person.fields().begin(), person.fields().end());
    for (const auto& [field, value] : fields) line += fmt::format("  {}={}", field, value);
    if (person.reason() != type::v1::GATE_REASON_UNSPECIFIED)
      line += fmt::format("  [{}]", type::v1::GateReason_Name(person.reason()));
    c.out.Data(line);
  }
  c.out.Say(fmt::format("{} of {} people who match.", response.people_size(), Thousands(response.matched())));
  SayAsOf(c.out, response);
  return absl::OkStatus();
}

}  // namespace pharos::cli
