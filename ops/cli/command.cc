#include "ops/cli/command.h"

#include <algorithm>

#include "fmt/format.h"
#include "services/base/text.h"

namespace pharos::cli {
namespace {

std::string Line(const Command& command) {
  std::string line = "pharos " + command.noun;
  if (!command.verb.empty()) line += " " + command.verb;
  if (!command.operands.empty()) line += " " + command.operands;
  return line;
}

std::string OptionLines(const std::vector<Option>& options) {
  std::string text;
  for (const Option& option : options) {
    std::string left = "--" + option.name + (option.value.empty() ? "" : " " + option.value);
    text += fmt::format("  {:<28} {}{}\n", left, option.help, option.required ? " (needed)" : "");
  }
  return text;
}

std::vector<std::string> Nouns(const std::vector<Command>& commands) {
  std::vector<std::string> nouns;
  for (const Command& command : commands) {
    if (std::find(nouns.begin(), nouns.end(), command.noun) == nouns.end()) nouns.push_back(command.noun);
  }
  return nouns;
}

std::string DidYouMean(const std::string& nearest) {
  return nearest.empty() ? "" : fmt::format(" Did you mean \"{}\"?", nearest);
}

}  // namespace

const std::vector<Option>& CommonOptions() {
  static const auto* options = new std::vector<Option>{
      {"server", "ADDRESS", "where pharosd listens; else PHAROS_SERVER, else 127.0.0.1:7443"},
      {"config", "FILE", "pharos.toml, which says where each service listens; else PHAROS_CONFIG"},
      {"token-file", "FILE", "file with your access token; else PHAROS_TOKEN_FILE"},
      {"purpose", "PURPOSE", "for what you act, kept with what you read; else PHAROS_PURPOSE"},
      {"request-id", "ID", "repeat a change safely: the same id gives the first answer again"},
      {"patience", "SECONDS", "how long to try again while the server cannot be reached; else 5"},
      {"json", "", "JSON on standard output, one object a line for lists"},
      {"quiet", "", "no talk on standard error, only errors"},
      {"help", "", "examples and options"}};
  return *options;
}

std::vector<Option> CommonOptionsOf(const Command& command) {
  std::vector<Option> common;
  for (const Option& option : CommonOptions()) {
    bool own = std::any_of(command.options.begin(), command.options.end(),
                           [&](const Option& other) { return other.name == option.name; });
    if (!own) common.push_back(option);
  }
  return common;
}

std::vector<Command> AllCommands() {
  std::vector<Command> all;
  for (auto make :
       {SourceCommands,   PurposeCommands,  ImportCommands,   AgreementCommands,    FeedCommands,
        PersonCommands,   IdentityCommands, AudienceCommands, QueryCommands,        ReferenceCommands,
        TemplateCommands, CampaignCommands, MessageCommands,  InboxCommands,        WhyCommands,
        ConsentCommands,  EndpointCommands, DispatchCommands, OrganisationCommands, PrincipalCommands,
        ActCommands,      SandboxCommands,  DoctorCommands}) {
    for (Command& command : make()) all.push_back(std::move(command));
  }
  return all;
}

absl::StatusOr<Found> FindCommand(const std::vector<Command>& commands,
                                  const std::vector<std::string>& words) {
  std::vector<std::string> verbs;
  for (const Command& command : commands) {
    if (words.empty() || command.noun != words[0]) continue;
    if (command.verb.empty()) return Found{&command, 1};
    if (words.size() > 1 && command.verb == words[1]) return Found{&command, 2};
    verbs.push_back(command.verb);
  }
  if (words.empty()) return UsageError("Say what to do. \"pharos --help\" shows all commands.");
  if (verbs.empty()) {
    return UsageError(fmt::format("There is no command \"{}\".{} \"pharos --help\" shows all commands.",
                                  words[0], DidYouMean(base::Nearest(words[0], Nouns(commands)))));
  }
  if (words.size() < 2) {
    return UsageError(fmt::format("\"pharos {}\" needs a verb: {}.", words[0], fmt::join(verbs, ", ")));
  }
  return UsageError(fmt::format("\"pharos {}\" has no verb \"{}\".{} It has: {}.", words[0], words[1],
                                DidYouMean(base::Nearest(words[1], verbs)), fmt::join(verbs, ", ")));
}

std::string HelpOf(const Command& command) {
  std::string text = command.summary + "\n\nExamples:\n";
  for (const std::string& example : command.examples) text += "  pharos " + example + "\n";
  text += "\nUsage: " + Line(command) + (command.options.empty() ? "" : " [options]") + "\n";
  if (!command.options.empty()) text += "\nOptions:\n" + OptionLines(command.options);
  return text + "\nEvery command also takes:\n" + OptionLines(CommonOptionsOf(command));
}

std::string HelpOfNoun(const std::vector<Command>& commands, std::string_view noun) {
  std::string examples, list;
  for (const Command& command : commands) {
    if (command.noun != noun) continue;
    if (!command.examples.empty()) examples += "  pharos " + command.examples[0] + "\n";
    list += fmt::format("  {:<44} {}\n", Line(command).substr(7), command.summary);
  }
  return "Examples:\n" + examples + "\nCommands:\n" + list + "\nAdd --help to a command for its options.\n";
}

std::string HelpOfAll(const std::vector<Command>& commands) {
  std::string text =
      "pharos: people, consent and campaigns.\n\nExamples:\n"
      "  pharos import quit.csv --source quit --consent-purpose stop-smoking\n"
      "  pharos audience count smokers --purpose stop-smoking\n"
      "  pharos campaign watch quit-1\n"
      "  pharos why --campaign quit-1 --phone \"07700 900123\"\n\nCommands:\n";
  for (const Command& command : commands) {
    text += fmt::format("  {:<44} {}\n", Line(command).substr(7), command.summary);
  }
  text += "\nEvery command takes:\n" + OptionLines(CommonOptions());
  return text +
         "\nExit codes: 0 done, 2 wrong usage or input, 3 not found, 4 denied, 5 conflict, 6 refused by a "
         "rule,\n"
         "75 try again later, 1 anything else. Data is on standard output, talk on standard error.\n";
}

}  // namespace pharos::cli
