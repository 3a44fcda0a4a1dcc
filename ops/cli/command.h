// A command: one noun and verb of `pharos`. Each noun has a file of its own that lists its commands.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ops/cli/args.h"
#include "ops/cli/client.h"
#include "ops/cli/output.h"

namespace pharos::cli {

// What a command works with.
struct Context {
  const Args& args;
  Client& client;
  Output& out;
};

struct Command {
  std::string noun;
  std::string verb;                   // empty: the noun is the command ("import", "why")
  std::string operands;               // shown in help; a word in brackets may be left out: "NAME", "[PERSON]"
  std::string summary;                // one line
  std::vector<std::string> examples;  // without "pharos "; shown first
  std::vector<Option> options;
  std::function<absl::Status(Context&)> run;
};

// Options that every command takes.
const std::vector<Option>& CommonOptions();
// Those that this one takes: without those that mean something of its own there (--purpose).
std::vector<Option> CommonOptionsOf(const Command& command);

std::vector<Command> SourceCommands();
std::vector<Command> PurposeCommands();
std::vector<Command> ImportCommands();
std::vector<Command> AgreementCommands();
// pharos sync, pharos feed.
std::vector<Command> FeedCommands();
std::vector<Command> PersonCommands();
std::vector<Command> IdentityCommands();
std::vector<Command> AudienceCommands();
std::vector<Command> QueryCommands();
std::vector<Command> ReferenceCommands();
std::vector<Command> TemplateCommands();
std::vector<Command> CampaignCommands();
std::vector<Command> MessageCommands();
std::vector<Command> InboxCommands();
std::vector<Command> ConsentCommands();
std::vector<Command> EndpointCommands();
std::vector<Command> DispatchCommands();
std::vector<Command> WhyCommands();
std::vector<Command> OrganisationCommands();
std::vector<Command> PrincipalCommands();
std::vector<Command> ActCommands();
std::vector<Command> SandboxCommands();
std::vector<Command> DoctorCommands();
// All of them, in the order of the main job.
std::vector<Command> AllCommands();

// The command that these words name, and how many of them it took. INVALID_ARGUMENT (USAGE) with the nearest
// noun or verb.
struct Found {
  const Command* command;
  size_t words;
};
absl::StatusOr<Found> FindCommand(const std::vector<Command>& commands,
                                  const std::vector<std::string>& words);

std::string HelpOf(const Command& command);
std::string HelpOfNoun(const std::vector<Command>& commands, std::string_view noun);
std::string HelpOfAll(const std::vector<Command>& commands);

}  // namespace pharos::cli
