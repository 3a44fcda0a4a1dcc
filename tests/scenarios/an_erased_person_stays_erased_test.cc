// Promises 7 and 10, as far as they go today: an erased person is not known any more, no feed brings them
// back, nobody writes to their number, and their id still resolves; after a restart too. Made true by
// services/customer/erasure.cc (suppression, words), linker.cc (tombstones), services/gate/gate.cc
// (ENDPOINT_SUPPRESSED) and services/customer/person_history.cc (nothing to read back). Data keys are not
// destroyed yet.
#include "gmock/gmock.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

class AnErasedPerson : public ::testing::Test {
 protected:
  absl::StatusOr<customer::v1::ErasePersonResponse> Erase(const Client& by, const std::string& person) {
    customer::v1::ErasePersonRequest request;
    request.set_person(person);
    request.set_reason("letter of 1 March");
    return by.Call<customer::v1::ErasePersonResponse>("customer.v1.PersonService/ErasePerson", request);
  }
  customer::v1::Person Full(const std::string& person, int64_t then = 0) {
    customer::v1::GetPersonRequest request;
    request.set_name(person);
    request.set_view(customer::v1::PERSON_VIEW_FULL);
    request.set_as_of_time_us(then);
    return Must(story_.governance.Call<customer::v1::Person>("customer.v1.PersonService/GetPerson", request));
  }

  System system_;
  Story story_{system_};
};

TEST_F(AnErasedPerson, IsNeitherKnownNorBroughtBackNorWrittenTo) {
  ASSERT_TRUE(system_.ok());
  const std::string file = FileOf({{.id = "ann", .given = "Annabelle", .phone = Phone(1)},
                                   {.id = "bea", .given = "Bea", .phone = Phone(2)}});
  story_.ImportAll(kQuit, file);
  const std::string ann = story_.PersonOf("sources/quit/records/ann").name();
  const int64_t before = WallNanos() / 1000;
  EXPECT_FALSE(Erase(story_.marketing, ann).ok()) << "not everybody may";
  const auto erased = Erase(story_.governance, ann);
  ASSERT_TRUE(erased.ok()) << erased.status();
  EXPECT_EQ(erased->records(), 1);
  EXPECT_EQ(erased->endpoints(), 1);

  const auto check = [&] {
    const customer::v1::Person person = Full(ann);
    EXPECT_EQ(person.name(), ann);
    EXPECT_TRUE(person.erased());
    EXPECT_EQ(person.fields_size(), 0);
    EXPECT_EQ(person.endpoints_size(), 0);
    EXPECT_EQ(Full(ann, before).fields_size(), 0) << "not as of an earlier time either";
  };
  check();
  system_.KillAndRestartPharosd();
  check();

  // The same feed, and another source that has the number.
  const ImportResult again = story_.Import(kQuit, file);
  EXPECT_EQ(again.summary.rejected(), 1);
  ASSERT_EQ(again.errors.size(), 1u);
  EXPECT_EQ(again.errors[0].reason(), "RECORD_ERASED");
  check();
  story_.ImportAll(kNews, FileOf({{.id = "x", .given = "Annabelle", .phone = Phone(1)}}));
  const std::string other = story_.PersonOf("sources/news/records/x").name();
  EXPECT_NE(other, ann);
  EXPECT_EQ(story_.Judge(other).reason(), type::v1::ENDPOINT_SUPPRESSED);

  EXPECT_EQ(story_.Run("quit").members(), 1) << "Bea alone";
  ASSERT_TRUE(story_.Finished("quit"));
  const Network network = ReadNetwork(system_.journal());
  EXPECT_EQ(network.MessagesTo(Number(1)), 0);
  EXPECT_EQ(network.MessagesTo(Number(2)), 1);
}

}  // namespace
}  // namespace pharos::tests
