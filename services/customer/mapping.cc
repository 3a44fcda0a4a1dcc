#include "services/customer/mapping.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "services/base/text.h"

namespace pharos::customer {

namespace {

constexpr size_t kMostProblems = 8;  // named in one message
constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";

bool IsDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string TwoDigits(std::string_view part) {
  return part.size() == 1 ? "0" + std::string(part) : std::string(part);
}

// The parts between '/', '-', '.' or spaces.
std::vector<std::string> PartsOf(std::string_view text) {
  std::string even(text);
  for (char& c : even) {
    if (c == '-' || c == '.' || c == ' ') c = '/';
  }
  return base::Split(even, '/');
}

std::string Iso(std::string_view year, std::string_view month, std::string_view day) {
  const bool fits = IsDigits(year) && year.size() == 4 && IsDigits(month) && month.size() <= 2 &&
                    IsDigits(day) && day.size() <= 2;
  return fits ? fmt::format("{}-{}-{}", year, TwoDigits(month), TwoDigits(day)) : "";
}

// "sep" → "9"; "" if it is no month.
std::string MonthOf(std::string_view name) {
  const std::string lower = base::LowerAscii(name);
  const size_t at = lower.size() == 3 ? kMonths.find(lower) : std::string_view::npos;
  return at == std::string_view::npos || at % 3 != 0 ? "" : std::to_string(at / 3 + 1);
}

// Two digits of a year: nobody whom it concerns was born in 2030 yet, and few before 1930.
std::string CenturyOf(std::string_view year) {
  constexpr std::string_view kTurn = "30";
  if (year.size() != 2) return std::string(year);
  return (year < kTurn ? "20" : "19") + std::string(year);
}

std::string Normal(std::string_view name) {
  return base::LowerAscii(base::TrimAscii(name));
}

// Finds columns of the file and notes which of them are used.
class FileColumns {
 public:
  FileColumns(const std::vector<std::string>& header, std::vector<std::string>& problems)
      : problems_(problems) {
    for (const auto& cell : header) names_.push_back(Normal(cell));
    used_.resize(names_.size());
  }
  std::optional<size_t> Use(std::string_view name) {
    const auto it = std::find(names_.begin(), names_.end(), Normal(name));
    if (it == names_.end()) return std::nullopt;
    used_[static_cast<size_t>(it - names_.begin())] = true;
    return static_cast<size_t>(it - names_.begin());
  }
  const std::vector<std::string>& names() const { return names_; }
  bool used(size_t at) const { return used_[at]; }
  void Problem(std::string words) {
    if (problems_.size() < kMostProblems) problems_.push_back(std::move(words));
  }

 private:
  std::vector<std::string>& problems_;
  std::vector<std::string> names_;
  std::vector<bool> used_;
};

bool Knows(const std::vector<std::string>& known, std::string_view name) {
  return std::find(known.begin(), known.end(), name) != known.end();
}

std::string DidYouMean(std::string_view name, const std::vector<std::string>& known) {
  const std::string nearest = base::Nearest(name, known);
  return nearest.empty() ? "" : fmt::format(", did you mean \"{}\"?", nearest);
}

void MapOne(const std::string& ours, const v1::ImportMapping::Column& how, FileColumns& file,
            MappedColumns& mapped) {
  std::vector<size_t> from;
  for (const auto& name : how.from()) {
    if (const auto at = file.Use(name)) {
      from.push_back(*at);
    } else {
      file.Problem(fmt::format("the mapping of \"{}\" names a column that the file does not have", ours));
    }
  }
  if (how.from().empty() == how.constant().empty())
    file.Problem(
        fmt::format("the mapping of \"{}\" needs either columns of the file (from) or a constant", ours));
  if (!how.date().empty() && !Knows(DateLayouts(), how.date()))
    file.Problem(
        fmt::format("the date layout of \"{}\" is not one of {}", ours, fmt::join(DateLayouts(), ", ")));
  mapped.names.push_back(ours);
  mapped.makers.emplace_back(std::move(from), how);
}

}  // namespace

const std::vector<std::string>& DateLayouts() {
  static const auto* const layouts =
      new std::vector<std::string>{"dd/mm/yyyy", "mm/dd/yyyy", "yyyymmdd", "dd-mmm-yy", "dd-mmm-yyyy"};
  return *layouts;
}

std::string IsoOfLayout(std::string_view layout, std::string_view text) {
  text = base::TrimAscii(text);
  if (layout == "yyyymmdd") {
    return text.size() == 8 && IsDigits(text) ? Iso(text.substr(0, 4), text.substr(4, 2), text.substr(6))
                                              : "";
  }
  const std::vector<std::string> parts = PartsOf(text);
  if (parts.size() != 3) return "";
  if (layout == "dd/mm/yyyy") return Iso(parts[2], parts[1], parts[0]);
  if (layout == "mm/dd/yyyy") return Iso(parts[2], parts[0], parts[1]);
  return Iso(layout == "dd-mmm-yy" ? CenturyOf(parts[2]) : parts[2], MonthOf(parts[1]), parts[0]);
}

ColumnMaker::ColumnMaker(std::vector<size_t> from, const v1::ImportMapping::Column& how)
    : from_(std::move(from)),
      constant_(how.constant()),
      date_(how.date()),
      values_(how.values().begin(), how.values().end()),
      is_constant_(how.from().empty()) {}

std::string ColumnMaker::Make(const std::vector<std::string>& cells) const {
  if (is_constant_) return constant_;
  std::string made;
  for (const size_t at : from_) {
    if (from_.size() > 1 && base::TrimAscii(cells[at]).empty()) continue;
    if (!made.empty()) made += ' ';
    made += cells[at];
  }
  if (const auto it = values_.find(base::TrimAscii(made)); it != values_.end()) made = it->second;
  if (date_.empty() || base::TrimAscii(made).empty()) return made;
  const std::string iso = IsoOfLayout(date_, made);
  return iso.empty() ? made : iso;  // as it came: it is said to be unreadable later
}

bool IsRejectionColumn(std::string_view column) {
  return column == "rejected_line" || column == "rejected_column" || column == "rejected_reason" ||
         column == "rejected_message";
}

MappedColumns MapColumns(const std::vector<std::string>& header, const v1::ImportMapping& mapping,
                         const std::vector<std::string>& known, std::vector<std::string>& problems) {
  FileColumns file(header, problems);
  MappedColumns mapped;
  std::set<std::string> ours_in_order;  // the mapping's own order says nothing
  for (const auto& [ours, how] : mapping.columns()) ours_in_order.insert(ours);
  for (const auto& ours : ours_in_order) {
    if (!Knows(known, ours)) {
      file.Problem(fmt::format("the mapping makes a column that there is not{}", DidYouMean(ours, known)));
      continue;
    }
    MapOne(ours, mapping.columns().at(ours), file, mapped);
  }
  for (const auto& name : mapping.ignore()) {
    if (!file.Use(name)) file.Problem("the mapping leaves out a column that the file does not have");
  }
  // What carries our names already is taken as it is.
  for (size_t at = 0; at < file.names().size(); ++at) {
    const std::string& name = file.names()[at];
    if (file.used(at) || IsRejectionColumn(name)) continue;
    if (!Knows(known, name)) {
      // A file without a header has contact data here: only what looks like a column name is repeated.
      file.Problem(fmt::format("column {} is unknown{}", at + 1, DidYouMean(name, known)));
      continue;
    }
    if (Knows(mapped.names, name)) file.Problem(fmt::format("\"{}\" is there twice", name));
    mapped.names.push_back(name);
    mapped.makers.emplace_back(at);
  }
  return mapped;
}

}  // namespace pharos::customer
