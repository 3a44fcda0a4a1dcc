// Enough HTTP/1.1 (RFC 9112) for a simulator: requests with Content-Length, answers, and answers to
// callbacks. Written by hand, so that it judges the connector's HTTP by other code than the connector's own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pharos::sandbox {

struct HttpRequest {
  std::string method, path, query;  // query without '?'
  std::string authorization, content_type;
  std::string body;
  bool keep_alive = true;
  // One value of the query; "" = not there. No percent signs are decoded: ids and words need none.
  std::string Query(std::string_view name) const;
};

inline constexpr size_t kMaxHttpHead = 16 * 1024;
inline constexpr size_t kMaxHttpBody = 4 * 1024 * 1024;

enum class HttpRead { kNeedMore, kWhole, kWrong, kTooLarge };
// Takes one request from the front of `in`.
HttpRead TakeRequest(std::string& in, HttpRequest& request);
// The status of an answer whose head is in `in`; 0 = not whole yet; -1 = none.
int AnswerStatus(std::string_view in);

// A whole answer with a JSON body.
std::string HttpReply(int status, std::string_view json, bool keep_alive);

}  // namespace pharos::sandbox
