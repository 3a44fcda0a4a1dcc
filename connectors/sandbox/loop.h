// One thread with sockets and timers: epoll, and what is to be done later or on behalf of other threads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace pharos::sandbox {

// A socket that listens. UNAVAILABLE (PORT_IN_USE) names `flag`. `port` 0 = any; holds the real one
// afterwards.
absl::StatusOr<int> Listen(const std::string& address, int& port, std::string_view flag);

// What recvmsg read, and the kernel's stamp of the segment that brought its last octet (CLOCK_REALTIME).
struct Received {
  enum class What { kBytes, kNothingYet, kGone } what = What::kNothingYet;
  std::string_view bytes;
  int64_t t_ns = 0;
};
// Asks the kernel to stamp what this socket receives.
void Stamp(int fd);
Received Receive(int fd, std::string& buffer);

class Loop {
 public:
  Loop();
  ~Loop();  // the thread has ended before: Stop()

  // Runs in a thread of its own until Stop. `after_events` is called after each round of events and timers.
  void Start(std::function<void()> after_events);
  void Stop(std::function<void()> last);
  // Runs `change` in the loop's thread; returns when done.
  void Do(std::function<void()> change);

  // In the loop's thread only.
  int64_t Now() const { return base::Clock::System().BootMicros(); }
  // `on_event` gets epoll's event bits. Watching again replaces both.
  void Watch(int fd, uint32_t events, std::function<void(uint32_t)> on_event);
  void Rewatch(int fd, uint32_t events);
  // Before the socket is closed.
  void Forget(int fd);
  void After(int64_t us, std::function<void()> run);

 private:
  struct Timer {
    int64_t when_us;
    uint64_t order;
    std::function<void()> run;
    bool operator>(const Timer& other) const {
      return when_us != other.when_us ? when_us > other.when_us : order > other.order;
    }
  };
  void Run();
  int NextTimeoutMs() const;
  void RunTimers();
  void RunPosted();

  const int epoll_, wake_;
  std::thread thread_;
  std::function<void()> after_events_;
  bool stopping_ = false;
  std::map<int, std::function<void(uint32_t)>> watched_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  uint64_t timer_order_ = 0;

  base::Mutex mutex_;
  std::vector<std::function<void()>> posted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::sandbox
