// The facts ride in a payload of the status. Layout, only ever read by this file in the same process:
//   facts := text(reason) i64(retry_after_ms) count { text(key) text(value) } count { text(field)
//   text(description) } text  := u32 length, bytes        (numbers in the machine's byte order)
#include "services/base/errors.h"

#include <cstdint>
#include <cstring>

#include "absl/strings/cord.h"
#include "services/base/text.h"

namespace pharos::base {
namespace {

constexpr std::string_view kPayload = "pharos/facts";

template <typename Number>
void PutNumber(std::string& out, Number number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}
void PutText(std::string& out, std::string_view text) {
  PutNumber<uint32_t>(out, static_cast<uint32_t>(text.size()));
  out.append(text);
}

class FactsReader {
 public:
  explicit FactsReader(std::string_view rest) : rest_(rest) {}
  template <typename Number>
  Number TakeNumber() {
    Number number{};
    if (rest_.size() < sizeof number) return ok_ = false, number;
    std::memcpy(&number, rest_.data(), sizeof number);
    rest_.remove_prefix(sizeof number);
    return number;
  }
  std::string TakeText() {
    const auto length = TakeNumber<uint32_t>();
    if (rest_.size() < length) return ok_ = false, "";
    std::string text(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return text;
  }
  bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::string Encode(const ErrorFacts& facts) {
  std::string out;
  PutText(out, facts.reason);
  PutNumber<int64_t>(out, facts.retry_after_ms);
  PutNumber<uint32_t>(out, static_cast<uint32_t>(facts.metadata.size()));
  for (const auto& [key, value] : facts.metadata) {
    PutText(out, key);
    PutText(out, value);
  }
  PutNumber<uint32_t>(out, static_cast<uint32_t>(facts.violations.size()));
  for (const auto& violation : facts.violations) {
    PutText(out, violation.field);
    PutText(out, violation.description);
  }
  return out;
}

std::optional<ErrorFacts> Decode(std::string_view bytes) {
  FactsReader reader(bytes);
  ErrorFacts facts;
  facts.reason = reader.TakeText();
  facts.retry_after_ms = reader.TakeNumber<int64_t>();
  for (auto left = reader.TakeNumber<uint32_t>(); left > 0 && reader.ok(); --left) {
    std::string key = reader.TakeText();
    facts.metadata[std::move(key)] = reader.TakeText();
  }
  for (auto left = reader.TakeNumber<uint32_t>(); left > 0 && reader.ok(); --left) {
    std::string field = reader.TakeText();
    facts.violations.push_back({std::move(field), reader.TakeText()});
  }
  if (!reader.ok()) return std::nullopt;
  return facts;
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, std::string_view reason, std::string_view message,
                       std::map<std::string, std::string> metadata) {
  ErrorFacts facts;
  facts.reason = reason;
  facts.metadata = std::move(metadata);
  return MakeError(code, message, std::move(facts));
}

absl::Status MakeError(absl::StatusCode code, std::string_view message, ErrorFacts facts) {
  absl::Status status(code, ToAbsl(message));
  status.SetPayload(ToAbsl(kPayload), absl::Cord(Encode(facts)));
  return status;
}

std::optional<ErrorFacts> FactsOf(const absl::Status& status) {
  const auto payload = status.GetPayload(ToAbsl(kPayload));
  if (!payload.has_value()) return std::nullopt;
  return Decode(std::string(*payload));
}

std::string ReasonOf(const absl::Status& status) {
  const auto facts = FactsOf(status);
  return facts.has_value() ? facts->reason : "";
}

}  // namespace pharos::base
