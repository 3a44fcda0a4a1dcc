// Filters, step 1 of 4: characters to tokens. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::audience {

inline constexpr size_t kMaxFilterBytes = 4096;  // as in the proto

enum class TokenKind { kText, kQuoted, kAnd, kOr, kNot, kMinus, kOpen, kClose, kComma, kCompare, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;       // value without quotes and escapes; the operator as written
  bool star = false;      // ended in an unescaped * (not part of `text`): "starts with"
  size_t inner_star = 0;  // position of an unescaped * elsewhere; 0 = none
  size_t position = 1;    // 1-based character
  size_t begin = 0;       // bytes [begin, end) in the filter
  size_t end = 0;
};

// The tokens, the last of kind kEnd. FILTER_WRONG: too long, not UTF-8, an open quote, an unknown escape, a
// lone '!'.
absl::StatusOr<std::vector<Token>> LexFilter(std::string_view filter);

}  // namespace pharos::audience
