#include "services/content/placeholders.h"

#include <algorithm>
#include <set>

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/content/errors.h"

namespace pharos::content {
namespace {

constexpr size_t kMaxQuotedBytes = 64;  // of the author's own words in an error

const std::vector<std::string>& Known() {
  static const std::vector<std::string> fields = {"given_name", "family_name", "postcode",
                                                  "area",       "language",    "organisation",
                                                  "role",       "sex",         "interests"};
  return fields;
}

// Names as people write them: lower case, without spaces, '_' and '-'.
std::string Plain(std::string_view word) {
  std::string plain;
  for (char c : base::LowerAscii(word)) {
    if (c != ' ' && c != '_' && c != '-' && c != '\t') plain.push_back(c);
  }
  return plain;
}

const std::map<std::string, std::string>& FieldsByName() {
  static const std::map<std::string, std::string> names = [] {
    std::map<std::string, std::string> all = {{"firstname", "given_name"}, {"name", "given_name"},
                                              {"forename", "given_name"},  {"lastname", "family_name"},
                                              {"surname", "family_name"},  {"organization", "organisation"}};
    for (const std::string& field : Known()) all[Plain(field)] = field;
    return all;
  }();
  return names;
}

// Golden-record fields that a text on somebody's screen must not show.
const std::map<std::string, std::string>& Private() {
  static const std::map<std::string, std::string> fields = {
      {"nhsnumber", "nhs_number"}, {"nhsno", "nhs_number"}, {"dateofbirth", "date_of_birth"},
      {"dob", "date_of_birth"},    {"phone", "phone"},      {"phonenumber", "phone"},
      {"mobile", "phone"},         {"email", "email"},      {"emailaddress", "email"}};
  return fields;
}

// What not even the sender of a single message may put on somebody's screen.
bool IsNeverShown(const std::string& plain) {
  const auto found = Private().find(plain);
  return found != Private().end() && (found->second == "nhs_number" || found->second == "date_of_birth");
}

absl::StatusOr<std::string> FieldNamed(std::string_view word, int position, Names names) {
  const std::string plain = Plain(word);
  if (plain.empty())
    return errors::TemplateWrong(position, "a placeholder has no name. Write for example ((first name)).");
  if (names == Names::kBrought && !IsNeverShown(plain)) return plain;
  if (auto known = FieldsByName().find(plain); known != FieldsByName().end()) return known->second;
  if (auto secret = Private().find(plain); secret != Private().end()) {
    return errors::PlaceholderPrivate(position, secret->second);
  }
  std::vector<std::string> candidates;
  for (const auto& [name, field] : FieldsByName()) candidates.push_back(name);
  const std::string nearest = base::Nearest(plain, candidates);
  if (word.size() > kMaxQuotedBytes) word = "…";
  return errors::PlaceholderUnknown(position, word, nearest.empty() ? "" : FieldsByName().at(nearest));
}

bool At(std::string_view text, size_t at, std::string_view what) {
  return text.substr(at, what.size()) == what;
}

// Where the placeholder opened just before `from` closes: at its first "))", or for a condition at the first
// "))" that is not the end of a bracket of its own text, so that ((carer??(see leaflet))) works. npos: left
// open, or another one opens inside.
size_t Closing(std::string_view text, size_t from) {
  bool condition = false;
  int depth = 0;
  for (size_t at = from; at < text.size(); ++at) {
    if (At(text, at, "((")) return std::string_view::npos;
    if (At(text, at, "??")) condition = true;
    if (text[at] == '(' && condition) ++depth;
    if (text[at] != ')') continue;
    if (depth > 0) {
      --depth;
    } else if (At(text, at, "))")) {
      return at;
    }
  }
  return std::string_view::npos;
}

// Text outside placeholders: "))" closes something only if two brackets of the text are open.
absl::Status CheckStray(std::string_view text, size_t at, int& open) {
  if (text[at] == '(') ++open;
  if (text[at] != ')') return absl::OkStatus();
  if (open == 0 && At(text, at, "))")) {
    return errors::TemplateWrong(
        CharacterAt(text, at),
        "brackets close that were never opened. Write ((placeholder)) or take )) away.");
  }
  open = std::max(0, open - 1);
  return absl::OkStatus();
}

}  // namespace

std::string BroughtName(std::string_view word) {
  return Plain(word);
}

int CharacterAt(std::string_view text, size_t octet) {
  return 1 + static_cast<int>(
                 std::count_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(octet),
                               [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool Holds(std::string_view value) {
  const std::string word = base::LowerAscii(base::TrimAscii(value));
  return !word.empty() && word != "no" && word != "false" && word != "0";
}

std::string_view ValueOf(const std::map<std::string, std::string>& values, const std::string& field) {
  auto found = values.find(field);
  return found == values.end() ? std::string_view() : base::TrimAscii(found->second);
}

absl::StatusOr<std::vector<Part>> ReadPlaceholders(std::string_view text, Names names) {
  std::vector<Part> parts;
  std::string plain;
  size_t plain_from = 0;
  int open = 0;
  const auto end_plain = [&] {
    if (!plain.empty()) parts.push_back({Part::kText, "", plain, CharacterAt(text, plain_from)});
    plain.clear();
  };
  for (size_t at = 0; at < text.size();) {
    if (!At(text, at, "((") || At(text, at, "(((")) {
      PHAROS_RETURN_IF_ERROR(CheckStray(text, at, open));
      if (plain.empty()) plain_from = at;
      plain.push_back(text[at++]);
      continue;
    }
    const int position = CharacterAt(text, at);
    const size_t close = Closing(text, at + 2);
    if (close == std::string_view::npos) {
      return errors::TemplateWrong(
          position, "brackets are left open. End the placeholder with )) before another begins.");
    }
    const std::string_view inside = text.substr(at + 2, close - at - 2);
    const size_t mark = inside.find("??");
    PHAROS_ASSIGN_OR_RETURN(std::string field,
                            FieldNamed(base::TrimAscii(inside.substr(0, mark)), position, names));
    end_plain();
    if (mark == std::string_view::npos) {
      parts.push_back({Part::kField, std::move(field), "", position});
    } else {
      parts.push_back({Part::kCondition, std::move(field), std::string(inside.substr(mark + 2)), position});
    }
    at = close + 2;
  }
  end_plain();
  return parts;
}

std::vector<std::string> FieldsOf(const std::vector<Part>& parts) {
  std::set<std::string> fields;
  for (const Part& part : parts) {
    if (part.kind != Part::kText) fields.insert(part.field);
  }
  return {fields.begin(), fields.end()};
}

}  // namespace pharos::content
