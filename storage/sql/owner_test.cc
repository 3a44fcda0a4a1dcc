#include "storage/sql/owner.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "gtest/gtest.h"

namespace pharos::storage::sql {
namespace {

TEST(Owner, ThisProcessIsAlive) {
  EXPECT_EQ(IsAlive(ThisOwner()), Alive::kYes);
  EXPECT_NE(ThisOwner(), ThisOwner());
}

TEST(Owner, AProcessThatEndedIsNotEvenBeforeItsParentHasLooked) {
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(pipe(pipe_ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string owner = ThisOwner();
    _exit(write(pipe_ends[1], owner.data(), owner.size()) > 0 ? 0 : 1);
  }
  std::array<char, 512> text{};
  const ssize_t length = read(pipe_ends[0], text.data(), text.size());
  ASSERT_GT(length, 0);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);  // it stays as a zombie
  const std::string owner(text.data(), static_cast<size_t>(length));
  EXPECT_EQ(IsAlive(owner), Alive::kNo);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(IsAlive(owner), Alive::kNo);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST(Owner, OfAnotherMachineOneCannotTell) {
  EXPECT_EQ(IsAlive("elsewhere 0b2d pid:[1] 7 1234 00"), Alive::kCannotTell);
  EXPECT_EQ(IsAlive("not an owner"), Alive::kCannotTell);
  EXPECT_EQ(InWords("elsewhere 0b2d pid:[1] 7 1234 00"), "process 7 on host elsewhere");
}

}  // namespace
}  // namespace pharos::storage::sql
