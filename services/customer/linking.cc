#include "services/customer/linking.h"

#include <fmt/format.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "services/base/text.h"
#include "services/customer/clean.h"
#include "services/customer/nicknames.h"

namespace pharos::customer {

namespace {

constexpr double kGivenNearly = 0.88;
constexpr double kFamilyNearly = 0.90;
constexpr int kYearsOfASlip = 10;  // further apart they are parent and child, whatever the number of slips

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80; });
}

std::string FoldUnicode(std::string_view name) {
  UErrorCode error = U_ZERO_ERROR;
  const auto* folder = icu::Normalizer2::getNFKCCasefoldInstance(error);
  const auto* splitter = icu::Normalizer2::getNFDInstance(error);
  if (U_FAILURE(error)) return {};
  icu::UnicodeString text =
      icu::UnicodeString::fromUTF8(icu::StringPiece(name.data(), static_cast<int32_t>(name.size())));
  text = splitter->normalize(folder->normalize(text, error), error);
  if (U_FAILURE(error)) return {};
  icu::UnicodeString kept;
  for (int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1)) {
    const UChar32 c = text.char32At(at);
    if (u_isalnum(c)) kept.append(c);
  }
  std::string folded;
  return kept.toUTF8String(folded);
}

std::string Value(const record::v1::RecordRow& row, const char* field) {
  const auto it = row.clean().find(field);
  return it == row.clean().end() ? std::string() : it->second;
}

int Year(std::string_view birth) {
  return std::atoi(std::string(birth.substr(0, 4)).c_str());
}

bool GivenCompatible(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return false;
  if (a == b) return true;
  if ((a.size() == 1 || b.size() == 1) && a[0] == b[0]) return true;
  return SameByNickname(a, b) || JaroWinkler(a, b) >= kGivenNearly;
}

class Components {
 public:
  explicit Components(size_t size) : parent_(size) { std::iota(parent_.begin(), parent_.end(), size_t{0}); }
  size_t Root(size_t at) {
    while (parent_[at] != at) at = parent_[at] = parent_[parent_[at]];
    return at;
  }
  void Join(size_t a, size_t b) { parent_[Root(a)] = Root(b); }

 private:
  std::vector<size_t> parent_;
};

// Older first; arrival in the same microsecond goes by name.
bool Elder(const LinkFeatures& a, const LinkFeatures& b) {
  return std::tie(a.create_time_us, a.record) < std::tie(b.create_time_us, b.record);
}

}  // namespace

std::string FoldName(std::string_view name) {
  if (!IsAscii(name)) return FoldUnicode(name);
  std::string folded;
  for (unsigned char c : name) {
    if (std::isalnum(c)) folded.push_back(static_cast<char>(std::tolower(c)));
  }
  return folded;
}

double JaroWinkler(std::string_view a, std::string_view b) {
  if (a == b) return 1;
  if (a.empty() || b.empty() || a.size() > 64 || b.size() > 64) return 0;
  const int reach = std::max(0, static_cast<int>(std::max(a.size(), b.size())) / 2 - 1);
  uint64_t used_a = 0, used_b = 0;
  int matches = 0;
  for (int i = 0; i < static_cast<int>(a.size()); ++i) {
    const int end = std::min(i + reach + 1, static_cast<int>(b.size()));
    for (int j = std::max(0, i - reach); j < end; ++j) {
      if ((used_b >> j & 1) || a[i] != b[j]) continue;
      used_a |= uint64_t{1} << i;
      used_b |= uint64_t{1} << j;
      ++matches;
      break;
    }
  }
  if (matches == 0) return 0;
  int out_of_place = 0;
  for (size_t i = 0, j = 0; i < a.size(); ++i) {
    if (!(used_a >> i & 1)) continue;
    while (!(used_b >> j & 1)) ++j;
    out_of_place += a[i] != b[j++];
  }
  const double m = matches;
  const double jaro = (m / a.size() + m / b.size() + (m - out_of_place / 2.0) / m) / 3;
  size_t prefix = 0;
  while (prefix < std::min({a.size(), b.size(), size_t{4}}) && a[prefix] == b[prefix]) ++prefix;
  return jaro + prefix * 0.1 * (1 - jaro);
}

LinkFeatures FeaturesOf(const record::v1::RecordRow& row) {
  LinkFeatures features;
  features.record = row.name();
  features.create_time_us = row.create_time_us();
  features.person = row.person();
  features.given = FoldName(Value(row, "given_name"));
  features.family = FoldName(Value(row, "family_name"));
  features.birth = Value(row, "date_of_birth");
  if (IsPlaceholderDate(features.birth)) features.birth.clear();
  features.nhs_number = Value(row, "nhs_number");
  features.email = Value(row, "email");
  if (IsRoleMailbox(features.email)) features.email.clear();
  features.phone = Value(row, "phone");
  if (!IsMobile(features.phone)) features.phone.clear();
  return features;
}

bool BirthsCompatible(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty() || a == b) return true;
  if (a.size() != 10 || b.size() != 10) return false;
  const bool same_year = a.substr(0, 4) == b.substr(0, 4);
  if (same_year && a.substr(5, 2) == b.substr(8, 2) && a.substr(8, 2) == b.substr(5, 2)) return true;
  // The first of January stands for "some day of that year" in many systems.
  if (same_year && (a.substr(4) == "-01-01" || b.substr(4) == "-01-01")) return true;
  return std::abs(Year(a) - Year(b)) < kYearsOfASlip && base::EditDistance(a, b) <= 1;
}

bool NamesCompatible(const LinkFeatures& a, const LinkFeatures& b) {
  if (a.family.empty() || b.family.empty()) return !a.given.empty() && a.given == b.given;
  if (!a.given.empty() && a.given == b.family && a.family == b.given)
    return true;  // written the wrong way round
  if (!GivenCompatible(a.given, b.given)) return false;
  return JaroWinkler(a.family, b.family) >= kFamilyNearly;
}

LinkRule RuleFor(const LinkFeatures& a, const LinkFeatures& b) {
  const bool same_nhs = !a.nhs_number.empty() && a.nhs_number == b.nhs_number;
  if (same_nhs && !a.birth.empty() && a.birth == b.birth) return LinkRule::kNhsNumber;
  const bool same_email = !a.email.empty() && a.email == b.email;
  const bool same_phone = !a.phone.empty() && a.phone == b.phone;
  if (!same_email && !same_phone) return LinkRule::kNone;
  if (!a.nhs_number.empty() && !b.nhs_number.empty() && !same_nhs) return LinkRule::kNone;
  if (!BirthsCompatible(a.birth, b.birth) || !NamesCompatible(a, b)) return LinkRule::kNone;
  return same_email ? LinkRule::kEmail : LinkRule::kPhone;
}

std::string_view RuleText(LinkRule rule) {
  switch (rule) {
    case LinkRule::kNhsNumber:
      return "NHS number and date of birth";
    case LinkRule::kEmail:
      return "email and name";
    case LinkRule::kPhone:
      return "phone and name";
    case LinkRule::kNone:
      break;
  }
  return "only record";
}

std::vector<std::pair<std::string_view, std::string>> LinkKeys(const LinkFeatures& features) {
  std::vector<std::pair<std::string_view, std::string>> keys;
  if (!features.nhs_number.empty()) keys.emplace_back("link:nhs_number", features.nhs_number);
  if (!features.email.empty()) keys.emplace_back("link:email", features.email);
  if (!features.phone.empty()) keys.emplace_back("link:phone", features.phone);
  return keys;
}

Resolution Resolve(const std::vector<LinkFeatures>& records) {
  std::vector<size_t> order(records.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return records[a].record < records[b].record; });
  Components components(records.size());
  std::vector<std::pair<LinkRule, size_t>> best(records.size(), {LinkRule::kNone, 0});
  const auto note = [&](size_t at, LinkRule rule, size_t with) {
    if (best[at].first == LinkRule::kNone || rule < best[at].first) best[at] = {rule, with};
  };
  for (size_t i = 0; i < order.size(); ++i) {
    for (size_t j = i + 1; j < order.size(); ++j) {
      const LinkRule rule = RuleFor(records[order[i]], records[order[j]]);
      if (rule == LinkRule::kNone) continue;
      components.Join(order[i], order[j]);
      note(order[i], rule, order[j]);
      note(order[j], rule, order[i]);
    }
  }
  Resolution resolution;
  std::map<size_t, size_t> group_of_root;
  for (size_t at : order) {
    const auto [it, fresh] = group_of_root.try_emplace(components.Root(at), resolution.groups.size());
    if (fresh) resolution.groups.emplace_back();
    resolution.groups[it->second].push_back(at);
  }
  for (const auto& [rule, with] : best) {
    resolution.reasons.push_back(rule == LinkRule::kNone
                                     ? "only record"
                                     : fmt::format("{} with {}", RuleText(rule), records[with].record));
  }
  return resolution;
}

std::vector<std::string> KeptIds(const std::vector<LinkFeatures>& records,
                                 const std::vector<std::vector<size_t>>& groups) {
  std::map<std::string, size_t> eldest;  // person → position of its eldest record
  for (size_t at = 0; at < records.size(); ++at) {
    if (records[at].person.empty()) continue;
    const auto [it, fresh] = eldest.try_emplace(records[at].person, at);
    if (!fresh && Elder(records[at], records[it->second])) it->second = at;
  }
  std::vector<std::string> kept;
  for (const auto& group : groups) {
    const LinkFeatures* winner = nullptr;
    for (size_t at : group) {
      const auto& record = records[at];
      if (record.person.empty() || eldest[record.person] != at) continue;
      if (winner == nullptr || Elder(record, *winner)) winner = &record;
    }
    kept.push_back(winner == nullptr ? std::string() : winner->person);
  }
  return kept;
}

}  // namespace pharos::customer
