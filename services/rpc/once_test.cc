// Idempotent mutations over a real store in memory.
#include "services/rpc/once.h"

#include "gmock/gmock.h"
#include "pharos/customer/v1/source_service.pb.h"
#include "pharos/record/v1/change.pb.h"
#include "services/base/errors.h"
#include "storage/open.h"

namespace pharos::rpc {
namespace {

namespace v1 = pharos::customer::v1;

constexpr int64_t kNow = 1'790'000'000'000'000;
constexpr int64_t kDay = int64_t{24} * 3600 * 1'000'000;

class ACall : public Call {
 public:
  ACall() {
    caller_.principal = "principals/ada";
    method_ = "/pharos.customer.v1.SourceService/CreateSource";
    request_id_ = "r1";
  }
  int64_t RemainingMicros() const override { return 1'000'000; }
  bool cancelled() const override { return false; }
};

class OnceTest : public ::testing::Test {
 protected:
  OnceTest() {
    storage::OpenOptions options;
    options.folder = "/once_test";
    options.name = "test";
    options.in_memory = true;
    auto opened = storage::Open(options);
    if (opened.ok()) store_ = *std::move(opened);
  }
  void SetUp() override { ASSERT_NE(store_, nullptr); }

  absl::Status Run(const std::string& request_id, const std::string& source_id, v1::Source& response,
                   int64_t now_us = kNow, absl::Status result = absl::OkStatus()) {
    v1::CreateSourceRequest request;
    request.set_source_id(source_id);
    (*request.mutable_source()->mutable_field_trust())["email"] = 1;
    (*request.mutable_source()->mutable_field_trust())["phone"] = 2;
    request.set_request_id(request_id);
    return Once(
        call_, *store_, request, response,
        [&](storage::Transaction& tx) {
          ++runs_;
          response.set_name("sources/" + source_id);
          response.set_create_time_us(runs_);
          tx.Put(std::string("\x01") + source_id, "here");
          return result;
        },
        now_us);
  }

  ACall call_;
  std::unique_ptr<storage::Store> store_;
  int runs_ = 0;
};

TEST_F(OnceTest, ARepeatGetsTheFirstAnswer) {
  v1::Source first, second;
  ASSERT_TRUE(Run("r1", "staff", first).ok());
  ASSERT_TRUE(Run("r1", "staff", second).ok());
  EXPECT_EQ(runs_, 1);
  EXPECT_EQ(second.create_time_us(), 1);
}

TEST_F(OnceTest, AnotherBodyUnderTheSameIdIsRefused) {
  v1::Source response;
  ASSERT_TRUE(Run("r1", "staff", response).ok());
  const absl::Status status = Run("r1", "public", response);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(base::ReasonOf(status), "REQUEST_ID_REUSED");
  EXPECT_EQ(runs_, 1);
}

TEST_F(OnceTest, WithoutAnIdNothingIsRemembered) {
  v1::Source response;
  ASSERT_TRUE(Run("", "staff", response).ok());
  ASSERT_TRUE(Run("", "staff", response).ok());
  EXPECT_EQ(runs_, 2);
}

TEST_F(OnceTest, AnErrorIsNotRememberedAndWritesNothing) {
  v1::Source response;
  EXPECT_FALSE(Run("r1", "staff", response, kNow, absl::AlreadyExistsError("taken")).ok());
  EXPECT_FALSE(store_->Get("\x01staff")->has_value());
  EXPECT_TRUE(Run("r1", "staff", response).ok());
  EXPECT_EQ(runs_, 2);
}

TEST_F(OnceTest, IdsOfTwoCallersDoNotMeet) {
  v1::Source response;
  ASSERT_TRUE(Run("r1", "staff", response).ok());
  call_.caller_.principal = "principals/bob";
  EXPECT_TRUE(Run("r1", "public", response).ok());
  EXPECT_EQ(response.name(), "sources/public");
}

TEST_F(OnceTest, AnswersAreForgottenAfterSevenDays) {
  v1::Source response;
  ASSERT_TRUE(Run("r1", "staff", response).ok());
  ASSERT_TRUE(Run("r1", "staff", response, kNow + 7 * kDay).ok());
  EXPECT_EQ(runs_, 1);
  ASSERT_TRUE(Run("r1", "staff", response, kNow + 7 * kDay + 1).ok());
  EXPECT_EQ(runs_, 2);
}

TEST_F(OnceTest, AChangeSaysWhoDidWhatThroughWhat) {
  record::v1::ChangeEntry entry;
  ASSERT_TRUE(entry.ParseFromString(ChangeBy(call_, "sources/staff", "source.created", 3, kNow)));
  EXPECT_EQ(entry.principal(), "principals/ada");
  EXPECT_EQ(entry.rpc(), "/pharos.customer.v1.SourceService/CreateSource");
  EXPECT_EQ(entry.request_id(), "r1");
  EXPECT_EQ(entry.version(), 3u);
  ASSERT_TRUE(
      entry.ParseFromString(ChangeByLoop("internal:launch", "campaigns/x", "campaign.finished", 4, kNow)));
  EXPECT_EQ(entry.rpc(), "internal:launch");
}

}  // namespace
}  // namespace pharos::rpc
