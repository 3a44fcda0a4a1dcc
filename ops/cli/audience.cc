// pharos audience: saved filters, and what a send to them would mean.
#include <algorithm>

#include "fmt/format.h"
#include "ops/cli/command.h"
#include "ops/cli/words.h"
#include "pharos/audience/v1/audience_service.pb.h"
#include "pharos/type/v1/gate.pb.h"
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

absl::Status CountAudience(Context& c) {
  CountAudienceRequest request;
  if (c.args.Has("filter") == !c.args.operands().empty()) {
    return UsageError("Give a saved audience or --filter, one of them.");
  }
  if (c.args.Has("filter")) {
    request.set_filter(c.args.Get("filter"));
  } else {
    request.set_audience(Name("audiences", c.args.Operand(0)));
  }
  request.set_purpose(Name("purposes", c.args.Get("purpose")));
  std::vector<std::string> channels = c.args.All("channel");
  if (channels.empty()) channels = {"sms"};
  for (const std::string& word : channels) {
    PHAROS_ASSIGN_OR_RETURN(int channel, Enum(type::v1::Channel_descriptor(), "CHANNEL_", word));
    request.add_channels(static_cast<type::v1::Channel>(channel));
  }
  CountAudienceResponse count;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &count));
  if (c.out.json()) {
    c.out.Json(count);
  } else if (request.purpose().empty()) {
    c.out.Data(fmt::format("{} people match", Thousands(count.matched())));
    c.out.Say("Add --purpose PURPOSE to see who of them may get a message, and why not.");
  } else {
    ShowFunnel(c.out, count, request.purpose());
  }
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
       {"audience count public --purpose stop-smoking", "audience count --filter 'audience_kinds:PUBLIC'"},
       {{"filter", "FILTER", "a filter instead of a saved audience"},
        {"purpose", "PURPOSE", "judge everybody who matches for this purpose"},
        {"channel", "CHANNEL", "sms or email, in order of preference; may be repeated; else sms", false,
         true}},
       CountAudience},
      {"audience",
       "fields",
       "",
       "The fields and functions that filters may use.",
       {"audience fields"},
       {},
       ListFields}};
}

}  // namespace pharos::cli
