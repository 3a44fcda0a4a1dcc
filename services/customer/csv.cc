#include "services/customer/csv.h"

#include <utility>

#include "services/base/text.h"

namespace pharos::customer {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kPastMark = 4;

}  // namespace

bool CsvReader::Feed(std::string_view bytes) {
  while (!bytes.empty() && mark_seen_ < kByteOrderMark.size()) {
    if (bytes[0] != kByteOrderMark[mark_seen_]) break;
    ++mark_seen_;
    bytes.remove_prefix(1);
  }
  if (!bytes.empty() && mark_seen_ < kPastMark) {
    const size_t half =
        mark_seen_ < kByteOrderMark.size() ? mark_seen_ : 0;  // it was the beginning of something else
    mark_seen_ = kPastMark;
    for (char c : kByteOrderMark.substr(0, half)) Take(c);
  }
  for (char c : bytes) {
    if (!Take(c)) return false;
  }
  return !stopped_;
}

bool CsvReader::Take(char c) {
  if (stopped_) return false;
  if (state_ == State::kSkip) {
    if (c != '\n') return true;
    ++line_;
    Reset();
    return true;
  }
  raw_.push_back(c);
  if (raw_.size() > kMostRowBytes) return Reject("ROW_TOO_LONG");
  switch (state_) {
    case State::kFieldStart:
      if (c == '"') {
        state_ = State::kQuoted;
        return true;
      }
      state_ = State::kPlain;
      [[fallthrough]];
    case State::kPlain:
      if (c == separator_) {
        EndField();
      } else if (c == '\n') {
        return EndRow(false);
      } else {
        field_.push_back(c);
      }
      return true;
    case State::kQuoted:
      if (c == '"') {
        state_ = State::kQuoteInQuoted;
        return true;
      }
      if (c == '\n' && ++lines_in_row_ > kMostRowLines) return Reject("QUOTE_WRONG");
      field_.push_back(c);
      return true;
    case State::kSkip:
      break;
    case State::kQuoteInQuoted:
      if (c == '"') {
        field_.push_back('"');
        state_ = State::kQuoted;
      } else if (c == separator_) {
        EndField();
      } else if (c == '\n') {
        return EndRow(false);
      } else if (c != '\r') {
        return Reject("QUOTE_WRONG");
      }
      return true;
  }
  return true;
}

void CsvReader::EndField() {
  fields_.push_back(std::exchange(field_, {}));
  state_ = State::kFieldStart;
}

bool CsvReader::EndRow(bool unterminated) {
  if (!field_.empty() && field_.back() == '\r' && state_ == State::kPlain) field_.pop_back();
  EndField();
  CsvRow row{line_, std::exchange(fields_, {}), {}, unterminated};
  const bool blank = row.fields.size() == 1 && row.fields[0].empty();
  if (raw_.find('\0') != std::string::npos) {
    row.wrong = "NUL_BYTE";
  } else if (!base::IsUtf8(raw_)) {
    row.wrong = "NOT_UTF8";
  }
  if (!row.wrong.empty()) row.fields.clear();
  line_ += 1 + lines_in_row_;
  Reset();
  if (!blank && !on_row_(std::move(row))) stopped_ = true;
  return !stopped_;
}

bool CsvReader::Reject(std::string_view reason) {
  const std::string raw = std::exchange(raw_, {});
  Reset();
  const size_t end = raw.find('\n');
  CsvRow row{line_, {}, std::string(reason), false};
  if (end == std::string::npos) {
    state_ = State::kSkip;  // the rest of the line goes with it
    stopped_ = !on_row_(std::move(row));
    return !stopped_;
  }
  ++line_;
  stopped_ = !on_row_(std::move(row));
  for (size_t at = end + 1; at < raw.size(); ++at) {
    if (!Take(raw[at])) return false;
  }
  return !stopped_;
}

void CsvReader::Reset() {
  raw_.clear();
  field_.clear();
  fields_.clear();
  lines_in_row_ = 0;
  state_ = State::kFieldStart;
}

bool CsvReader::Finish() {
  while (!stopped_ && !raw_.empty()) {
    if (state_ != State::kQuoted) return EndRow(true);
    // A quote was never closed: only the last line may have lost its end.
    if (lines_in_row_ > 0) {
      if (!Reject("QUOTE_WRONG")) return false;
      continue;
    }
    CsvRow row{line_, {}, "ROW_TRUNCATED", true};
    Reset();
    stopped_ = !on_row_(std::move(row));
  }
  return !stopped_;
}

}  // namespace pharos::customer
