// What the targets share. A target is `FUZZ(data)`: it may do anything with the octets except crash, hang or
// break a CHECK.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

// What must hold, whatever the octets are. Stops the program, which the fuzzer notices.
#define CHECK(condition)                                                                  \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)

#define FUZZ(data)                                                            \
  static void FuzzOne(std::string_view data);                                 \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* octets, size_t size) { \
    FuzzOne({reinterpret_cast<const char*>(octets), size});                   \
    return 0;                                                                 \
  }                                                                           \
  static void FuzzOne(std::string_view data)

namespace pharos::fuzz {

// Takes the input apart from its front; past the end everything is empty or 0.
class Input {
 public:
  explicit Input(std::string_view data) : left_(data) {}
  uint8_t Octet() {
    const std::string_view taken = Octets(1);
    return taken.empty() ? 0 : static_cast<uint8_t>(taken[0]);
  }
  std::string_view Octets(size_t count) {
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(taken.size());
    return taken;
  }
  // Up to the next line end, without it.
  std::string_view Line() {
    const std::string_view line = left_.substr(0, left_.find('\n'));
    left_.remove_prefix(line.size());
    (void)Octet();
    return line;
  }
  std::string_view Rest() { return Octets(left_.size()); }
  bool empty() const { return left_.empty(); }

 private:
  std::string_view left_;
};

}  // namespace pharos::fuzz
