#include "services/audience/filter_lexer.h"

#include <fmt/format.h>

#include "services/audience/errors.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::audience {
namespace {

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool EndsText(char c) {
  return IsSpace(c) || std::string_view("()\",'=!<>:").find(c) != std::string_view::npos;
}

class Lexer {
 public:
  explicit Lexer(std::string_view filter) : filter_(filter) {}

  absl::StatusOr<std::vector<Token>> Run() {
    for (SkipSpace(); at_ < filter_.size(); SkipSpace()) {
      Token token;
      token.position = position_;
      token.begin = at_;
      PHAROS_RETURN_IF_ERROR(ReadToken(token));
      token.end = at_;
      tokens_.push_back(std::move(token));
    }
    Token end;
    end.position = position_;
    end.begin = end.end = at_;
    tokens_.push_back(end);
    return std::move(tokens_);
  }

 private:
  char Peek() const { return at_ < filter_.size() ? filter_[at_] : '\0'; }

  char Take() {
    const char c = filter_[at_++];
    // Characters, not bytes: a continuation byte belongs to the character before it.
    if ((static_cast<unsigned char>(Peek()) & 0xC0) != 0x80) ++position_;
    return c;
  }

  void SkipSpace() {
    while (at_ < filter_.size() && IsSpace(Peek())) Take();
  }

  absl::Status ReadToken(Token& token) {
    switch (Peek()) {
      case '(':
        return ReadSign(token, TokenKind::kOpen);
      case ')':
        return ReadSign(token, TokenKind::kClose);
      case ',':
        return ReadSign(token, TokenKind::kComma);
      case '"':
      case '\'':
        return ReadQuoted(token);
      case '=':
      case '!':
      case '<':
      case '>':
      case ':':
        return ReadCompare(token);
      case '-':
        if (!ValueExpected()) return ReadSign(token, TokenKind::kMinus);
        return ReadText(token);
      default:
        return ReadText(token);
    }
  }

  // After a comparison or a comma '-' belongs to the value.
  bool ValueExpected() const {
    return !tokens_.empty() &&
           (tokens_.back().kind == TokenKind::kCompare || tokens_.back().kind == TokenKind::kComma);
  }

  absl::Status ReadSign(Token& token, TokenKind kind) {
    token.kind = kind;
    token.text = Take();
    return absl::OkStatus();
  }

  absl::Status ReadCompare(Token& token) {
    token.kind = TokenKind::kCompare;
    token.text = Take();
    if (Peek() == '=' && (token.text == "!" || token.text == "<" || token.text == ">")) token.text += Take();
    if (token.text == "!")
      return AudienceErrors::FilterWrong(token.position, "expected \"!=\" after \"!\"; to negate, write NOT");
    if (token.text == "=" && Peek() == '=') {
      return AudienceErrors::FilterWrong(position_, "write one \"=\", not two");
    }
    return absl::OkStatus();
  }

  absl::Status ReadText(Token& token) {
    token.kind = TokenKind::kText;
    while (at_ < filter_.size() && !EndsText(Peek())) {
      PHAROS_RETURN_IF_ERROR(ReadCharacter(token));
    }
    const std::string_view word = filter_.substr(token.begin, at_ - token.begin);
    if (word == "AND") token.kind = TokenKind::kAnd;
    if (word == "OR") token.kind = TokenKind::kOr;
    if (word == "NOT") token.kind = TokenKind::kNot;
    return absl::OkStatus();
  }

  absl::Status ReadQuoted(Token& token) {
    token.kind = TokenKind::kQuoted;
    const char quote = Take();
    while (Peek() != quote) {
      if (at_ >= filter_.size()) {
        return AudienceErrors::FilterWrong(
            token.position, fmt::format("this quote is never closed: add {} at its end", quote));
      }
      PHAROS_RETURN_IF_ERROR(ReadCharacter(token));
    }
    Take();
    return absl::OkStatus();
  }

  absl::Status ReadCharacter(Token& token) {
    if (token.star) token.inner_star = star_position_;
    if (token.star) token.text += '*';
    token.star = false;
    const size_t position = position_;
    const char c = Take();
    if (c == '*') {
      token.star = true;
      star_position_ = position;
    } else if (c == '\\') {
      return ReadEscape(token, position);
    } else {
      token.text += c;
    }
    return absl::OkStatus();
  }

  absl::Status ReadEscape(Token& token, size_t position) {
    if (std::string_view("\\\"'*").find(Peek()) == std::string_view::npos || at_ >= filter_.size()) {
      return AudienceErrors::FilterWrong(position, R"(after \ expected \, ", ' or *)");
    }
    token.text += Take();
    return absl::OkStatus();
  }

  std::string_view filter_;
  size_t at_ = 0;
  size_t position_ = 1;
  size_t star_position_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

absl::StatusOr<std::vector<Token>> LexFilter(std::string_view filter) {
  if (filter.size() > kMaxFilterBytes) {
    return AudienceErrors::FilterWrong(
        1, fmt::format("a filter has at most {} bytes; this one has {}", kMaxFilterBytes, filter.size()));
  }
  if (!base::IsUtf8(filter))
    return AudienceErrors::FilterWrong(1, "the filter is not UTF-8: save it in that encoding");
  if (const size_t nul = filter.find('\0'); nul != std::string_view::npos) {
    return AudienceErrors::FilterWrong(nul + 1, "a filter may not hold a zero byte");
  }
  return Lexer(filter).Run();
}

}  // namespace pharos::audience
