#include "services/customer/identity/features.h"

#include <algorithm>
#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

#include "services/customer/identity/features_data.h"
#include "services/customer/identity/text.h"

namespace pharos::customer::identity {

namespace {

constexpr size_t kLongestValue = 80;  // a length is one byte; longer names say nothing more

// Who stands behind a shared mailbox: whoever is on duty.
const std::unordered_set<std::string_view> kRoleBoxes = {
    "info",       "reception", "admin",       "administrator", "enquiries", "enquiry",  "office",
    "contact",    "contactus", "hello",       "help",          "helpdesk",  "support",  "sales",
    "mail",       "email",     "post",        "postmaster",    "webmaster", "noreply",  "no-reply",
    "donotreply", "secretary", "manager",     "team",          "feedback",  "press",    "media",
    "accounts",   "hr",        "jobs",        "clinic",        "surgery",   "practice", "pharmacy",
    "school",     "general",   "switchboard", "appointments",  "bookings"};
// Words that stand for "no name".
const std::unordered_set<std::string_view> kNoNames = {
    "unknown", "test",     "baby",      "twinone",  "twintwo", "na",      "none", "null",
    "tbc",     "notknown", "anonymous", "notgiven", "dummy",   "patient", "xxx",  "testpatient"};

class Writer {
 public:
  void Add(Kind kind, std::string value) {
    if (value.empty() || value.size() > 255) return;
    auto& known = values_[kind];
    if (known.size() < kMostValues && std::find(known.begin(), known.end(), value) == known.end()) {
      known.push_back(std::move(value));
    }
  }
  std::string Bytes() const {
    std::string bytes;
    for (int kind = 1; kind < kKinds; ++kind) {
      for (const auto& value : values_[kind]) {
        bytes.push_back(static_cast<char>(kind));
        bytes.push_back(static_cast<char>(value.size()));
        bytes += value;
      }
    }
    return bytes;
  }

 private:
  std::array<std::vector<std::string>, kKinds> values_;
};

std::string FoldName(std::string_view name) {
  std::string folded = Fold(name).substr(0, kLongestValue);
  if (kNoNames.contains(folded)) folded.clear();
  return folded;
}

void AddName(Writer& writer, const std::string& given, const std::string& family) {
  if (given.empty() && family.empty()) return;
  std::string value(1, static_cast<char>(given.size()));
  value += given;
  value.push_back(static_cast<char>(family.size()));
  value += family;
  writer.Add(kName, value + NicknameFamilies(given));
}

// The parts of a name of several words, folded.
std::vector<std::string> Parts(std::string_view name) {
  std::vector<std::string> parts;
  size_t from = 0;
  for (size_t at = 0; at <= name.size(); ++at) {
    if (at < name.size() && name[at] != ' ' && name[at] != '-') continue;
    std::string part = FoldName(name.substr(from, at - from));
    if (part.size() >= 2) parts.push_back(std::move(part));
    from = at + 1;
  }
  return parts;
}

void AddNames(Writer& writer, std::string_view given, std::string_view family) {
  const std::string whole_given = FoldName(given), whole_family = FoldName(family);
  AddName(writer, whole_given, whole_family);
  const auto givens = Parts(given), families = Parts(family);
  if (givens.size() > 1) AddName(writer, givens[0], whole_family);
  if (families.size() > 1 && families.size() <= 3) {
    for (const auto& part : families) AddName(writer, whole_given, part);
  }
}

int Digits(std::string_view text) {
  int value = 0;
  for (char c : text) value = value * 10 + (c - '0');
  return value;
}

// 1900-01-01 and 1970-01-01 say nothing; the first of January of another year often stands for "some day of
// that year".
void AddBirth(Writer& writer, std::string_view date) {
  if (date.size() != 10 || date == "1900-01-01" || date == "1970-01-01") return;
  for (size_t at : {0, 1, 2, 3, 5, 6, 8, 9}) {
    if (date[at] < '0' || date[at] > '9') return;
  }
  const int year = Digits(date.substr(0, 4));
  int month = Digits(date.substr(5, 2)), day = Digits(date.substr(8, 2));
  if (month == 1 && day == 1) month = 0, day = 0;
  writer.Add(kBirth, {static_cast<char>(year >> 8), static_cast<char>(year & 255), static_cast<char>(month),
                      static_cast<char>(day)});
}

void AddEmail(Writer& writer, std::string_view email) {
  const size_t at = email.find('@');
  if (at == std::string_view::npos || at == 0) return;
  std::string local(email.substr(0, at)), domain(email.substr(at + 1));
  if (domain == "googlemail.com") domain = "gmail.com";
  const char box = kRoleBoxes.contains(local) ? kRole : kPersonal;
  local = local.substr(0, std::max<size_t>(local.find('+'), 1));
  if (domain == "gmail.com") std::erase(local, '.');
  writer.Add(kEmail, std::string(1, box) + local + "@" + domain);
}

bool IsBritishMobile(std::string_view phone) {
  if (phone.size() != 12 || phone.substr(0, 3) != "447" || phone[3] == '0') return false;
  return phone[3] != '6' || phone.substr(3, 3) == "624";
}

// Ten times one digit, or 1234567890: somebody had to type a number.
bool SaysNothing(std::string_view phone) {
  if (phone.size() < 7) return true;
  const std::string_view end = phone.substr(phone.size() - 7);
  return std::all_of(end.begin(), end.end(), [&](char c) { return c == end[0]; }) || end == "4567890";
}

void AddPhone(Writer& writer, std::string_view phone) {
  if (SaysNothing(phone)) return;
  const bool landline = phone.substr(0, 2) == "44" && !IsBritishMobile(phone);
  writer.Add(kPhone,
             std::string(1, landline ? kLandline : kMobile) + std::string(phone.substr(0, kLongestValue)));
}

void AddPostcode(Writer& writer, std::string_view postcode) {
  std::string code = Fold(postcode);
  std::transform(code.begin(), code.end(), code.begin(), [](unsigned char c) { return std::toupper(c); });
  writer.Add(kPostcode, code.substr(0, 10));
}

void AddAll(Writer& writer, Said said) {
  AddNames(writer, said("given_name"), said("family_name"));
  writer.Add(kMiddle, FoldName(said("middle_name")));
  AddBirth(writer, said("date_of_birth"));
  writer.Add(kSex, std::string(said("sex").substr(0, 1)));
  AddEmail(writer, said("email"));
  AddPhone(writer, said("phone"));
  AddPostcode(writer, said("postcode"));
  writer.Add(kHouse, Fold(said("house")).substr(0, 20));
  writer.Add(kStreet, Fold(said("street")).substr(0, kLongestValue));
  writer.Add(kTown, Fold(said("town")).substr(0, kLongestValue));
  writer.Add(kNhsNumber, std::string(said("nhs_number")));
  writer.Add(kNationalId, Fold(said("national_id")).substr(0, kLongestValue));
  writer.Add(kOrganisation, Fold(said("organisation")).substr(0, kLongestValue));
}

// What an earlier version says, as one text to put several in an order of their own.
std::string Whole(Said said) {
  static constexpr const char* kFields[] = {
      "given_name", "family_name", "middle_name", "date_of_birth", "email",       "phone",        "postcode",
      "house",      "street",      "town",        "nhs_number",    "national_id", "organisation", "sex"};
  std::string whole;
  for (const char* field : kFields) whole.append(said(field)).push_back('\n');
  return whole;
}

}  // namespace

Features Features::Of(Said current, std::span<const Said> earlier, const Model&) {
  Writer writer;
  AddAll(writer, current);
  // Earlier versions come in any order, and the same set must give the same bytes.
  std::vector<std::pair<std::string, size_t>> order;
  for (size_t at = 0; at < earlier.size(); ++at) order.emplace_back(Whole(earlier[at]), at);
  std::sort(order.begin(), order.end());
  for (const auto& [whole, at] : order) AddAll(writer, earlier[at]);
  return From(writer.Bytes());
}

std::string Features::Bytes() const {
  return data_ == nullptr ? std::string() : data_->bytes;
}

Features Features::From(std::string_view bytes) {
  Features features;
  features.data_ = std::make_shared<const Data>(Data{std::string(bytes)});
  return features;
}

View::View(const Features::Data& data) {
  std::string_view rest = data.bytes;
  while (rest.size() >= 2) {
    const int kind = rest[0];
    const size_t size = static_cast<unsigned char>(rest[1]);
    const std::string_view value = rest.substr(2, size);
    rest.remove_prefix(std::min(rest.size(), 2 + size));
    if (value.empty() || kind < 1 || kind >= kKinds) continue;
    if (kind == kName) {
      const size_t given = static_cast<unsigned char>(value[0]);
      if (value.size() < 2 + given) continue;
      const size_t family = static_cast<unsigned char>(value[1 + given]);
      if (value.size() < 2 + given + family) continue;
      names.Add({value.substr(1, given), value.substr(2 + given, family), value.substr(2 + given + family)});
    } else if (kind == kBirth) {
      if (value.size() != 4) continue;
      births.Add({static_cast<unsigned char>(value[0]) << 8 | static_cast<unsigned char>(value[1]),
                  value[2],
                  value[3],
                  {}});
    } else {
      of[kind].Add(value);
    }
  }
}

}  // namespace pharos::customer::identity
