// One thread with sockets and timers: epoll, and what is to be done later or on behalf of other threads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
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
// At most `most` octets.
Received Receive(int fd, std::string& buffer, size_t most = SIZE_MAX);

class Loop {
 public:
  Loop();
  ~Loop();  // the thread has ended before: Stop()

  // Runs in a thread of its own until Stop. `after_events` is called after each round of events and timers.
  void Start(std::function<void()> after_events);
  void Stop(std::function<void()> last);
  // Runs `change` in the loop's thread; returns when done.
  void Do(std::function<void()> change);
  // The same without waiting; not run if the loop ends first.
  void Post(std::function<void()> change);

  // In the loop's thread only.
  int64_t Now() const { return base::Clock::System().BootMicros(); }
  // `on_event` gets epoll's event bits. Watching again replaces both.
  void Watch(int fd, uint32_t events, std::function<void(uint32_t)> on_event);
  void Rewatch(int fd, uint32_t events);
  // Before the socket is closed.
  void Forget(int fd);
  // To the millisecond, never early; those of one millisecond in the order in which they were given.
  void After(int64_t us, std::function<void()> run);
  // A round that had events lasts at least so long, so that under load one round takes many messages. Who is
  // served after a quiet time does not wait. 0 = as short as it gets.
  void SetRound(int64_t us) { round_us_ = us; }

 private:
  void Run();
  void RunPosted();
  void WaitOutRound(int64_t began_us) const;
  int NextTimeoutMs() const;
  void RunTimers();

  const int epoll_, wake_;
  std::thread thread_;
  std::function<void()> after_events_;
  bool stopping_ = false;
  std::map<int, std::function<void(uint32_t)>> watched_;
  // By the millisecond in which they are due: most are put at the end of the last few.
  std::map<int64_t, std::vector<std::function<void()>>> timers_;
  int64_t round_us_ = 0;

  base::Mutex mutex_;
  std::vector<std::function<void()>> posted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::sandbox
