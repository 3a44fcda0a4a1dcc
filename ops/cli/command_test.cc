#include "ops/cli/command.h"

#include <set>

#include "gmock/gmock.h"

namespace pharos::cli {
namespace {

using testing::HasSubstr;

std::string MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

TEST(Commands, AreFoundByNounAndVerb) {
  auto commands = AllCommands();
  auto found = FindCommand(commands, {"campaign", "watch", "quit-1"});
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->command->verb, "watch");
  EXPECT_EQ(found->words, 2u);
  EXPECT_EQ(FindCommand(commands, {"import", "a.csv"})->words, 1u);
}

TEST(Commands, ASlipNamesTheNearest) {
  auto commands = AllCommands();
  EXPECT_THAT(MessageOf(FindCommand(commands, {"campain", "list"}).status()),
              HasSubstr("Did you mean \"campaign\"?"));
  EXPECT_THAT(MessageOf(FindCommand(commands, {"campaign", "lanch"}).status()),
              HasSubstr("Did you mean \"launch\"?"));
  EXPECT_THAT(MessageOf(FindCommand(commands, {"campaign"}).status()), HasSubstr("needs a verb"));
}

TEST(Commands, EachHasExamplesFirstAndOneMeaning) {
  std::set<std::string> seen;
  for (const Command& command : AllCommands()) {
    EXPECT_TRUE(seen.insert(command.noun + " " + command.verb).second) << command.noun << " " << command.verb;
    ASSERT_FALSE(command.examples.empty()) << command.noun << " " << command.verb;
    std::string help = HelpOf(command);
    EXPECT_LT(help.find("Examples:"), help.find("Usage:"));
  }
}

// A help text that does not parse would be worse than none.
TEST(Commands, ExamplesNameTheirOwnCommand) {
  for (const Command& command : AllCommands()) {
    for (const std::string& example : command.examples) {
      EXPECT_EQ(example.find(command.verb.empty() ? command.noun : command.noun + " " + command.verb), 0u)
          << example;
    }
  }
}

TEST(Output, ExitCodesAreTheDocumentedOnes) {
  EXPECT_EQ(ExitCode(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCode(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitCode(absl::NotFoundError("")), 3);
  EXPECT_EQ(ExitCode(absl::PermissionDeniedError("")), 4);
  EXPECT_EQ(ExitCode(absl::UnauthenticatedError("")), 4);
  EXPECT_EQ(ExitCode(absl::AbortedError("")), 5);
  EXPECT_EQ(ExitCode(absl::FailedPreconditionError("")), 6);
  EXPECT_EQ(ExitCode(absl::UnavailableError("")), 75);
  EXPECT_EQ(ExitCode(absl::InternalError("")), 1);
}

TEST(Output, ThousandsAreSeparated) {
  EXPECT_EQ(Thousands(0), "0");
  EXPECT_EQ(Thousands(999), "999");
  EXPECT_EQ(Thousands(1234567), "1,234,567");
}

}  // namespace
}  // namespace pharos::cli
