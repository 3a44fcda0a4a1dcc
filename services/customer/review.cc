#include "services/customer/review.h"

#include <fmt/format.h>

#include <charconv>

#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"

namespace pharos::customer {

namespace {

constexpr std::string_view kCollection = "reviews";
constexpr size_t kMostSegment = 128;  // of a resource name
constexpr size_t kDigestBytes = 16;   // nobody makes two pairs of one digest

template <typename Number>
bool ReadNumber(std::string_view text, Number& number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

// Up to the next '.', which goes too; false if there is none.
bool Take(std::string_view& rest, std::string_view& part) {
  const size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return false;
  part = rest.substr(0, dot);
  rest.remove_prefix(dot + 1);
  return true;
}

bool TakeRecord(std::string_view& rest, std::string_view& record) {
  std::string_view length;
  size_t bytes = 0;
  if (!Take(rest, length) || !ReadNumber(length, bytes) || bytes >= rest.size() || rest[bytes] != '.')
    return false;
  record = rest.substr(0, bytes);
  rest.remove_prefix(bytes + 1);
  return true;
}

}  // namespace

std::string ReviewName(std::string_view record_a, std::string_view record_b) {
  const auto a = ParseRecordName(record_a), b = ParseRecordName(record_b);
  if (a && b) {
    std::string segment =
        fmt::format("{}.{}.{}.{}.{}", a->source, a->record.size(), a->record, b->source, b->record);
    if (segment.size() <= kMostSegment) return fmt::format("{}/{}", kCollection, segment);
  }
  const std::string digest = base::Sha256(fmt::format("{}\n{}", record_a, record_b)).substr(0, kDigestBytes);
  return fmt::format("{}/~{}", kCollection, base::ToHex(digest));
}

std::optional<std::pair<std::string, std::string>> RecordsOfReview(std::string_view name) {
  const std::string segment = base::Segment(name, kCollection);
  if (segment.empty() || segment[0] == '~') return std::nullopt;
  std::string_view rest = segment, source_a, record_a, source_b;
  if (!Take(rest, source_a) || !TakeRecord(rest, record_a) || !Take(rest, source_b)) return std::nullopt;
  auto records = std::pair(RecordName(source_a, record_a), RecordName(source_b, rest));
  if (!ParseRecordName(records.first) || !ParseRecordName(records.second)) return std::nullopt;
  return records;
}

bool IsDigestOfReview(std::string_view name) {
  return base::Segment(name, kCollection).starts_with('~');
}

std::string TokenOf(const ReviewPlace& place) {
  return base::ToHex(fmt::format("{}\n{}\n{}", place.weight, place.record_a, place.record_b));
}

absl::StatusOr<ReviewPlace> PlaceOf(const std::string& token) {
  const std::string text = base::FromHex(token);
  const auto parts = base::Split(text, '\n');
  ReviewPlace place;
  if (parts.size() != 3 || !ReadNumber(std::string_view(parts[0]), place.weight))
    return errors::PageTokenWrong();
  place.record_a = parts[1];
  place.record_b = parts[2];
  return place;
}

v1::LinkExplanation ShowExplanation(const identity::Explanation& explanation, const identity::Model& model) {
  v1::LinkExplanation shown;
  for (const auto& each : explanation.evidence) {
    auto& evidence = *shown.add_evidence();
    evidence.set_field(each.field);
    evidence.set_level(each.level);
    evidence.set_weight(Bits(each.weight));
  }
  shown.set_weight(Bits(explanation.weight));
  shown.set_auto_weight(Bits(model.auto_weight()));
  shown.set_review_weight(Bits(model.review_weight()));
  shown.set_veto(explanation.veto);
  return shown;
}

absl::Status CheckStands(const ReviewStanding& standing) {
  if (!standing.known_a || !standing.known_b) {
    return errors::ReviewGone("RECORD_GONE",
                              "one of its records is not there any more; list the reviews again", "");
  }
  if (standing.stands) return absl::OkStatus();
  const std::string by = standing.decision.empty() ? "" : fmt::format(" ({})", standing.decision);
  if (standing.linked) {
    return errors::ReviewGone(
        "LINKED",
        fmt::format("the two have been linked meanwhile{}; nothing is left to decide. If "
                    "that is wrong, unlink them",
                    by),
        standing.decision);
  }
  if (!standing.decision.empty()) {
    return errors::ReviewGone("TOLD_APART",
                              fmt::format("the two have been told apart meanwhile{}; if that is wrong, take "
                                          "that decision back",
                                          by),
                              standing.decision);
  }
  return errors::ReviewGone("NOT_LIKELY",
                            "their records or the model have changed, and nothing speaks for one person any "
                            "more; if they are, assert it",
                            "");
}

}  // namespace pharos::customer
