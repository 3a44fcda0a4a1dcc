// Promise 12 on disk: no personal value stands in clear in any file of the stores, and without access's key
// nothing starts. Made true by storage/seal.cc (the envelope), services/customer/sealed_rows.cc (what is
// personal), services/access/vault.cc (one key for each record, wrapped), services/access/key_file.cc (the
// key that opens them) and storage/blind_index.cc (what stands in keys instead).
#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>

#include "gmock/gmock.h"
#include "services/base/text.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Found nowhere else, in lower case.
constexpr const char* kCanaries[] = {"quillabrix",     "zanthorpe",  "wimbleforth",
                                     "canary.example", "7700900777", "7700900778"};

class SealedOnDisk : public ::testing::Test {
 protected:
  // Everything that a service might keep: imported, changed, linked, sent, opted out.
  void Live(System& system) {
    ASSERT_TRUE(system.ok());
    const Story story(system);
    const Contact first{.id = "a",
                        .given = "Quillabrix",
                        .family = "Zanthorpe",
                        .email = "quillabrix.z@canary.example",
                        .phone = "07700900777",
                        .consent_email = "granted"};
    Contact renamed = first;
    renamed.family = "Wimbleforth";
    const Contact second{.id = "b",
                         .given = "QUILLABRIX",
                         .family = "Wimbleforth",
                         .phone = "07700900778",
                         .consent = "granted"};
    story.ImportAll(kQuit, FileOf({first, second}));
    story.ImportAll(kQuit, FileOf({renamed}));
    story.ImportAll(kNews, FileOf({first}));  // links
    story.Run("texts");
    ASSERT_TRUE(story.Finished("texts"));
    story.Run("mails", {.channels = {type::v1::CHANNEL_EMAIL}});
    ASSERT_TRUE(story.Finished("mails"));
    Must(story.Withdraw(story.PersonWithPhone("07700900778").name(), type::v1::SCOPE_EVERYTHING));
    const Network network = ReadNetwork(system.journal());
    ASSERT_EQ(network.accepted.size(), 3u) << "the canaries really went through";
  }
  // "<file>: <canary>" for each that stands there, whatever its case.
  static std::vector<std::string> InClear(const std::string& folder) {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      const std::string bytes = base::LowerAscii(entry.path().string() + "\n" + ReadFile(entry.path()));
      for (const char* canary : kCanaries) {
        if (bytes.find(canary) != std::string::npos)
          found.push_back(fmt::format("{}: {}", entry.path().string(), canary));
      }
    }
    return found;
  }
};

TEST_F(SealedOnDisk, NoFileHoldsAPersonalValue) {
  System system({.mail = true});
  Live(system);
  EXPECT_THAT(InClear(system.data()), IsEmpty()) << "while it runs";
  system.KillAndRestartPharosd();  // logs are replayed into tables
  EXPECT_EQ(system.pharosd().Stop(), 0);
  EXPECT_THAT(InClear(system.data()), IsEmpty()) << "after it has stopped";
}

// So the search finds what is there.
TEST_F(SealedOnDisk, WithoutSealingTheSameSearchFindsThem) {
  System system({.mail = true, .seal = false});
  Live(system);
  EXPECT_EQ(system.pharosd().Stop(), 0);
  const std::vector<std::string> found = InClear(system.data());
  for (const char* canary : kCanaries) EXPECT_THAT(found, ::testing::Contains(HasSubstr(canary)));
}

TEST_F(SealedOnDisk, KeysAreTheirOwnersAlone) {
  System system;
  ASSERT_TRUE(system.ok());
  const Story story(system);
  story.ImportAll(kQuit, FileOf(3));
  int files = 0;
  for (const auto& entry : fs::directory_iterator(system.data() + "/keys")) {
    struct stat info {};
    ASSERT_EQ(stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 2) << "access's key, and the one of the blind index";
}

TEST_F(SealedOnDisk, WithoutItsKeyNothingStarts) {
  System system({.start_connector = false});
  ASSERT_TRUE(system.ok());
  const Story story(system);
  story.ImportAll(kQuit, FileOf({{.id = "a", .given = "Quillabrix", .phone = "07700900777"}}));
  const std::string key = system.data() + "/keys/access.kek", aside = system.folder() + "/aside.kek";
  ASSERT_EQ(system.pharosd().Stop(), 0);
  ASSERT_TRUE(fs::exists(key));
  fs::rename(key, aside);
  system.pharosd().Start();
  EXPECT_GT(system.pharosd().Wait(20), 0) << "it must end by itself, with a code that says why";
  EXPECT_THAT(system.pharosd().Log(), HasSubstr("access.kek is gone"));
  EXPECT_THAT(system.pharosd().Log(), HasSubstr("Restore the file"));
  EXPECT_FALSE(fs::exists(key)) << "a new key would open nothing";

  fs::rename(aside, key);
  system.StartPharosd();
  EXPECT_THAT(story.PersonWithPhone("07700900777").ShortDebugString(), HasSubstr("Quillabrix"));
}

}  // namespace
}  // namespace pharos::tests
