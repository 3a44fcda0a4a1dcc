// Filters, step 2 of 4: tokens to a tree, in the grammar of AIP-160. Pure and total: every text gives a tree
// or FILTER_WRONG.
//
//   expression  := [ term { connector term } ]         an empty filter matches everybody
//   connector   := "AND" | "OR" | nothing (means AND)  AND and OR are never mixed without parentheses:
//   AIP-160 lets OR bind
//                                                      tighter, most people read it the other way round
//   term        := [ "NOT" | "-" ] ( comparison | call | "(" expression ")" )
//   comparison  := name ( "=" | "!=" | "<" | "<=" | ">" | ">=" | ":" ) value
//   call        := name "(" value { "," value } ")"
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/audience/filter_lexer.h"

namespace pharos::audience {

inline constexpr int kMaxFilterDepth = 32;   // parentheses and negations inside each other
inline constexpr int kMaxFilterTerms = 256;  // comparisons and calls

struct Expression {
  enum class Kind { kEverybody, kAnd, kOr, kNot, kCompare, kCall };
  Kind kind = Kind::kEverybody;
  size_t position = 1;            // 1-based character
  std::vector<Expression> parts;  // kAnd, kOr: at least two; kNot: one
  std::string name;               // kCompare, kCall
  std::string op;                 // kCompare
  std::vector<Token> values;      // kCompare: one; kCall: its arguments
};

absl::StatusOr<Expression> ParseFilter(std::string_view filter);

// A name as it may stand in an error: quoted if it looks like a field's name, else (it may be a person's) not
// shown.
std::string ShowName(std::string_view name);

}  // namespace pharos::audience
