// What nobody may do alone: one proposes, another confirms. And the policy that says who may do what.
#include <fmt/format.h>

#include "pharos/access/v1/act_service.pb.h"
#include "services/base/errors.h"
#include "services/edge/console/blocks.h"
#include "services/edge/console/operation_pages.h"
#include "services/edge/console/operation_words.h"
#include "services/edge/console/people_words.h"

namespace pharos::edge::console {

namespace v1 = access::v1;

namespace {

constexpr int kShown = 50;

std::string PathOf(std::string_view act) {
  return fmt::format("/console/access/acts/{}", IdOf(act));
}

absl::StatusOr<Reply> ShowActs(Visit& visit) {
  v1::ListActsRequest request;
  request.set_page_size(kShown);
  request.set_page_token(visit.query.Get("page"));
  v1::ListActsResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  Section section;
  section.paragraphs = {
      "Going live, going back to trial and changing the policy take two people: one proposes, another "
      "confirms within 24 hours."};
  Table table{"Newest first",
              Heads({"What", "Status", "Proposed by", "Decided by", "When"}),
              {},
              "Nothing has been proposed yet."};
  for (const v1::Act& act : response.acts())
    table.rows.push_back({Link(ActInWords(act.kind()), PathOf(act.name())),
                          Tag(ActStateInWords(act.state()), ActColour(act.state())),
                          {IdOf(act.proposer())},
                          {IdOf(act.decider())},
                          {TimeInWords(act.propose_time_us())}});
  section.tables = {table};
  if (visit.May("acts.propose")) section.buttons = {{"Propose", "/console/access/acts/new"}};
  Model model = PageModel("Acts of two people", {section});
  AddAccessTabs(model, visit, "acts");
  AddNextPage(model, "/console/access/acts", response.next_page_token());
  AddCopyAs(model, "pharos act list", "access.v1.ActService/ListActs", "{}");
  return Show("sections", std::move(model));
}

FormPage ProposePage() {
  FormPage page;
  page.title = "What do you propose?";
  page.back = "/console/access/acts";
  Field kind{Field::Kind::kRadios, "kind", "What", ""};
  kind.choices = {{"GO_LIVE", "Go live", "Messages reach real people from then on"},
                  {"GO_TRIAL", "Back to trial", "Only the simulated network from then on"},
                  {"APPLY_POLICY", "Another policy", "Who may do what"}};
  page.fields = {kind,
                 {Field::Kind::kArea, "reason", "Why", "The second person reads this, and it is kept"},
                 {Field::Kind::kArea, "policy", "The new policy, if you propose one",
                  "The whole file. Start from the one in force."}};
  page.button = "Propose it";
  return page;
}

absl::StatusOr<Reply> ShowPropose(Visit&) {
  Model model = ModelOf(ProposePage());
  AddCopyAs(model, "pharos act propose go-live --reason \"tests are done\"",
            "access.v1.ActService/ProposeAct", R"({"kind": "GO_LIVE", "reason": "tests are done"})");
  return Show("form", std::move(model));
}

absl::StatusOr<Reply> Propose(Visit& visit) {
  v1::ProposeActRequest request;
  v1::ActKind kind = v1::ACT_KIND_UNSPECIFIED;
  std::vector<std::pair<std::string, std::string>> errors;
  if (!v1::ActKind_Parse(visit.form.Get("kind"), &kind))
    errors.emplace_back("kind", "Select what you propose");
  if (visit.form.Get("reason").empty()) errors.emplace_back("reason", "Enter why");
  if (kind == v1::APPLY_POLICY && visit.form.Get("policy").empty())
    errors.emplace_back("policy", "Enter the new policy");
  if (!errors.empty()) return ShowFormErrors(Refilled(ProposePage(), visit.form), errors);
  request.set_kind(kind);
  request.set_reason(visit.form.Get("reason"));
  if (kind == v1::APPLY_POLICY) request.set_policy(visit.form.Get("policy") + "\n");
  request.set_request_id(visit.form.Get("request_id"));
  v1::Act act;
  const absl::Status status = visit.Call(request, &act);
  return Settle(visit, ProposePage(), status, PathOf(act.name()),
                "Proposed. Nothing has changed yet: another person has to confirm it.");
}

Model ActModel(const Visit& visit, const v1::Act& act) {
  Section facts, policy;
  facts.facts = {{"Status", Tag(ActStateInWords(act.state()), ActColour(act.state())), "", ""},
                 {"Why", {act.reason()}, "", ""},
                 {"Proposed",
                  {fmt::format("By {}, {}", IdOf(act.proposer()), TimeInWords(act.propose_time_us()))},
                  "",
                  ""},
                 {"Digest", {act.digest()}, "", ""}};
  if (!act.decider().empty())
    facts.facts.push_back({act.state() == v1::DONE ? "Confirmed" : "Withdrawn",
                           {fmt::format("By {}, {}", IdOf(act.decider()), TimeInWords(act.decide_time_us()))},
                           "",
                           ""});
  std::vector<Section> sections = {facts};
  if (!act.policy().empty()) {
    policy.heading = "The new policy";
    policy.code = act.policy();
    sections.push_back(policy);
  }
  const bool open = act.state() == v1::PROPOSED, own = act.proposer() == visit.session->principal;
  if (open && own) sections.back().paragraphs.push_back("You proposed it: another person has to confirm it.");
  if (open && act.kind() == v1::GO_LIVE)
    sections.back().warning = "Once this is confirmed, campaigns that are running send to real people.";
  Model model = PageModel(ActInWords(act.kind()), sections, "/console/access/acts");
  Model submits = Model::array();
  if (open && !own && visit.May("acts.confirm"))
    submits.push_back({{"name", "decision"},
                       {"value", "confirm"},
                       {"words", "Confirm"},
                       {"quiet", false},
                       {"danger", act.kind() == v1::GO_LIVE}});
  if (open && visit.May("acts.propose"))
    submits.push_back({{"name", "decision"},
                       {"value", "withdraw"},
                       {"words", "Withdraw"},
                       {"quiet", true},
                       {"danger", false}});
  if (!submits.empty()) {
    FormPage form;
    Field digest{Field::Kind::kHidden, "digest"};
    digest.value = act.digest();
    form.fields = {digest};
    Model filled = ModelOf(form);
    filled["form_path"] = PathOf(act.name());
    filled["submits"] = submits;
    model["forms"] = Model::array({filled});
  }
  AddCopyAs(model, fmt::format("pharos act confirm {} --digest {}", IdOf(act.name()), act.digest()),
            "access.v1.ActService/ConfirmAct",
            fmt::format(R"({{"name": "{}", "digest": "{}"}})", act.name(), act.digest()));
  return model;
}

absl::StatusOr<v1::Act> Load(const Visit& visit) {
  v1::GetActRequest request;
  request.set_name(fmt::format("acts/{}", visit.args[0]));
  v1::Act act;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &act));
  return act;
}

absl::StatusOr<Reply> ShowAct(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Act act, Load(visit));
  return Show("sections", ActModel(visit, act));
}

absl::StatusOr<Reply> Decide(Visit& visit) {
  const bool confirm = visit.form.Get("decision") == "confirm";
  v1::Act act;
  absl::Status status;
  if (confirm) {
    v1::ConfirmActRequest request;
    request.set_name(fmt::format("acts/{}", visit.args[0]));
    request.set_digest(visit.form.Get("digest"));
    request.set_request_id(visit.form.Get("request_id"));
    status = visit.Call(request, &act);
  } else {
    v1::WithdrawActRequest request;
    request.set_name(fmt::format("acts/{}", visit.args[0]));
    request.set_request_id(visit.form.Get("request_id"));
    status = visit.Call(request, &act);
  }
  if (status.ok()) return Go(PathOf(visit.args[0]), confirm ? "Confirmed. It is in force." : "Withdrawn.");
  PHAROS_ASSIGN_OR_RETURN(const v1::Act now, Load(visit));
  return ShowErrors("sections", ActModel(visit, now), {{"", WordsOf(status)}});
}

absl::StatusOr<Reply> ShowPolicy(Visit& visit) {
  v1::Policy policy;
  PHAROS_RETURN_IF_ERROR(visit.Call(v1::GetPolicyRequest(), &policy));
  Section facts, text;
  facts.facts = {
      {"Version", {Thousands(static_cast<int64_t>(policy.version()))}, "", ""},
      {"Messages", policy.live() ? Tag("Reach real people", "red") : Tag("Go nowhere: trial", "green"), "",
       ""}};
  if (visit.May("acts.propose")) facts.buttons = {{"Propose another", "/console/access/acts/new", true}};
  text.heading = "The file";
  text.code = policy.text();
  Model model = PageModel("Policy", {facts, text});
  AddAccessTabs(model, visit, "policy");
  AddCopyAs(model, "pharos policy show", "access.v1.ActService/GetPolicy", "{}");
  return Show("sections", std::move(model));
}

}  // namespace

void AddAccessTabs(Model& model, const Visit& visit, std::string_view here) {
  model["has_tabs"] = true;
  model["tabs_label"] = "Access";
  model["tabs"] = Model::array();
  const auto add = [&](const char* permission, std::string_view rest, const char* words) {
    const std::string path = rest.empty() ? "/console/access" : fmt::format("/console/access/{}", rest);
    if (visit.May(permission))
      model["tabs"].push_back({{"path", path}, {"words", words}, {"here", here == rest}});
  };
  add("principals.read", "", "People and systems");
  add("acts.read", "acts", "Acts of two people");
  add("acts.read", "policy", "Policy");
}

void AddActPages(Routes& routes) {
  routes.Get("/console/access/acts", "acts.read", &ShowActs);
  routes.Get("/console/access/acts/new", "acts.propose", &ShowPropose);
  routes.Post("/console/access/acts/new", "acts.propose", &Propose);
  routes.Get("/console/access/acts/{}", "acts.read", &ShowAct);
  routes.Post("/console/access/acts/{}", "acts.read", &Decide);
  routes.Get("/console/access/policy", "acts.read", &ShowPolicy);
}

}  // namespace pharos::edge::console
