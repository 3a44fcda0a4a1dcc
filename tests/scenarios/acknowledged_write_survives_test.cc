// Promise 4: an acknowledged write survives kill -9. Made true by storage/rocksdb/committer.cc (an answer
// waits for the sync), services/rpc/once.cc (the remembered answer commits with the write),
// services/customer/import_run.cc (rows are counted once they are durable) and
// services/customer/person_writer.cc (record, person and indexes in one commit). Cutting the power is shown
// by the crash tests of the store, on file level.
#include <fmt/format.h>

#include "gmock/gmock.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

class AcknowledgedWriteSurvives : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(system_.ok()); }

  System system_{{.start_connector = false}};
  Story story_{system_};
};

TEST_F(AcknowledgedWriteSurvives, AnImportThatWasAnswered) {
  story_.ImportAll(kQuit, FileOf(800));
  system_.KillAndRestartPharosd();
  EXPECT_EQ(story_.Counts().records(), 800);
  EXPECT_EQ(story_.Counts().people(), 800);
  for (int i : {0, 399, 799}) {
    const customer::v1::Person person = story_.PersonWithPhone(Phone(i));
    ASSERT_EQ(person.records_size(), 1);
    EXPECT_EQ(person.records(0), fmt::format("{}/records/r{}", kQuit, i));
    EXPECT_EQ(story_.Judge(person.name()).reason(), type::v1::ALLOW);
  }
}

TEST_F(AcknowledgedWriteSurvives, EveryRowThatAnImportHadCounted) {
  int64_t counted = 0;
  const ImportResult broken =
      story_.Import(kQuit, FileOf(20'000), [&](const customer::v1::ImportProgress& progress) {
        counted = progress.stored();
        system_.pharosd().Kill();
      });
  EXPECT_FALSE(broken.status.ok());
  ASSERT_GT(counted, 0) << "it ended before it said anything";
  system_.StartPharosd();
  const customer::v1::Counts counts = story_.Counts();
  EXPECT_GE(counts.records(), counted);
  EXPECT_LT(counts.records(), 20'000) << "the kill came too late to show anything";
  story_.PersonWithPhone(Phone(static_cast<int>(counted) - 1));
  // Sent again, it goes on where it was.
  const ImportResult again = story_.Import(kQuit, FileOf(20'000));
  EXPECT_TRUE(again.complete) << again.status;
  EXPECT_EQ(again.summary.unchanged(), counts.records());
  EXPECT_EQ(again.summary.stored(), 20'000 - counts.records());
  EXPECT_EQ(story_.Counts().people(), 20'000);
}

TEST_F(AcknowledgedWriteSurvives, AWithdrawalAndItsAnswer) {
  story_.ImportAll(kQuit, FileOf(10));
  const std::string person = story_.PersonWithPhone(Phone(3)).name();
  customer::v1::WithdrawConsentRequest request;
  request.set_person(person);
  request.set_scope(type::v1::SCOPE_EVERYTHING);
  request.set_how("phone call");
  request.set_request_id("the-same-call");
  const auto withdraw = [&] {
    return Must(story_.governance.Call<customer::v1::ConsentEntry>(
        "customer.v1.ConsentService/WithdrawConsent", request));
  };
  const customer::v1::ConsentEntry first = withdraw();
  system_.KillAndRestartPharosd();
  EXPECT_EQ(story_.Judge(person).reason(), type::v1::OPTED_OUT);
  EXPECT_EQ(withdraw().name(), first.name());  // a repeat is the same withdrawal
  EXPECT_EQ(story_.Judge(story_.PersonWithPhone(Phone(4)).name()).reason(), type::v1::ALLOW);
}

TEST_F(AcknowledgedWriteSurvives, EveryStepOfACampaign) {
  story_.ImportAll(kQuit, FileOf(50));
  story_.Draft("quit");
  system_.KillAndRestartPharosd();
  const campaign::v1::Campaign submitted = story_.Submit("quit");
  EXPECT_EQ(submitted.members(), 50);
  system_.KillAndRestartPharosd();
  EXPECT_EQ(story_.Report("quit").state(), campaign::v1::IN_REVIEW);
  EXPECT_EQ(story_.Report("quit").members(), 50);
  story_.Approve(submitted);
  system_.KillAndRestartPharosd();
  EXPECT_EQ(story_.Report("quit").state(), campaign::v1::APPROVED);
  story_.Launch("quit");
  system_.KillAndRestartPharosd();
  EXPECT_TRUE(Eventually([&] { return story_.Report("quit").intents() == 50; }));
  EXPECT_EQ(story_.Report("quit").state(), campaign::v1::RUNNING);
}

}  // namespace
}  // namespace pharos::tests
