// Long work is done once, however often and by however many it is asked for.
#include "services/customer/model_work.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "services/base/errors.h"

namespace pharos::customer {
namespace {

constexpr int64_t kLong = 20'000'000;

TEST(ModelWork, WhoAsksMeanwhileWaitsAndIsToldWhenItTakesTooLong) {
  ModelWork work;
  std::atomic<bool> done = false, go_on = false, begun = false;
  std::atomic<int> runs = 0;
  const auto done_already = [&] { return done.load(); };
  const auto slowly = [&] {
    ++runs;
    begun = true;
    begun.notify_all();
    go_on.wait(false);
    done = true;
    return absl::OkStatus();
  };
  std::thread first([&] { EXPECT_TRUE(work.Run(kLong, done_already, slowly).ok()); });
  begun.wait(false);
  EXPECT_EQ(base::ReasonOf(work.Run(0, done_already, slowly)), "STILL_WORKING");
  std::thread second([&] { EXPECT_TRUE(work.Run(kLong, done_already, slowly).ok()); });
  go_on = true;
  go_on.notify_all();
  first.join();
  second.join();
  EXPECT_EQ(runs, 1);
}

TEST(ModelWork, AFailureIsTheAnswerAndTheNextMayTryAgain) {
  ModelWork work;
  const auto never = [] { return false; };
  EXPECT_EQ(work.Run(kLong, never, [] { return absl::AbortedError("x"); }), absl::AbortedError("x"));
  EXPECT_TRUE(work.Run(kLong, never, [] { return absl::OkStatus(); }).ok());
}

}  // namespace
}  // namespace pharos::customer
