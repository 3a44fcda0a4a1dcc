// Answers in HTTP/1.1 (RFC 9112), read by Boost.Beast in this one place.
#pragma once

#include <memory>
#include <string>

namespace pharos::notify {

struct HttpAnswer {
  int status = 0;
  std::string body;
  std::string sandbox;    // X-Pharos-Sandbox: what a simulator says of itself
  int retry_after_s = 0;  // Retry-After in seconds, at most a day; 0 = none
  bool keep_alive = true;
};

inline constexpr size_t kMaxAnswerHead = 16 * 1024;
inline constexpr size_t kMaxAnswerBody = 4 * 1024 * 1024;  // a page of 250 notifications with their texts

// One answer after the other, from whatever pieces the network brings. Of one thread.
class AnswerReader {
 public:
  AnswerReader();
  ~AnswerReader();

  enum class Result { kNeedMore, kWhole, kWrong };
  // Takes what belongs to the next answer from the front of `in`. 1xx answers are passed over. After kWrong
  // the connection is of no use.
  Result Read(std::string& in, HttpAnswer& answer);
  // The other side has ended: kWhole if the answer was to last until then; kNeedMore if none had begun.
  Result End(HttpAnswer& answer);

 private:
  struct Parser;
  Result Take(HttpAnswer& answer);
  std::unique_ptr<Parser> parser_;
};

}  // namespace pharos::notify
