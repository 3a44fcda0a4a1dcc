// Reads all keys once, in the background after opening, so that Versions knows which are not there. The store
// works without it, only more slowly.
#pragma once

#include <atomic>
#include <thread>

#include "storage/sql/read.h"

namespace pharos::storage::sql {

class Survey {
 public:
  explicit Survey(Source& source) : source_(source), thread_([this] { Run(); }) {}
  ~Survey() {
    closing_ = true;
    thread_.join();
  }

 private:
  void Run();
  // True: all keys are noted.
  absl::StatusOr<bool> ReadPage(std::string& from);

  Source& source_;
  std::atomic<bool> closing_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace pharos::storage::sql
