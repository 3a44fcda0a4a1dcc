// People who press "unsubscribe" in their mail program (RFC 8058): an HTTPS POST to the URL of the
// List-Unsubscribe header. Loopback hosts only: a trial reaches nobody else.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <thread>

#include "services/base/mutex.h"

namespace pharos::sandbox {

struct ClickTarget {
  std::string host, path;
  int port = 443;
};
// False: not https, or not a loopback host (localhost, *.localhost, 127.0.0.0/8).
bool ReadClickUrl(const std::string& url, ClickTarget& target);

// Thread-safe; has a thread of its own, which clicks one after the other.
class OneClick {
 public:
  OneClick();
  ~OneClick();  // what waits is dropped

  // `done` is called in that thread: whether it was answered 2xx, and after how many tries. False: no such
  // host, or too much is waiting; `done` is not called.
  bool Post(const std::string& url, std::function<void(bool accepted, int tries)> done);

 private:
  struct Click {
    ClickTarget target;
    std::function<void(bool, int)> done;
  };
  void Run();
  bool Stopping();

  base::Mutex mutex_;
  base::CondVar changed_;
  std::deque<Click> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace pharos::sandbox
