// A checkpoint is the same index again, sealed; a damaged one is left out.
#include "services/audience/checkpoint.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "services/audience/checkpoint_fixture.h"

namespace pharos::audience {
namespace {

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    customer::internal::v1::FollowPeopleResponse response;
    for (int n = 0; n < 500; ++n) {
      auto& person = *response.add_people();
      person.set_person("people/" + std::string(22, '0') + std::to_string(1000 + n));
      (*person.mutable_fields())["area"] = "Canaryville";
    }
    response.set_cursor(42);
    index_->Apply(response);
  }
  static int64_t Count(const PeopleIndex& index) {
    int64_t people = 0;
    EXPECT_TRUE(index
                    .Read(0,
                          [&](const PeopleIndex::Reader& reader) {
                            people = reader.Count(*CompileFilter("area = Canaryville"));
                            return absl::OkStatus();
                          })
                    .ok());
    return people;
  }
  std::string Bytes() const {
    std::stringstream text;
    text << std::ifstream(folder_ + "/people.checkpoint", std::ios::binary).rdbuf();
    return text.str();
  }

  const std::string folder_ = testing::TempDir() + "audience_checkpoint_test";
  storage::KeyRing keys_{std::make_unique<GuessableKeys>()};
  const std::unique_ptr<PeopleIndex> index_ = PeopleIndex::New();
};

TEST_F(CheckpointTest, IsTheSameIndexAgain) {
  const Checkpoint checkpoint(folder_, keys_);
  ASSERT_TRUE(checkpoint.Save(*index_).ok());
  const auto again = PeopleIndex::New();
  const absl::Status loaded = checkpoint.Load(*again);
  ASSERT_TRUE(loaded.ok()) << loaded;
  EXPECT_EQ(again->position(), 42u);
  EXPECT_EQ(Count(*again), 500);
}

TEST_F(CheckpointTest, ShowsNothingOnDisk) {
  ASSERT_TRUE(Checkpoint(folder_, keys_).Save(*index_).ok());
  for (const char* canary : {"Canaryville", "canaryville"}) {
    EXPECT_EQ(Bytes().find(canary), std::string::npos);
  }
}

TEST_F(CheckpointTest, ADamagedOneIsLeftOutAndGone) {
  const Checkpoint checkpoint(folder_, keys_);
  const auto again = PeopleIndex::New();
  EXPECT_EQ(checkpoint.Load(*again).code(), absl::StatusCode::kNotFound);
  for (const int place : {3, 30, -1}) {
    ASSERT_TRUE(checkpoint.Save(*index_).ok());
    std::string bytes = Bytes();
    bytes[place < 0 ? bytes.size() - 1 : place] ^= 1;
    std::ofstream(folder_ + "/people.checkpoint", std::ios::binary) << bytes;
    EXPECT_EQ(checkpoint.Load(*again).code(), absl::StatusCode::kDataLoss) << place;
    EXPECT_EQ(again->position(), 0u);
    EXPECT_EQ(checkpoint.Load(*again).code(), absl::StatusCode::kNotFound);
  }
}

}  // namespace
}  // namespace pharos::audience
