#include "services/audience/filter_parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/audience/errors.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::audience {
namespace {

using Kind = Expression::Kind;

constexpr size_t kMaxShownName = 40;
constexpr size_t kMaxShownTerms = 6;

bool StartsTerm(TokenKind kind) {
  return kind == TokenKind::kText || kind == TokenKind::kQuoted || kind == TokenKind::kNot ||
         kind == TokenKind::kMinus || kind == TokenKind::kOpen;
}

// A term without its value: a value may be personal.
std::string Outline(const Expression& term) {
  switch (term.kind) {
    case Kind::kCompare:
      return fmt::format("{} {} …", term.name, term.op);
    case Kind::kCall:
      return fmt::format("{}(…)", term.name);
    case Kind::kNot:
      return "NOT " + Outline(term.parts[0]);
    default:
      return "(…)";
  }
}

// Terms joined at one level, e.g. "a AND b OR c"; ors[i]: the connector after term i is OR.
struct Level {
  std::vector<Expression> terms;
  std::vector<bool> ors;
  size_t first_and = 0;  // positions; 0 = none
  size_t first_or = 0;

  // Runs joined by `inner` in parentheses, joined by the other connector.
  std::string Bracketed(bool inner_is_or) const {
    std::string out;
    for (size_t i = 0; i < terms.size(); ++i) {
      const bool joined_before = i > 0 && ors[i - 1] == inner_is_or;
      const bool joined_after = i < ors.size() && ors[i] == inner_is_or;
      if (joined_after && !joined_before) out += '(';
      out += Outline(terms[i]);
      if (joined_before && !joined_after) out += ')';
      if (i < ors.size()) out += ors[i] ? " OR " : " AND ";
    }
    return out;
  }
};

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  absl::StatusOr<Expression> Run() {
    if (Next().kind == TokenKind::kEnd) return Expression{};
    PHAROS_ASSIGN_OR_RETURN(Expression root, ReadExpression(1));
    if (Next().kind == TokenKind::kClose)
      return Wrong("this \")\" closes nothing: remove it, or add \"(\" before");
    if (Next().kind != TokenKind::kEnd) return Wrong("expected AND, OR or the end of the filter");
    return root;
  }

 private:
  const Token& Next() const { return tokens_[at_]; }
  const Token& Take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  absl::Status Wrong(std::string_view message) const {
    return AudienceErrors::FilterWrong(Next().position, message);
  }

  absl::StatusOr<Expression> ReadExpression(int depth) {
    if (depth > kMaxFilterDepth) {
      return Wrong(
          fmt::format("parentheses and negations stand inside each other at most {} deep", kMaxFilterDepth));
    }
    Level level;
    PHAROS_RETURN_IF_ERROR(ReadTerms(level, depth));
    return Join(std::move(level));
  }

  absl::Status ReadTerms(Level& level, int depth) {
    while (true) {
      PHAROS_ASSIGN_OR_RETURN(Expression term, ReadTerm(depth));
      level.terms.push_back(std::move(term));
      const Token& next = Next();
      if (next.kind == TokenKind::kOr) {
        if (level.first_or == 0) level.first_or = next.position;
        Take();
        level.ors.push_back(true);
      } else if (next.kind == TokenKind::kAnd || StartsTerm(next.kind)) {
        if (level.first_and == 0) level.first_and = next.position;
        if (next.kind == TokenKind::kAnd) Take();
        level.ors.push_back(false);
      } else {
        return absl::OkStatus();
      }
    }
  }

  absl::StatusOr<Expression> Join(Level level) const {
    if (level.terms.size() == 1) return std::move(level.terms[0]);
    if (level.first_and != 0 && level.first_or != 0) return Mixed(level);
    Expression joined;
    joined.kind = level.first_or != 0 ? Kind::kOr : Kind::kAnd;
    joined.position = level.terms[0].position;
    joined.parts = std::move(level.terms);
    return joined;
  }

  static absl::Status Mixed(const Level& level) {
    const size_t position = std::max(level.first_and, level.first_or);
    if (level.terms.size() > kMaxShownTerms) {
      return AudienceErrors::FilterWrong(position,
                                         "AND and OR are mixed: put parentheses round what belongs together");
    }
    return AudienceErrors::FilterWrong(position, fmt::format("AND and OR are mixed: write {} or {}",
                                                             level.Bracketed(true), level.Bracketed(false)));
  }

  absl::StatusOr<Expression> ReadTerm(int depth) {
    if (Next().kind != TokenKind::kNot && Next().kind != TokenKind::kMinus) return ReadSimple(depth);
    if (depth >= kMaxFilterDepth) return ReadExpression(depth + 1);  // says why not
    Expression negation;
    negation.kind = Kind::kNot;
    negation.position = Take().position;
    if (Next().kind == TokenKind::kNot || Next().kind == TokenKind::kMinus) {
      return Wrong("two negations in a row: remove both, or use parentheses");
    }
    PHAROS_ASSIGN_OR_RETURN(Expression simple, ReadSimple(depth + 1));
    negation.parts.push_back(std::move(simple));
    return negation;
  }

  absl::StatusOr<Expression> ReadSimple(int depth) {
    if (Next().kind == TokenKind::kOpen) return ReadGroup(depth);
    if (Next().kind == TokenKind::kQuoted) {
      return Wrong("expected a field before this text, e.g. area = \"…\": there is no search in all fields");
    }
    if (Next().kind != TokenKind::kText) return Wrong("expected a field, a function, NOT or \"(\"");
    PHAROS_RETURN_IF_ERROR(CheckNameToken());
    if (++terms_ > kMaxFilterTerms)
      return Wrong(fmt::format("a filter has at most {} comparisons", kMaxFilterTerms));
    Expression term;
    term.position = Next().position;
    term.name = Take().text;
    if (Next().kind == TokenKind::kCompare) return ReadComparison(std::move(term));
    if (Next().kind == TokenKind::kOpen) return ReadCall(std::move(term));
    return Wrong(fmt::format("expected =, !=, <, <=, >, >= or : after {}", ShowName(term.name)));
  }

  absl::Status CheckNameToken() const {
    const std::string lower = base::LowerAscii(Next().text);
    if (lower == "and" || lower == "or" || lower == "not") return Wrong("write AND, OR and NOT in capitals");
    if (Next().star || Next().inner_star != 0) return Wrong("a \"*\" may stand only in a value");
    return absl::OkStatus();
  }

  absl::StatusOr<Expression> ReadGroup(int depth) {
    const size_t opened = Next().position;
    Take();
    if (Next().kind == TokenKind::kClose) return Wrong("expected a comparison between \"(\" and \")\"");
    PHAROS_ASSIGN_OR_RETURN(Expression inner, ReadExpression(depth + 1));
    if (Next().kind != TokenKind::kClose) {
      return Wrong(fmt::format("expected AND, OR or \")\": the \"(\" at character {} is open", opened));
    }
    Take();
    return inner;
  }

  absl::StatusOr<Expression> ReadComparison(Expression term) {
    term.kind = Kind::kCompare;
    term.op = Take().text;
    PHAROS_ASSIGN_OR_RETURN(Token value, ReadValue(fmt::format("after {}", term.op)));
    term.values.push_back(std::move(value));
    if (Next().kind == TokenKind::kCompare) {
      return Wrong(
          "expected AND, OR or the end: a value with \":\", \"=\", \"<\" or \">\" in it needs quotes");
    }
    // With a space between, "a = b (c = d)" is two terms joined by AND.
    const bool touches = Next().begin == term.values[0].end;
    if (Next().kind == TokenKind::kOpen && touches) return Wrong("expected AND or OR before \"(\"");
    return term;
  }

  absl::StatusOr<Expression> ReadCall(Expression term) {
    term.kind = Kind::kCall;
    Take();
    while (Next().kind != TokenKind::kClose || !term.values.empty()) {
      PHAROS_ASSIGN_OR_RETURN(Token value, ReadValue(fmt::format("in {}(…)", ShowName(term.name))));
      term.values.push_back(std::move(value));
      if (Next().kind == TokenKind::kClose) break;
      if (Next().kind != TokenKind::kComma) return Wrong("expected \",\" or \")\"");
      Take();
    }
    Take();
    if (Next().kind == TokenKind::kCompare) {
      return Wrong(fmt::format(
          "{}(…) is true or false by itself: remove the comparison, or write NOT before it", term.name));
    }
    return term;
  }

  absl::StatusOr<Token> ReadValue(std::string_view where) {
    if (Next().kind == TokenKind::kText || Next().kind == TokenKind::kQuoted) return Take();
    if (Next().kind == TokenKind::kAnd || Next().kind == TokenKind::kOr || Next().kind == TokenKind::kNot) {
      return Wrong(fmt::format("expected a value {}; the word itself as a value needs quotes", where));
    }
    return Wrong(fmt::format("expected a value {}", where));
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int terms_ = 0;
};

}  // namespace

absl::StatusOr<Expression> ParseFilter(std::string_view filter) {
  PHAROS_ASSIGN_OR_RETURN(std::vector<Token> tokens, LexFilter(filter));
  return Parser(std::move(tokens)).Run();
}

std::string ShowName(std::string_view name) {
  const bool shown =
      !name.empty() && name.size() <= kMaxShownName && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '.';
      });
  return shown ? fmt::format("\"{}\"", name) : std::string("this");
}

}  // namespace pharos::audience
