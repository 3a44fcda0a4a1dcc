// Errors by name. A service makes its errors in one file, e.g. ConsentErrors::PurposeUnknown(name), with this
// function; rpc turns them into google.rpc.Status with ErrorInfo, and a client turns them back. Messages say
// what to do next and hold no personal data.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pharos::base {

struct FieldViolation {
  std::string field;        // path in the request, e.g. "campaign.channels[1]"
  std::string description;  // what is wrong and what would be right
};

struct ErrorFacts {
  std::string reason;                           // UPPER_SNAKE_CASE, stable
  std::map<std::string, std::string> metadata;  // facts to act on
  std::vector<FieldViolation> violations;
  int64_t retry_after_ms = 0;  // 0 = no advice
};

// Makes an error. `code` must not be kOk.
absl::Status MakeError(absl::StatusCode code, std::string_view reason, std::string_view message,
                       std::map<std::string, std::string> metadata = {});
absl::Status MakeError(absl::StatusCode code, std::string_view message, ErrorFacts facts);

// The facts of an error made by MakeError, here or on the other side of a call; nullopt for any other status.
std::optional<ErrorFacts> FactsOf(const absl::Status& status);
// Its reason, or "" if it has none.
std::string ReasonOf(const absl::Status& status);

}  // namespace pharos::base

// For functions that return absl::Status or StatusOr.
#define PHAROS_RETURN_IF_ERROR(expr)                                               \
  do {                                                                             \
    if (auto pharos_status_ = (expr); !pharos_status_.ok()) return pharos_status_; \
  } while (false)
#define PHAROS_CONCAT_INNER_(a, b) a##b
#define PHAROS_CONCAT_(a, b) PHAROS_CONCAT_INNER_(a, b)
#define PHAROS_ASSIGN_OR_RETURN(lhs, expr) \
  PHAROS_ASSIGN_OR_RETURN_(PHAROS_CONCAT_(pharos_or_, __LINE__), lhs, expr)
#define PHAROS_ASSIGN_OR_RETURN_(tmp, lhs, expr) \
  auto tmp = (expr);                             \
  if (!tmp.ok()) return std::move(tmp).status(); \
  lhs = std::move(tmp).value()
