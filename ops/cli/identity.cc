// pharos identity: who is one person and who is not. Reviews, decisions, explanations; the model behind them
// is in identity_models.cc.
#include "ops/cli/identity.h"

#include <fstream>

#include "fmt/format.h"
#include "ops/cli/identity_client.h"
#include "ops/cli/known_links.h"
#include "ops/cli/waterfall.h"
#include "ops/cli/words.h"
#include "pharos/customer/v1/identity_service.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace customer::v1;

constexpr int64_t kShownProblems = 20;

// "quit/q-17", "sources/quit/records/q-17", "people/…" or a person's id.
std::string Member(std::string_view word) {
  const size_t slash = word.find('/');
  if (slash == std::string_view::npos) return Name("people", word);
  if (word.starts_with("people/") || word.starts_with("sources/")) return std::string(word);
  return fmt::format("sources/{}/records/{}", word.substr(0, slash), word.substr(slash + 1));
}

void AddMembers(std::string_view words, AssertionGroup& group) {
  for (const auto& word : CommaWords(words)) group.add_members(Member(word));
}

// ---- what is shown

void ShowExplanation(Output& out, const LinkExplanation& e) {
  for (const auto& line : WaterfallLines(e.evidence())) out.Data(line);
  for (const auto& line : VerdictLines(e)) out.Data(line);
}

std::string GroupLine(const AssertionGroup& group) {
  return fmt::format("{}", fmt::join(group.members(), ", "));
}

void ShowAssertion(Output& out, const Assertion& a) {
  if (out.json()) return out.Json(a);
  out.Data(fmt::format("{}  {}, {} by {}: {}{}", out.Bold(a.name()),
                       a.groups_size() == 1 ? "one person" : "different people", Time(a.create_time_us()),
                       a.principal(), a.reason(),
                       a.revoke_time_us() > 0 ? ", taken back " + Time(a.revoke_time_us()) : ""));
  for (const auto& group : a.groups()) out.Data("  " + GroupLine(group));
  if (!a.people().empty()) out.Data(fmt::format("  now: {}", fmt::join(a.people(), ", ")));
}

// ---- reviews

absl::Status ListReviews(Context& c) {
  ListReviewsRequest request;
  PHAROS_ASSIGN_OR_RETURN(int64_t most, NumberOf(c.args, "most", 20));
  request.set_person(Name("people", c.args.Get("person")));
  int64_t shown = 0, total = 0;
  ListReviewsResponse page;
  while (shown < most) {
    request.set_page_size(static_cast<int>(std::min<int64_t>(most - shown, 200)));
    page.Clear();
    PHAROS_RETURN_IF_ERROR(c.client.Call(request, &page));
    total = page.total();
    for (const Review& review : page.reviews()) {
      ++shown;
      if (c.out.json()) {
        c.out.Json(review);
        continue;
      }
      const auto& e = review.explanation();
      c.out.Data(c.out.Bold(review.name()));
      c.out.Data(fmt::format("  {}  {}", review.person_a(), e.record_a()));
      c.out.Data(fmt::format("  {}  {}", review.person_b(), e.record_b()));
      ShowExplanation(c.out, e);
    }
    if (page.next_page_token().empty()) break;
    request.set_page_token(page.next_page_token());
  }
  c.out.Say(
      fmt::format("{} of {} pairs to be looked at. Decide one: pharos identity decide REVIEW --same (or "
                  "--different) --reason TEXT",
                  Thousands(shown), Thousands(total)));
  return absl::OkStatus();
}

absl::Status Decide(Context& c) {
  if (c.args.Has("same") == c.args.Has("different")) return UsageError("Say --same or --different.");
  DecideReviewRequest request;
  request.set_name(Name("reviews", c.args.Operand(0)));
  request.set_same(c.args.Has("same"));
  request.set_reason(c.args.Get("reason"));
  Assertion made;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &made));
  ShowAssertion(c.out, made);
  return absl::OkStatus();
}

// ---- decisions

absl::Status Same(Context& c) {
  AssertSameRequest request;
  for (const auto& word : c.args.operands()) AddMembers(word, *request.mutable_group());
  request.set_reason(c.args.Get("reason"));
  Assertion made;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &made));
  ShowAssertion(c.out, made);
  return absl::OkStatus();
}

absl::Status Different(Context& c) {
  AssertDifferentRequest request;
  for (const auto& word : c.args.operands()) AddMembers(word, *request.add_groups());
  request.set_reason(c.args.Get("reason"));
  Assertion made;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &made));
  ShowAssertion(c.out, made);
  return absl::OkStatus();
}

absl::Status Unlink(Context& c) {
  UnlinkRecordsRequest request;
  request.set_person(Name("people", c.args.Operand(0)));
  for (const auto& word : CommaWords(c.args.Operand(1))) request.add_records(Member(word));
  request.set_reason(c.args.Get("reason"));
  UnlinkRecordsResponse response;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &response));
  ShowAssertion(c.out, response.assertion());
  c.out.Say("Opt-outs recorded while they were one person go on applying to both until somebody decides.");
  return absl::OkStatus();
}

absl::Status Revoke(Context& c) {
  RevokeAssertionRequest request;
  request.set_name(Name("assertions", c.args.Operand(0)));
  request.set_reason(c.args.Get("reason"));
  Assertion revoked;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &revoked));
  ShowAssertion(c.out, revoked);
  return absl::OkStatus();
}

absl::Status ListAssertions(Context& c) {
  ListAssertionsRequest request;
  request.set_show_revoked(c.args.Has("revoked"));
  if (c.args.Has("about")) request.set_about(Member(c.args.Get("about")));
  ListAssertionsResponse page;
  return c.client.EachPage(request, &page, [&] {
    for (const Assertion& assertion : page.assertions()) ShowAssertion(c.out, assertion);
    return absl::OkStatus();
  });
}

// ---- explanations

absl::Status Explain(Context& c) {
  ExplainLinkRequest request;
  request.set_record_a(Member(c.args.Operand(0)));
  request.set_record_b(Member(c.args.Operand(1)));
  LinkExplanation e;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &e));
  if (c.out.json()) {
    c.out.Json(e);
    return absl::OkStatus();
  }
  c.out.Data(e.linked()
                 ? fmt::format("One person: {}", c.out.Bold(e.person_a()))
                 : fmt::format("Two people: {} and {}", c.out.Bold(e.person_a()), c.out.Bold(e.person_b())));
  c.out.Data("  " + e.record_a());
  c.out.Data("  " + e.record_b());
  ShowExplanation(c.out, e);
  return absl::OkStatus();
}

absl::Status Match(Context& c) {
  MatchContactRequest request;
  for (const auto& word : c.args.operands()) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      return UsageError(fmt::format("\"{}\" is not FIELD=VALUE, e.g. family_name=Archer.", word));
    (*request.mutable_fields())[word.substr(0, equals)] = word.substr(equals + 1);
  }
  PHAROS_ASSIGN_OR_RETURN(int64_t most, NumberOf(c.args, "most", 10));
  request.set_most(static_cast<int>(std::min<int64_t>(most, 51)));
  MatchContactResponse response;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &response));
  for (const auto& candidate : response.candidates()) {
    if (c.out.json()) {
      c.out.Json(candidate);
      continue;
    }
    c.out.Data(fmt::format(
        "{}  {}  {} bits, {}", c.out.Bold(candidate.person()), candidate.record(),
        BitsText(candidate.weight()),
        candidate.would_link() ? "would be linked without asking" : "would not be linked by itself"));
    for (const auto& line : WaterfallLines(candidate.evidence())) c.out.Data(line);
  }
  if (response.candidates().empty()) c.out.Say("Nobody is likely enough.");
  return absl::OkStatus();
}

// ---- known links

class Problems {
 public:
  Problems(Output& out, const std::string& file) : out_(out) {
    if (file.empty()) return;
    file_.open(file, std::ios::trunc);
    file_ << "line,person_id,reason,message\n";
  }
  bool ok() const { return static_cast<bool>(file_); }
  void Add(int64_t line, const std::string& person, const std::string& reason, const std::string& message) {
    ++count_;
    if (file_.is_open()) {
      std::string quoted;
      for (const char ch : message) quoted += ch == '"' ? "\"\"" : std::string(1, ch);
      file_ << line << ',' << person << ',' << reason << ",\"" << quoted << "\"\n";
    } else if (count_ <= kShownProblems) {
      out_.Warn(fmt::format("line {}{}: {} [{}]", line, person.empty() ? "" : ", person " + person, message,
                            reason));
    }
  }
  void End() {
    if (!file_.is_open() && count_ > kShownProblems)
      out_.Warn(fmt::format("… and {} more. Use --errors FILE to have them all.",
                            Thousands(count_ - kShownProblems)));
    file_.flush();
  }
  int64_t count() const { return count_; }

 private:
  Output& out_;
  std::ofstream file_;
  int64_t count_ = 0;
};

absl::Status AssertFile(Context& c) {
  std::ifstream file(c.args.Get("file"), std::ios::binary);
  if (!file) return UsageError(fmt::format("The file {} cannot be read.", c.args.Get("file")));
  Problems problems(c.out, c.args.Get("errors"));
  if (!problems.ok()) return UsageError(fmt::format("The file {} cannot be written.", c.args.Get("errors")));
  PHAROS_ASSIGN_OR_RETURN(const KnownLinks links, ReadKnownLinks(file));
  for (const auto& problem : links.problems) problems.Add(problem.line, "", "ROW_WRONG", problem.message);
  const auto total = static_cast<int64_t>(links.people.size());
  const auto on_answer = [&](const ImportAssertionsResponse& answer) {
    for (const auto& problem : answer.problems()) {
      const auto at = static_cast<size_t>(problem.group());
      if (at < links.people.size())
        problems.Add(links.people[at].line, links.people[at].id, problem.reason(), problem.message());
    }
    if (c.out.terminal()) {
      c.out.Progress(fmt::format("{} of {} people: {} stored, {} known already",
                                 Thousands(answer.stored() + answer.unchanged()), Thousands(total),
                                 Thousands(answer.stored()), Thousands(answer.unchanged())));
    }
  };
  const auto sent =
      SendKnownLinks(c.client, c.args.Get("reason", "known links from a file"), links.people, on_answer);
  problems.End();
  if (!sent.ok()) return sent.status();
  if (c.out.json()) {
    ImportAssertionsResponse summary = *sent;
    summary.clear_problems();
    c.out.Json(summary);
  } else {
    c.out.Data(fmt::format("{} rows: {} people of one record, {} linked, {} known already, {} not stored",
                           Thousands(links.rows), Thousands(links.alone), Thousands(sent->stored()),
                           Thousands(sent->unchanged()), Thousands(problems.count())));
  }
  return absl::OkStatus();
}

Option Reason() {
  return {"reason", "TEXT", "why, for whoever looks at it later", true};
}

}  // namespace

std::vector<Command> IdentityCommands() {
  std::vector<Command> commands = {
      {"identity",
       "reviews",
       "",
       "Pairs of people who may be one, likeliest first, with what speaks for and against.",
       {"identity reviews", "identity reviews --person 01jd3v7m8q0000000000000000 --json"},
       {{"person", "PERSON", "only pairs with this person"}, {"most", "NUMBER", "how many; else 20"}},
       ListReviews},
      {"identity",
       "decide",
       "REVIEW",
       "Decide a pair: one person, or two for good.",
       {"identity decide reviews/quit.2.q1.news.n7 --same --reason \"spoke to her\""},
       {{"same", "", "they are one person"}, {"different", "", "they are not"}, Reason()},
       Decide},
      {"identity",
       "same",
       "MEMBER [MEMBER] [MEMBER] [MEMBER]",
       "Say that records or people are one person.",
       {"identity same quit/q-17 news/n-3 --reason \"confirmed by phone\"",
        "identity same 01jd3v7m8q0000000000000000,01jd3v7m8q0000000000000001 --reason \"same NHS number\""},
       {Reason()},
       Same},
      {"identity",
       "different",
       "GROUP GROUP [GROUP] [GROUP]",
       "Say that records or people are different people; members of a group with commas.",
       {"identity different quit/q-17,news/n-3 screening/s-4 --reason \"father and son\""},
       {Reason()},
       Different},
      {"identity",
       "unlink",
       "PERSON RECORDS",
       "Take records out of a person; both sides get back the ids that they had.",
       {"identity unlink 01jd3v7m8q0000000000000000 news/n-3,news/n-4 --reason \"another Ann Lee\""},
       {Reason()},
       Unlink},
      {"identity",
       "revoke",
       "ASSERTION",
       "Take a decision back: what would hold without it holds again.",
       {"identity revoke assertions/01jd3v7m8q0000000000000000 --reason \"wrong file\""},
       {Reason()},
       Revoke},
      {"identity",
       "assertions",
       "",
       "Decisions about who is who, newest first.",
       {"identity assertions", "identity assertions --about quit/q-17 --revoked"},
       {{"about", "MEMBER", "only those that name this record or person"},
        {"revoked", "", "those taken back too"}},
       ListAssertions},
      {"identity",
       "explain",
       "RECORD RECORD",
       "Why two records are, or are not, one person: each comparison in bits.",
       {"identity explain quit/q-17 news/n-3"},
       {},
       Explain},
      {"identity",
       "match",
       "FIELD=VALUE [FIELD=VALUE] [FIELD=VALUE] [FIELD=VALUE] [FIELD=VALUE] [FIELD=VALUE] [FIELD=VALUE] "
       "[FIELD=VALUE]",
       "Who this could be, without storing anything.",
       {"identity match given_name=Ann family_name=Lee phone=\"07700 900123\""},
       {{"most", "NUMBER", "how many people; else 10"}},
       Match},
      {"identity",
       "assert",
       "",
       "Load known links from a CSV file with the columns source, record_id and person_id.",
       {"identity assert --file truth.csv --errors problems.csv"},
       {{"file", "FILE", "the CSV file", true},
        {"reason", "TEXT", "where they come from"},
        {"errors", "FILE", "write what was not stored, with line and reason, as CSV"}},
       AssertFile}};
  for (Command& command : IdentityModelCommands()) commands.push_back(std::move(command));
  return commands;
}

}  // namespace pharos::cli
