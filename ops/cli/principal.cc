// pharos principal, pharos whoami: who may call, with which roles and tokens.
#include <fcntl.h>
#include <unistd.h>

#include "fmt/format.h"
#include "ops/cli/command.h"
#include "ops/cli/words.h"
#include "pharos/access/v1/principal_service.pb.h"
#include "services/base/clock.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace access::v1;

constexpr int kPage = 1000;
constexpr int64_t kDaySeconds = 86'400;

void ShowPrincipal(Output& out, const Principal& p) {
  if (out.json()) return out.Json(p);
  out.Data(fmt::format("{}  {}{}{}{}", out.Bold(p.name()), fmt::join(p.roles(), ", "),
                       p.display_name().empty() ? "" : "  " + p.display_name(),
                       p.disabled() ? "  DISABLED" : "",
                       p.from_file() ? "  (from the tokens file: changed there)" : ""));
  for (const Token& token : p.tokens()) {
    std::string end = token.expire_time_us() > 0 ? "ends " + Time(token.expire_time_us()) : "until revoked";
    out.Data(fmt::format("  token {}  issued {}, {}", token.id(), Time(token.create_time_us()), end));
  }
}

void SetRoles(const std::string& words, Principal& p) {
  p.clear_roles();
  for (const std::string& role : CommaWords(words)) p.add_roles(role);
}

absl::Status Create(Context& c) {
  CreatePrincipalRequest request;
  request.set_principal_id(c.args.Operand(0));
  SetRoles(c.args.Get("roles"), *request.mutable_principal());
  request.mutable_principal()->set_display_name(c.args.Get("display-name"));
  Principal made;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &made));
  ShowPrincipal(c.out, made);
  c.out.Say(fmt::format("Next: pharos principal issue-token {} --out FILE", Short(made.name())));
  return absl::OkStatus();
}

absl::StatusOr<Principal> Read(Context& c) {
  GetPrincipalRequest request;
  request.set_name(Name("principals", c.args.Operand(0)));
  Principal found;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &found));
  return found;
}

absl::Status Get(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(Principal found, Read(c));
  ShowPrincipal(c.out, found);
  return absl::OkStatus();
}

absl::Status List(Context& c) {
  ListPrincipalsRequest request;
  request.set_page_size(kPage);
  ListPrincipalsResponse page;
  return c.client.EachPage(request, &page, [&] {
    for (const Principal& p : page.principals()) ShowPrincipal(c.out, p);
    return absl::OkStatus();
  });
}

absl::Status Write(Context& c, const Principal& principal) {
  UpdatePrincipalRequest request;
  *request.mutable_principal() = principal;
  if (c.args.Has("etag")) request.mutable_principal()->set_etag(c.args.Get("etag"));
  Principal updated;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &updated));
  ShowPrincipal(c.out, updated);
  c.out.Say("Every process knows it within a second.");
  return absl::OkStatus();
}

absl::Status Update(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(Principal p, Read(c));
  if (c.args.Has("roles")) SetRoles(c.args.Get("roles"), p);
  if (c.args.Has("display-name")) p.set_display_name(c.args.Get("display-name"));
  if (c.args.Has("enable")) p.set_disabled(false);
  return Write(c, p);
}

absl::Status Disable(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(Principal p, Read(c));
  p.set_disabled(true);
  return Write(c, p);
}

// Never over an existing file, and never readable by others, not even for a moment.
absl::Status WriteToken(const std::string& file, const std::string& token) {
  int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return UsageError(fmt::format("The file {} cannot be made, or is there already.", file));
  std::string line = token + "\n";
  bool ok = write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  ok = close(fd) == 0 && ok;
  return ok ? absl::OkStatus()
            : UsageError(fmt::format("The file {} cannot be written; revoke the token.", file));
}

absl::Status IssueToken(Context& c) {
  IssueTokenRequest request;
  request.set_name(Name("principals", c.args.Operand(0)));
  PHAROS_ASSIGN_OR_RETURN(int64_t days, NumberOf(c.args, "days", 0));
  request.set_valid_s(days * kDaySeconds);
  if (c.args.Has("out") && ::access(c.args.Get("out").c_str(), F_OK) == 0)
    return UsageError(fmt::format("The file {} is there already.", c.args.Get("out")));
  IssueTokenResponse issued;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &issued));
  if (c.args.Has("out")) {
    PHAROS_RETURN_IF_ERROR(WriteToken(c.args.Get("out"), issued.token()));
    issued.clear_token();
  }
  if (c.out.json()) {
    c.out.Json(issued);
  } else {
    c.out.Data(issued.token().empty()
                   ? fmt::format("token {} is in {}", issued.info().id(), c.args.Get("out"))
                   : issued.token());
  }
  if (!issued.token().empty())
    c.out.Say("Shown this once. Keep it in a file that only its owner can read (chmod 600).");
  return absl::OkStatus();
}

absl::Status Revoke(Context& c) {
  RevokeTokenRequest request;
  request.set_name(Name("principals", c.args.Operand(0)));
  request.set_token_id(c.args.Operand(1));
  Principal principal;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &principal));
  ShowPrincipal(c.out, principal);
  return absl::OkStatus();
}

absl::Status ShowMe(Context& c) {
  WhoAmIResponse me;
  PHAROS_RETURN_IF_ERROR(c.client.Call(WhoAmIRequest(), &me));
  if (c.out.json()) {
    c.out.Json(me);
    return absl::OkStatus();
  }
  c.out.Data(fmt::format("{}  {}", c.out.Bold(me.principal()), fmt::join(me.roles(), ", ")));
  c.out.Data(fmt::format("  may: {}", fmt::join(me.permissions(), ", ")));
  c.out.Data(fmt::format("  {}, policy version {}",
                         me.live() ? "live: messages reach real people" : "trial: only sandboxes",
                         me.policy_version()));
  return absl::OkStatus();
}

const char kRoles[] =
    "marketing, approver, analyst, partner, governance, operator, connector; several with commas";

}  // namespace

std::vector<Command> PrincipalCommands() {
  return {{"principal", "list", "", "Who may call.", {"principal list"}, {}, List},
          {"principal", "get", "ID", "One principal with its tokens.", {"principal get ann"}, {}, Get},
          {"principal",
           "create",
           "ID",
           "A person or process that may call.",
           {"principal create ann --roles marketing --display-name \"Ann Lee\""},
           {{"roles", "ROLES", kRoles, true}, {"display-name", "TEXT", "name for people"}},
           Create},
          {"principal",
           "update",
           "ID",
           "Change what is given; nobody changes their own roles.",
           {"principal update ann --roles marketing,analyst"},
           {{"roles", "ROLES", kRoles},
            {"display-name", "TEXT", "name for people"},
            {"enable", "", "may call again"},
            {"etag", "ETAG", "refuse if it is not this version any more"}},
           Update},
          {"principal",
           "disable",
           "ID",
           "May not call any more, from the next second on.",
           {"principal disable ann"},
           {{"etag", "ETAG", "refuse if it is not this version any more"}},
           Disable},
          {"principal",
           "issue-token",
           "ID",
           "Make a token; it is shown once.",
           {"principal issue-token ann --days 90 --out ann.token"},
           {{"days", "NUMBER", "how long it is valid; else until revoked"},
            {"out", "FILE", "write it there, readable by you only, instead of showing it"}},
           IssueToken},
          {"principal",
           "revoke-token",
           "ID TOKEN",
           "End one token; \"pharos principal get\" shows their ids.",
           {"principal revoke-token ann 3f9a12cd77e0"},
           {},
           Revoke},
          {"whoami", "", "", "Who you are to Pharos, and what you may do.", {"whoami"}, {}, ShowMe}};
}

}  // namespace pharos::cli
