// A private PostgreSQL for a test: in a folder of its own under /tmp, reached through a socket in that folder
// and through nothing else. It is ended with the object, also when the test itself is killed.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace pharos::tests {

// Not thread-safe. The server dies with the thread that called Start(): start from the test's main thread.
class Postgres {
 public:
  // False: skip the test and say that postgresql-15 is missing.
  static bool Installed();

  // Makes the database cluster. Commits are synced to the disk as in earnest.
  Postgres();
  ~Postgres();
  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;

  // True once it answers. What went wrong stands in Log().
  bool Start();
  void Stop();   // takes leave of its clients first
  void Crash();  // at once; recovers from its log when started again
  std::string conninfo() const;
  std::string Log() const;

 private:
  pid_t Spawn(const std::vector<std::string>& command) const;
  int Run(const std::vector<std::string>& command) const;
  void End(int signal);

  std::string folder_;
  bool made_ = false;
  pid_t pid_ = -1;
};

}  // namespace pharos::tests
