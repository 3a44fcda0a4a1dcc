// HTTP answers in any pieces: bounded, and the same however they arrive.
#include <algorithm>

#include "connectors/notify/http_answer.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos::notify;  // NOLINT

namespace {

struct Seen {
  std::string what;
  int answers = 0;
};

Seen Read(std::string_view data, size_t piece) {
  AnswerReader reader;
  std::string in;
  Seen seen;
  while (!data.empty()) {
    in += data.substr(0, piece);
    data.remove_prefix(std::min(piece, data.size()));
    while (seen.answers < 20) {
      HttpAnswer answer;
      const size_t before = in.size();
      const auto result = reader.Read(in, answer);
      CHECK(in.size() <= before);
      if (result == AnswerReader::Result::kWrong) {
        seen.what += "wrong";
        return seen;
      }
      if (result == AnswerReader::Result::kNeedMore) break;
      CHECK(answer.body.size() <= kMaxAnswerBody);
      CHECK(answer.retry_after_s >= 0 && answer.retry_after_s <= 86400);
      ++seen.answers;
      seen.what += std::to_string(answer.status) + ":" + answer.body + ";";
    }
  }
  HttpAnswer answer;
  if (reader.End(answer) == AnswerReader::Result::kWhole)
    seen.what += std::to_string(answer.status) + answer.body;
  return seen;
}

}  // namespace

FUZZ(data) {
  const Seen one = Read(data, data.size() + 1), other = Read(data, 5);
  // What is malformed may be noticed in one case and passed over in the other; what is taken is the same.
  const auto wrong = [](const Seen& seen) { return seen.what.find("wrong") != std::string::npos; };
  if (data.size() < kMaxAnswerHead && !wrong(one) && !wrong(other)) CHECK(one.what == other.what);
}
