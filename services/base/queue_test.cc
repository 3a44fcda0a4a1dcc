#include "services/base/queue.h"

#include <thread>

#include "gmock/gmock.h"

namespace pharos::base {
namespace {

using ::testing::ElementsAre;

TEST(BoundedQueue, RefusesPastItsLimit) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.TryPush(1));
  EXPECT_TRUE(queue.TryPush(2));
  EXPECT_FALSE(queue.TryPush(3));
  EXPECT_THAT(queue.PopAll(10, 0), ElementsAre(1, 2));
  EXPECT_TRUE(queue.TryPush(3));
}

TEST(BoundedQueue, PushWaitsForRoom) {
  BoundedQueue<int> queue(1);
  ASSERT_TRUE(queue.Push(1));
  std::thread writer([&] { EXPECT_TRUE(queue.Push(2)); });
  std::vector<int> seen;
  while (seen.size() < 2) {
    for (int item : queue.PopAll(10, 1'000'000)) seen.push_back(item);
  }
  writer.join();
  EXPECT_THAT(seen, ElementsAre(1, 2));
}

TEST(BoundedQueue, ClosesAfterItIsDrained) {
  BoundedQueue<int> queue(2);
  queue.Push(1);
  queue.Close();
  EXPECT_FALSE(queue.closed());
  EXPECT_FALSE(queue.Push(2));
  EXPECT_THAT(queue.PopAll(10, 1'000'000), ElementsAre(1));
  EXPECT_TRUE(queue.closed());
}

}  // namespace
}  // namespace pharos::base
