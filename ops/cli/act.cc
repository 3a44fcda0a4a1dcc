// pharos act, pharos policy: what nobody may do alone, and the rules of who may do what.
#include "fmt/format.h"
#include "ops/cli/command.h"
#include "ops/cli/words.h"
#include "pharos/access/v1/act_service.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace access::v1;

constexpr int kPage = 1000;

std::string KindInWords(ActKind kind) {
  switch (kind) {
    case GO_LIVE:
      return "go live: messages reach real people";
    case GO_TRIAL:
      return "back to trial: only sandboxes";
    case APPLY_POLICY:
      return "apply a policy";
    default:
      return EnumWord(ActKind_descriptor(), "", kind);
  }
}

void ShowAct(Output& out, const Act& act) {
  if (out.json()) return out.Json(act);
  out.Data(fmt::format("{}  {}  {}", out.Bold(act.name()), EnumWord(ActState_descriptor(), "", act.state()),
                       KindInWords(act.kind())));
  out.Data(
      fmt::format("  proposed by {}, {}: {}", act.proposer(), Time(act.propose_time_us()), act.reason()));
  if (!act.decider().empty())
    out.Data(fmt::format("  {} by {}, {}", act.state() == DONE ? "confirmed" : "withdrawn", act.decider(),
                         Time(act.decide_time_us())));
  out.Data("  digest " + act.digest());
}

absl::Status List(Context& c) {
  ListActsRequest request;
  request.set_page_size(kPage);
  ListActsResponse page;
  return c.client.EachPage(request, &page, [&] {
    for (const Act& act : page.acts()) ShowAct(c.out, act);
    return absl::OkStatus();
  });
}

absl::Status Get(Context& c) {
  GetActRequest request;
  request.set_name(Name("acts", c.args.Operand(0)));
  Act act;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &act));
  ShowAct(c.out, act);
  if (!c.out.json() && !act.policy().empty()) c.out.Data("\n" + act.policy());
  return absl::OkStatus();
}

absl::Status Propose(Context& c) {
  ProposeActRequest request;
  PHAROS_ASSIGN_OR_RETURN(int kind, Enum(ActKind_descriptor(), "", c.args.Operand(0)));
  request.set_kind(static_cast<ActKind>(kind));
  request.set_reason(c.args.Get("reason"));
  if ((kind == APPLY_POLICY) != c.args.Has("file"))
    return UsageError("--file FILE is the policy of apply-policy, and of nothing else.");
  if (c.args.Has("file")) {
    PHAROS_ASSIGN_OR_RETURN(*request.mutable_policy(), FileOf(c.args, "file"));
    request.mutable_policy()->push_back('\n');
  }
  Act act;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &act));
  ShowAct(c.out, act);
  c.out.Say(fmt::format("Nothing has changed yet. Somebody else: pharos act confirm {} --digest {}",
                        Short(act.name()), act.digest()));
  return absl::OkStatus();
}

absl::Status Confirm(Context& c) {
  ConfirmActRequest request;
  request.set_name(Name("acts", c.args.Operand(0)));
  request.set_digest(c.args.Get("digest"));
  Act act;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &act));
  ShowAct(c.out, act);
  return absl::OkStatus();
}

absl::Status Withdraw(Context& c) {
  WithdrawActRequest request;
  request.set_name(Name("acts", c.args.Operand(0)));
  Act act;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &act));
  ShowAct(c.out, act);
  return absl::OkStatus();
}

absl::Status ShowPolicy(Context& c) {
  access::v1::Policy policy;
  PHAROS_RETURN_IF_ERROR(c.client.Call(GetPolicyRequest(), &policy));
  if (c.out.json()) {
    c.out.Json(policy);
    return absl::OkStatus();
  }
  c.out.Say(fmt::format("Version {}, {}.", policy.version(), policy.live() ? "live" : "trial"));
  c.out.Data(policy.text());
  return absl::OkStatus();
}

absl::Status CheckPolicy(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(Args file, Args::Parse({"--file", c.args.Operand(0)}, {{"file", "FILE", ""}}));
  CheckPolicyRequest request;
  PHAROS_ASSIGN_OR_RETURN(*request.mutable_policy(), FileOf(file, "file"));
  CheckPolicyResponse found;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &found));
  if (c.out.json()) c.out.Json(found);
  if (!c.out.json())
    for (const std::string& problem : found.problems()) c.out.Data(problem);
  if (!found.problems().empty())
    return base::MakeError(
        absl::StatusCode::kFailedPrecondition, "POLICY_WRONG",
        fmt::format("It would not be accepted: {} problems. Mend the lines named and check again.",
                    found.problems_size()));
  if (!c.out.json()) c.out.Data(fmt::format("It would be accepted; {} tests in it ran.", found.tests()));
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> ActCommands() {
  return {
      {"act", "list", "", "Acts of two people, newest first.", {"act list"}, {}, List},
      {"act",
       "get",
       "ACT",
       "One act, with the policy that it would apply.",
       {"act get 01jd3v7m8q0000000000000000"},
       {},
       Get},
      {"act",
       "propose",
       "KIND",
       "Propose go-live, go-trial or apply-policy; a second person confirms.",
       {"act propose go-live --reason \"Board decision of 1 March\"",
        "act propose apply-policy --file policy.toml --reason \"Analysts may list organisations\""},
       {{"reason", "TEXT", "why, for the second person and for the record", true},
        {"file", "FILE", "the policy, for apply-policy"}},
       Propose},
      {"act",
       "confirm",
       "ACT",
       "Confirm exactly what was shown. Not by its proposer.",
       {"act confirm 01jd3v7m8q0000000000000000 --digest 3f9a…"},
       {{"digest", "HEX", "the digest that \"pharos act get\" printed", true}},
       Confirm},
      {"act", "withdraw", "ACT", "Give it up.", {"act withdraw 01jd3v7m8q0000000000000000"}, {}, Withdraw},
      {"policy", "show", "", "The policy in force.", {"policy show"}, {}, ShowPolicy},
      {"policy",
       "check",
       "FILE",
       "Read a policy and run the tests in it; changes nothing.",
       {"policy check policy.toml"},
       {},
       CheckPolicy}};
}

}  // namespace pharos::cli
