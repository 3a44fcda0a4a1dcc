#include "services/customer/permit_table.h"

#include <gtest/gtest.h>

#include "services/customer/permit_fixture.h"

namespace pharos::customer {
namespace {

using Kind = PermitTable::Registration;

const std::string kA(16, 'a'), kB(16, 'b'), kPhone(16, 'p'), kOtherPhone(16, 'q');

struct PermitTableTest : testing::Test {
  base::FakeClock clock;
  PermitTable table{clock, kTerm, 0};

  uint64_t Take(const std::string& id, const std::string& person = "people/x",
                const std::string& endpoint = kPhone) {
    const auto registered = table.Register(id, person, endpoint);
    EXPECT_EQ(registered.kind, Kind::kFresh);
    table.Settle(id, registered.ticket, Answer(id));
    return registered.ticket;
  }
  static internal::v1::PermitAnswer Answer(const std::string& id) {
    internal::v1::PermitAnswer answer;
    answer.set_id(id);
    answer.mutable_granted()->set_address("447700900001");
    return answer;
  }
};

TEST_F(PermitTableTest, ARepeatIsAnsweredAsBeforeAndTouchesNothing) {
  Take(kA);
  clock.Advance(kTerm - 1);
  EXPECT_EQ(table.Register(kA, "people/x", kPhone).kind, Kind::kRepeat);
  EXPECT_EQ(table.AwaitAnswer(kA)->granted().address(), "447700900001");
  clock.Advance(1);  // D after the first registration, not after the repeat
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.Register(kA, "people/x", kPhone).kind, Kind::kFresh);
}

TEST_F(PermitTableTest, ARepeatWaitsForTheFirstRequestsLook) {
  const auto first = table.Register(kA, "people/x", kPhone);
  std::optional<internal::v1::PermitAnswer> answer;
  Waiting repeat([&] { answer = table.AwaitAnswer(kA); });
  EXPECT_TRUE(repeat.StaysOpen());
  table.Settle(kA, first.ticket, Answer(kA));
  repeat.Join();
  EXPECT_TRUE(answer.has_value());
}

TEST_F(PermitTableTest, ALateLookDoesNotTakeALaterRegistrationOut) {
  const auto slow = table.Register(kA, "people/x", kPhone);
  clock.Advance(kTerm);
  Take(kA);
  table.Remove(kA, slow.ticket);
  EXPECT_EQ(table.size(), 1u);
}

TEST_F(PermitTableTest, WaitsForExactlyWhatItTouches) {
  Take(kA, "people/x", kPhone);
  Take(kB, "people/y", kOtherPhone);
  EXPECT_TRUE(Waiting([&] {
                table.Await(*table.SnapshotTouching({{"people/z"}, {std::string(16, 'z')}}));
              }).Ends());
  for (const Touched& touched : {Touched{{"people/x"}, {}}, Touched{{}, {kPhone}}}) {
    Waiting wait([&] { table.Await(*table.SnapshotTouching(touched)); });
    EXPECT_TRUE(wait.StaysOpen());
    table.Release(kB);
    EXPECT_TRUE(wait.StaysOpen());
    table.Release(kA);
    EXPECT_TRUE(wait.Ends());
    Take(kA);
  }
}

TEST_F(PermitTableTest, EndsWhenThePermitExpiresAndNotBefore) {
  Take(kA);
  Waiting wait([&] { table.Await(*table.SnapshotAll()); });
  clock.Advance(kTerm - 1);
  EXPECT_TRUE(wait.StaysOpen());
  clock.Advance(1);
  EXPECT_TRUE(wait.Ends());
}

TEST_F(PermitTableTest, EachPermitMayLeaveInItsOwnWay) {
  Take(kA);
  clock.Advance(kTerm / 2);
  const auto looking = table.Register(kB, "people/x", kPhone);
  Waiting wait([&] { table.Await(*table.SnapshotAll()); });
  clock.Advance(kTerm / 2);  // A has expired
  EXPECT_TRUE(wait.StaysOpen());
  table.Remove(kB, looking.ticket);  // B was denied
  EXPECT_TRUE(wait.Ends());
}

TEST_F(PermitTableTest, LaterRegistrationsDoNotExtendTheWait) {
  Take(kA);
  const auto set = table.SnapshotAll();
  Take(kB);
  Waiting wait([&] { table.Await(*set); });
  EXPECT_TRUE(wait.StaysOpen());
  table.Release(kA);
  EXPECT_TRUE(wait.Ends());
  EXPECT_EQ(table.size(), 1u);
}

TEST_F(PermitTableTest, AnIdThatIsLookedAtCannotBeReleased) {
  const auto looking = table.Register(kA, "people/x", kPhone);
  table.Release(kA);
  EXPECT_EQ(table.size(), 1u);
  table.Settle(kA, looking.ticket, Answer(kA));
  table.Release(kA);
  EXPECT_EQ(table.size(), 0u);
}

TEST(PermitTableStart, AcknowledgesNothingBeforeTheLongestTermEverUsedHasPassed) {
  base::FakeClock clock;
  auto store = *storage::Open({.folder = "/customer", .name = "customer", .in_memory = true});
  const auto waits = [&](int64_t term_us, int64_t expected_us) {
    auto table = *PermitTable::Open(*store, clock, term_us);
    Waiting wait([&] { table->Await(*table->SnapshotAll()); });
    if (expected_us > 0) {
      clock.Advance(expected_us - 1);
      EXPECT_TRUE(wait.StaysOpen());
      clock.Advance(1);
    }
    EXPECT_TRUE(wait.Ends());
  };
  waits(kTerm, 0);  // a new store: no permit was ever given
  waits(kTerm, kTerm);
  waits(3 * kTerm, kTerm);      // a longer term from now on
  waits(kTerm / 2, 3 * kTerm);  // the longest ever, although it is shorter now
}

}  // namespace
}  // namespace pharos::customer
