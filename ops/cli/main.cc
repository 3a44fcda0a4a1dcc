// pharos: the command line. See command.h for how a command is described, experience of exit codes in
// output.h.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "ops/cli/addresses.h"
#include "ops/cli/command.h"
#include "ops/cli/words.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

absl::Status CheckOperands(const Command& command, const Args& args) {
  size_t least = 0, most = 0;
  for (size_t at = 0; at < command.operands.size();) {
    ++most;
    if (command.operands[at] != '[') ++least;
    size_t space = command.operands.find(' ', at);
    at = space == std::string::npos ? command.operands.size() : space + 1;
  }
  size_t given = args.operands().size();
  if (given >= least && given <= most) return absl::OkStatus();
  std::string line = command.noun + (command.verb.empty() ? "" : " " + command.verb);
  if (given > most) {
    return UsageError(fmt::format("\"pharos {}\" does not take \"{}\". Usage: pharos {} {}", line,
                                  args.operands()[most], line, command.operands));
  }
  return UsageError(fmt::format("Something is missing. Usage: pharos {} {}", line, command.operands));
}

absl::StatusOr<ClientOptions> OptionsOf(const Command& command, const Args& args) {
  ClientOptions options;
  // The doctor looks at a wrong file itself.
  if (command.noun != "doctor") PHAROS_RETURN_IF_ERROR(SetAddresses(args, options));
  bool own_purpose = std::any_of(command.options.begin(), command.options.end(),
                                 [](const Option& option) { return option.name == "purpose"; });
  options.purpose =
      Name("purposes", own_purpose ? FromEnvironment("PHAROS_PURPOSE", "")
                                   : args.Get("purpose", FromEnvironment("PHAROS_PURPOSE", "")));
  options.token_file = args.Get("token-file", FromEnvironment("PHAROS_TOKEN_FILE", ""));
  options.request_id = args.Get("request-id");
  if (args.Has("patience")) {
    char* end = nullptr;
    options.patience_s = std::strtod(args.Get("patience").c_str(), &end);
    if (*end != '\0' || options.patience_s < 0) return UsageError("--patience needs a number of seconds.");
  }
  return options;
}

int Fail(Output& out, const absl::Status& status) {
  out.Error(status);
  return ExitCode(status);
}

int RunCommand(const Command& command, const std::vector<std::string>& words) {
  std::vector<Option> options = command.options;
  std::vector<Option> common = CommonOptionsOf(command);
  options.insert(options.end(), common.begin(), common.end());
  Output plain(false, false);
  auto args = Args::Parse(words, options);
  if (!args.ok()) return Fail(plain, args.status());
  Output out(args->Has("json"), args->Has("quiet"));
  if (auto status = CheckOperands(command, *args); !status.ok()) return Fail(out, status);
  auto client_options = OptionsOf(command, *args);
  if (!client_options.ok()) return Fail(out, client_options.status());
  Client client(*client_options);
  client.on_wait = [&](const std::string& line) { out.Say(line); };
  Context context{*args, client, out};
  absl::Status status = command.run(context);
  return status.ok() ? 0 : Fail(out, status);
}

// "pharos --server X counts" is "pharos counts --server X".
std::vector<std::string> CommandFirst(const std::vector<std::string>& words) {
  size_t at = 0;
  while (at < words.size() && words[at].substr(0, 2) == "--") {
    bool takes_next = false;
    for (const Option& option : CommonOptions())
      takes_next |= words[at] == "--" + option.name && !option.value.empty();
    at = std::min(words.size(), at + (takes_next ? 2 : 1));
  }
  std::vector<std::string> turned(words.begin() + at, words.end());
  turned.insert(turned.end(), words.begin(), words.begin() + at);
  return turned;
}

bool WantsHelp(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word == "--") return false;
    if (word == "--help" || word == "-h") return true;
  }
  return words.empty() || words[0] == "help";
}

int Help(const std::vector<Command>& commands, std::vector<std::string> words) {
  std::vector<std::string> plain;
  for (const std::string& word : words) {
    if (word != "help" && word[0] != '-') plain.push_back(word);
  }
  auto found = FindCommand(commands, plain);
  bool is_noun = false;
  for (const Command& command : commands) is_noun |= !plain.empty() && command.noun == plain[0];
  std::string text = found.ok() ? HelpOf(*found->command)
                     : is_noun  ? HelpOfNoun(commands, plain[0])
                                : HelpOfAll(commands);
  std::fputs(text.c_str(), stdout);
  return 0;
}

int Main(const std::vector<std::string>& given) {
  std::vector<Command> commands = AllCommands();
  if (WantsHelp(given)) return Help(commands, given);
  if (given[0] == "--version") return std::puts("pharos 0.1.0") < 0;
  std::vector<std::string> words = CommandFirst(given);
  Output out(false, false);
  auto found = FindCommand(commands, words);
  if (!found.ok()) return Fail(out, found.status());
  return RunCommand(*found->command, {words.begin() + found->words, words.end()});
}

}  // namespace
}  // namespace pharos::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  return pharos::cli::Main({argv + 1, argv + argc});
}
