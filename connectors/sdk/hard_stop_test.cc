// The hard stop kills a process that is stopped, on time, and leaves alone one whose hand-overs are over.
#include "connectors/sdk/hard_stop.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "services/base/clock.h"

namespace pharos::sdk {
namespace {

int64_t Now() {
  return base::Clock::System().BootMicros();
}

template <typename Body>
pid_t Child(Body body) {
  pid_t pid = fork();
  if (pid == 0) {
    body();
    _exit(0);
  }
  return pid;
}

TEST(HardStop, KillsAStoppedProcessOnTime) {
  int64_t begun = Now();
  pid_t pid = Child([&] {
    auto stop = HardStop::Make();
    (*stop)->Open(begun + 300'000);
    raise(SIGSTOP);
    _exit(7);  // only if something continued it
  });
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, WUNTRACED), pid);
  ASSERT_TRUE(WIFSTOPPED(status));
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  int64_t took = Now() - begun;
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_GE(took, 300'000);
  EXPECT_LT(took, 400'000);
}

TEST(HardStop, KillsAtTheEarliestDeadline) {
  int64_t begun = Now();
  pid_t pid = Child([&] {
    auto stop = HardStop::Make();
    (*stop)->Open(begun + 5'000'000);
    (*stop)->Open(begun + 200'000);
    for (;;) pause();
  });
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_LT(Now() - begun, 1'000'000);
}

TEST(HardStop, DoesNotKillOnceClosed) {
  int64_t begun = Now();
  pid_t pid = Child([&] {
    auto stop = HardStop::Make();
    (*stop)->Open(begun + 100'000);
    (*stop)->Open(begun + 100'000);
    (*stop)->Close(begun + 100'000);
    if ((*stop)->Earliest() != begun + 100'000) _exit(2);  // the other is still open
    (*stop)->Close(begun + 100'000);
    if ((*stop)->Earliest() != 0) _exit(3);
    while (Now() < begun + 250'000) usleep(10'000);  // past the deadline
    _exit(42);
  });
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

TEST(HardStop, MovesToTheNextDeadlineWhenTheFirstIsClosed) {
  int64_t begun = Now();
  pid_t pid = Child([&] {
    auto stop = HardStop::Make();
    (*stop)->Open(begun + 100'000);
    (*stop)->Open(begun + 400'000);
    (*stop)->Close(begun + 100'000);
    raise(SIGSTOP);
  });
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_GE(Now() - begun, 400'000);
}

}  // namespace
}  // namespace pharos::sdk
