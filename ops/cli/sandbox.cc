// pharos sandbox: what people would see, from the inbox file that pharos-sandbox writes.
#include <fstream>

#include "fmt/format.h"
#include "ops/cli/command.h"
#include "ops/cli/inbox.h"
#include "ops/cli/words.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

constexpr int64_t kShown = 20;

void Show(Output& out, const InboxMessage& m, bool html) {
  out.Data(out.Bold(fmt::format("{}  {} to {} from {}", Time(m.t_ns / 1000), m.channel, m.to, m.from)));
  if (!m.subject.empty()) out.Data("Subject: " + m.subject);
  const std::string text = TextOf(m, html);
  out.Data(text.empty() && html ? "(no HTML part)" : text);
  out.Data("");
}

absl::Status ShowInbox(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(int64_t last, NumberOf(c.args, "last", kShown));
  const std::string name = c.args.Get("file", "sandbox.inbox");
  std::ifstream file(name);
  if (!file) {
    return base::MakeError(
        absl::StatusCode::kNotFound, "INBOX_MISSING",
        fmt::format("There is no file {}. Start pharos-sandbox with --inbox={} and send something.", name,
                    name));
  }
  InboxChoice choice{c.args.Get("to"), static_cast<size_t>(last)};
  for (const InboxMessage& message : ReadInbox(file, choice)) {
    if (c.out.json()) {
      c.out.Data(JsonOf(message, c.args.Has("html")));
    } else {
      Show(c.out, message, c.args.Has("html"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> SandboxCommands() {
  return {
      {"sandbox",
       "inbox",
       "",
       "The SMS and emails of a trial, as people see them.",
       {"sandbox inbox --file sandbox.inbox --to sam@example.org --last 1", "sandbox inbox --to 07700900123"},
       {{"file", "FILE", "what pharos-sandbox writes with --inbox; else sandbox.inbox here"},
        {"to", "ADDRESS", "only of this number or address"},
        {"last", "NUMBER", "how many, the newest; else 20"},
        {"html", "", "the HTML part of emails instead of their text"}},
       ShowInbox}};
}

}  // namespace pharos::cli
