#include "connectors/notify/http_answer.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

namespace pharos::notify {
namespace {

namespace http = boost::beast::http;
constexpr int kMostRetryAfterS = 86'400;

int Seconds(boost::beast::string_view text) {
  int seconds = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return 0;  // a date: nobody here sends one
    seconds = std::min(kMostRetryAfterS, seconds * 10 + (c - '0'));
  }
  return seconds;
}

}  // namespace

struct AnswerReader::Parser {
  std::optional<http::response_parser<http::string_body>> http;
  bool wrong = false;  // for good
  void Fresh() {
    http.emplace();
    http->header_limit(kMaxAnswerHead);
    http->body_limit(kMaxAnswerBody);
  }
};

AnswerReader::AnswerReader() : parser_(std::make_unique<Parser>()) {
  parser_->Fresh();
}

AnswerReader::~AnswerReader() = default;

AnswerReader::Result AnswerReader::Read(std::string& in, HttpAnswer& answer) {
  for (; !parser_->wrong;) {
    boost::system::error_code error;
    auto& http = *parser_->http;
    size_t used = in.empty() ? 0 : http.put(boost::asio::buffer(in.data(), in.size()), error);
    in.erase(0, used);
    // The head first, by itself: in one go (eager) Beast 1.74 forgets that it has refused the length, and
    // makes room for it.
    const bool head_done = !http.eager() && http.is_header_done();
    if (head_done) http.eager(true);
    parser_->wrong = (error && error != http::error::need_more) ||
                     (head_done && http.content_length() && *http.content_length() > kMaxAnswerBody);
    if (parser_->wrong) break;
    if (!http.is_done()) {
      if (error != http::error::need_more && used > 0 && !in.empty()) continue;
      return in.size() > kMaxAnswerHead + kMaxAnswerBody ? Result::kWrong : Result::kNeedMore;
    }
    if (http.get().result_int() >= 200) return Take(answer);
    parser_->Fresh();
    if (in.empty()) return Result::kNeedMore;
  }
  return Result::kWrong;
}

AnswerReader::Result AnswerReader::End(HttpAnswer& answer) {
  auto& http = *parser_->http;
  if (parser_->wrong) return Result::kWrong;
  if (!http.got_some()) return Result::kNeedMore;
  boost::system::error_code error;
  http.put_eof(error);
  if (error || !http.is_done()) return Result::kWrong;
  return Take(answer);
}

AnswerReader::Result AnswerReader::Take(HttpAnswer& answer) {
  auto message = parser_->http->release();
  answer.status = static_cast<int>(message.result_int());
  answer.keep_alive = message.keep_alive() && !message.need_eof();
  auto sandbox = message["X-Pharos-Sandbox"];
  answer.sandbox.assign(sandbox.data(), sandbox.size());
  answer.retry_after_s = Seconds(message[http::field::retry_after]);
  answer.body = std::move(message.body());
  parser_->Fresh();
  return Result::kWhole;
}

}  // namespace pharos::notify
