#include "ops/cli/args.h"

#include "gmock/gmock.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<Option> kOptions = {{"source", "SOURCE", "whose records", true},
                                      {"dry-run", "", "store nothing"},
                                      {"value", "F=V", "a value", false, true}};

std::string MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

TEST(Args, OptionsStandAnywhereAndTakeValuesEitherWay) {
  auto args =
      Args::Parse({"a.csv", "--source", "quit", "--dry-run", "--value=x=1", "--value", "y=2"}, kOptions);
  ASSERT_TRUE(args.ok()) << args.status();
  EXPECT_THAT(args->operands(), ElementsAre("a.csv"));
  EXPECT_EQ(args->Get("source"), "quit");
  EXPECT_TRUE(args->Has("dry-run"));
  EXPECT_THAT(args->All("value"), ElementsAre("x=1", "y=2"));
}

TEST(Args, AfterTwoDashesEverythingIsAnOperand) {
  auto args = Args::Parse({"--source=quit", "--", "--dry-run"}, kOptions);
  ASSERT_TRUE(args.ok());
  EXPECT_FALSE(args->Has("dry-run"));
  EXPECT_THAT(args->operands(), ElementsAre("--dry-run"));
}

TEST(Args, UnknownOptionNamesTheNearest) {
  auto args = Args::Parse({"--sourse", "quit"}, kOptions);
  EXPECT_EQ(base::ReasonOf(args.status()), "USAGE");
  EXPECT_THAT(MessageOf(args.status()), HasSubstr("Did you mean --source?"));
}

TEST(Args, SaysWhatIsMissing) {
  EXPECT_THAT(MessageOf(Args::Parse({"a.csv"}, kOptions).status()), HasSubstr("--source SOURCE is missing"));
  EXPECT_THAT(MessageOf(Args::Parse({"--source"}, kOptions).status()), HasSubstr("needs a value"));
  EXPECT_THAT(MessageOf(Args::Parse({"--source=a", "--dry-run=yes"}, kOptions).status()),
              HasSubstr("takes no value"));
  EXPECT_THAT(MessageOf(Args::Parse({"--source=a", "--source=b"}, kOptions).status()), HasSubstr("twice"));
}

TEST(Args, NumbersAndFilesAreChecked) {
  const std::vector<Option> options = {{"last", "NUMBER", ""}, {"file", "FILE", ""}};
  auto args = Args::Parse({"--last", "12", "--file", "/nonexistent/file"}, options);
  EXPECT_EQ(*NumberOf(*args, "last", 3), 12);
  EXPECT_EQ(*NumberOf(*Args::Parse({}, options), "last", 3), 3);
  EXPECT_FALSE(NumberOf(*Args::Parse({"--last", "-1"}, options), "last", 3).ok());
  EXPECT_EQ(base::ReasonOf(FileOf(*args, "file").status()), "USAGE");
}

}  // namespace
}  // namespace pharos::cli
