#include "services/customer/clean.h"

#include <fmt/format.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "phonenumbers/phonenumberutil.h"
#include "services/base/text.h"

namespace pharos::customer {

namespace {

constexpr size_t kLongestLocalPart = 64;  // RFC 5321
constexpr size_t kLongestEmail = 254;
constexpr size_t kLongestPhone = 250;  // libphonenumber reads no further

const std::unordered_set<std::string_view> kTitles = {"mr",   "mrs",       "ms",   "miss", "mx",   "dr",
                                                      "prof", "professor", "sir",  "dame", "lord", "lady",
                                                      "rev",  "revd",      "cllr", "fr"};
const std::unordered_set<std::string_view> kNoNames = {"unknown",   "test", "baby", "twin one",  "twin two",
                                                       "n/a",       "none", "null", "not known", "tbc",
                                                       "anonymous", "-",    ".",    "?"};
const std::unordered_set<std::string_view> kRoles = {
    "info",       "reception", "admin",       "administrator", "enquiries", "enquiry",  "office",
    "contact",    "contactus", "hello",       "help",          "helpdesk",  "support",  "sales",
    "mail",       "email",     "post",        "postmaster",    "webmaster", "noreply",  "no-reply",
    "donotreply", "secretary", "manager",     "team",          "feedback",  "press",    "media",
    "accounts",   "hr",        "jobs",        "clinic",        "surgery",   "practice", "pharmacy",
    "school",     "general",   "switchboard", "appointments",  "bookings"};

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80; });
}

bool AllDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= '0' && c <= '9'; });
}

int Number(std::string_view digits) {
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// Words separated by single spaces, no control characters.
std::string Tidy(std::string_view typed) {
  std::string tidy;
  for (unsigned char c : typed) {
    const bool space = c <= ' ' || c == 0x7F;
    if (space && (tidy.empty() || tidy.back() == ' ')) continue;
    tidy.push_back(space ? ' ' : static_cast<char>(c));
  }
  if (!tidy.empty() && tidy.back() == ' ') tidy.pop_back();
  return tidy;
}

// "noah" and "NOAH" → "Noah"; a name with both cases was typed with care and stays.
std::string Capitalise(const icu::UnicodeString& text) {
  bool upper = false, lower = false;
  for (int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1)) {
    upper = upper || u_isUUppercase(text.char32At(at));
    lower = lower || u_isULowercase(text.char32At(at));
  }
  std::string out;
  if (upper && lower) return text.toUTF8String(out);
  icu::UnicodeString made;
  bool in_word = false;
  for (int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1)) {
    const UChar32 c = text.char32At(at);
    made.append(in_word ? u_tolower(c) : u_toupper(c));
    in_word = u_isalpha(c);
  }
  return made.toUTF8String(out);
}

std::string CapitaliseAscii(std::string name) {
  const bool upper = std::any_of(name.begin(), name.end(), [](unsigned char c) { return std::isupper(c); });
  const bool lower = std::any_of(name.begin(), name.end(), [](unsigned char c) { return std::islower(c); });
  if (upper && lower) return name;
  bool in_word = false;
  for (char& c : name) {
    c = static_cast<char>(in_word ? std::tolower(static_cast<unsigned char>(c))
                                  : std::toupper(static_cast<unsigned char>(c)));
    in_word = std::isalpha(static_cast<unsigned char>(c));
  }
  return name;
}

std::string WithoutTitles(std::string name) {
  while (true) {
    const size_t space = name.find(' ');
    if (space == std::string::npos) break;
    std::string first = base::LowerAscii(name.substr(0, space));
    if (!first.empty() && first.back() == '.') first.pop_back();
    if (!kTitles.contains(first)) break;
    name.erase(0, space + 1);
  }
  return name;
}

int DaysIn(int year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

bool IsDate(int year, int month, int day) {
  return year >= 1850 && year <= 2100 && month >= 1 && month <= 12 && day >= 1 && day <= DaysIn(year, month);
}

// Days since 1970-01-01 in the proleptic Gregorian calendar.
int64_t DaysSinceEpoch(int year, int month, int day) {
  const int64_t y = year - (month <= 2);
  const int64_t era = (y >= 0 ? y : y - 399) / 400;
  const int64_t of_era = y - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

// "+07:30" → seconds; nullopt-like -1'000'000 if it is none.
constexpr int kNoZone = -1'000'000;
int ZoneSeconds(std::string_view zone) {
  if (zone.empty() || zone == "Z" || zone == "z") return 0;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return kNoZone;
  if (!AllDigits(zone.substr(1, 2)) || !AllDigits(zone.substr(4, 2))) return kNoZone;
  const int seconds = Number(zone.substr(1, 2)) * 3600 + Number(zone.substr(4, 2)) * 60;
  return zone[0] == '-' ? -seconds : seconds;
}

// Ten digits after the country code or trunk zero, typed with nothing but spaces and hyphens: the form of
// nearly all of them.
std::string PlainBritish(std::string_view typed) {
  std::string digits;
  const bool plus = !typed.empty() && typed[0] == '+';
  for (char c : typed.substr(plus ? 1 : 0)) {
    if (c == ' ' || c == '-') continue;
    if (c < '0' || c > '9' || digits.size() > 14) return {};
    digits.push_back(c);
  }
  if (plus) {
    if (digits.size() != 12 || digits.compare(0, 2, "44") != 0) return {};
  } else if (digits.size() == 14 && digits.compare(0, 4, "0044") == 0) {
    digits.erase(0, 2);
  } else if (digits.size() == 11 && digits[0] == '0') {
    digits.replace(0, 1, "44");
  } else {
    return {};
  }
  return digits[2] == '7' || digits[2] == '1' || digits[2] == '2' ? digits : std::string();
}

// A note after the number goes ("07700 900123 (mum)"); a letter among the digits makes it unreadable, as the
// library would drop it and so make another number ("0163296o001"). Extensions are the library's.
std::string WithoutNote(std::string_view typed) {
  const std::string lower = base::LowerAscii(typed);
  const size_t first_digit = lower.find_first_of("0123456789");
  const size_t letter = lower.find_first_of("abcdefghijklmnopqrstuvwxyz", first_digit);
  if (first_digit == std::string::npos || letter == std::string::npos) return std::string(typed);
  const std::string_view rest = std::string_view(lower).substr(letter);
  if (rest[0] == 'x' || rest.substr(0, 3) == "ext") return std::string(typed);
  if (rest.find_first_of("0123456789") != std::string_view::npos) return {};
  return std::string(typed.substr(0, lower.find_last_of("0123456789", letter) + 1));
}

// What people and spreadsheets put between digits: spaces of all widths, hyphens and dashes.
std::string WithoutSeparators(std::string_view typed) {
  std::string kept;
  const icu::UnicodeString text =
      icu::UnicodeString::fromUTF8(icu::StringPiece(typed.data(), static_cast<int32_t>(typed.size())));
  for (int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1)) {
    const UChar32 c = text.char32At(at);
    const auto kind = u_charType(c);
    if (u_isUWhiteSpace(c) || kind == U_DASH_PUNCTUATION || kind == U_FORMAT_CHAR) continue;
    kept.push_back(c < 0x80 ? static_cast<char>(c) : '?');
  }
  return kept;
}

bool IsDomain(std::string_view domain) {
  if (domain.find('.') == std::string_view::npos) return false;
  for (const auto& label : base::Split(domain, '.')) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    for (unsigned char c : label) {
      if (!std::isalnum(c) && c != '-' && c < 0x80) return false;
    }
  }
  return true;
}

bool IsLocalPart(std::string_view local) {
  if (local.empty() || local.size() > kLongestLocalPart || local.front() == '.' || local.back() == '.')
    return false;
  if (local.find("..") != std::string_view::npos) return false;
  constexpr std::string_view kMarks = "!#$%&'*+-/=?^_`{|}~.";
  return std::all_of(local.begin(), local.end(), [&](unsigned char c) {
    return std::isalnum(c) || c >= 0x80 || kMarks.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

}  // namespace

std::string CleanName(std::string_view typed) {
  std::string name = WithoutTitles(Tidy(typed));
  if (kNoNames.contains(base::LowerAscii(name))) return {};
  if (IsAscii(name)) {
    const bool has_letter =
        std::any_of(name.begin(), name.end(), [](unsigned char c) { return std::isalpha(c); });
    return has_letter ? CapitaliseAscii(std::move(name)) : std::string();
  }
  UErrorCode error = U_ZERO_ERROR;
  const auto* composer = icu::Normalizer2::getNFKCInstance(error);
  if (U_FAILURE(error)) return {};
  const auto text = composer->normalize(icu::UnicodeString::fromUTF8(name), error);
  return U_FAILURE(error) ? std::string() : Capitalise(text);
}

std::string CleanEmail(std::string_view typed) {
  std::string email = base::LowerAscii(base::TrimAscii(typed));
  const size_t at = email.find('@');
  if (at == std::string::npos || email.size() > kLongestEmail) return {};
  const std::string_view whole = email;
  return IsLocalPart(whole.substr(0, at)) && IsDomain(whole.substr(at + 1)) ? email : std::string();
}

std::string CleanPhoneByLibrary(std::string_view typed) {
  using i18n::phonenumbers::PhoneNumber;
  using i18n::phonenumbers::PhoneNumberUtil;
  if (typed.size() > kLongestPhone) return {};
  const std::string bare = WithoutNote(typed);
  if (bare.empty()) return {};
  const PhoneNumberUtil& library = *PhoneNumberUtil::GetInstance();
  PhoneNumber number;
  if (library.Parse(bare, "GB", &number) != PhoneNumberUtil::NO_PARSING_ERROR) return {};
  if (library.IsPossibleNumberWithReason(number) != PhoneNumberUtil::IS_POSSIBLE) return {};
  std::string e164;
  library.Format(number, PhoneNumberUtil::E164, &e164);
  if (e164.size() < 2 || e164[0] != '+') return {};
  e164.erase(0, 1);
  // A British number that begins with 7 has ten digits; with nine, one was lost.
  const bool short_mobile = e164.compare(0, 3, "447") == 0 && e164.size() != 12;
  return short_mobile ? std::string() : e164;
}

std::string CleanPhone(std::string_view typed) {
  const std::string_view trimmed = base::TrimAscii(typed);
  std::string plain = PlainBritish(trimmed);
  return plain.empty() ? CleanPhoneByLibrary(trimmed) : plain;
}

std::string CleanNhsNumber(std::string_view typed) {
  const std::string digits = WithoutSeparators(typed);
  if (digits.size() != 10 || !AllDigits(digits) ||
      std::all_of(digits.begin(), digits.end(), [&](char c) { return c == digits[0]; }))
    return {};
  int sum = 0;
  for (int at = 0; at < 9; ++at) sum += (10 - at) * (digits[at] - '0');
  const int check = (11 - sum % 11) % 11;
  return check != 10 && check == digits[9] - '0' ? digits : std::string();
}

std::string CleanDate(std::string_view typed) {
  const std::string_view date = base::TrimAscii(typed);
  int year = 0, month = 0, day = 0;
  if (date.size() == 10 && date[4] == '-' && date[7] == '-' && AllDigits(date.substr(0, 4)) &&
      AllDigits(date.substr(5, 2)) && AllDigits(date.substr(8, 2))) {
    year = Number(date.substr(0, 4)), month = Number(date.substr(5, 2)), day = Number(date.substr(8, 2));
  } else if (date.size() == 8 && AllDigits(date)) {
    year = Number(date.substr(0, 4)), month = Number(date.substr(4, 2)), day = Number(date.substr(6, 2));
  } else {
    const char separator = date.find('/') != std::string_view::npos   ? '/'
                           : date.find('.') != std::string_view::npos ? '.'
                                                                      : '-';
    const auto parts = base::Split(date, separator);
    if (parts.size() != 3 || parts[0].size() > 2 || parts[1].size() > 2 || parts[2].size() != 4) return {};
    if (!AllDigits(parts[0]) || !AllDigits(parts[1]) || !AllDigits(parts[2])) return {};
    year = Number(parts[2]), month = Number(parts[1]), day = Number(parts[0]);
  }
  return IsDate(year, month, day) ? fmt::format("{:04}-{:02}-{:02}", year, month, day) : std::string();
}

std::string CleanPostcode(std::string_view typed) {
  std::string code;
  for (unsigned char c : typed) {
    if (c == ' ' || c == '\t') continue;
    if (!std::isalnum(c)) return {};
    code.push_back(static_cast<char>(std::toupper(c)));
  }
  if (code.size() < 5 || code.size() > 7 || !std::isalpha(static_cast<unsigned char>(code[0]))) return {};
  const std::string_view inward = std::string_view(code).substr(code.size() - 3);
  const auto letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  if (!std::isdigit(static_cast<unsigned char>(inward[0])) || !letter(inward[1]) || !letter(inward[2]))
    return {};
  return code.insert(code.size() - 3, " ");
}

std::string CleanSex(std::string_view typed) {
  const std::string sex = base::LowerAscii(base::TrimAscii(typed));
  if (sex == "f" || sex == "female") return "F";
  if (sex == "m" || sex == "male") return "M";
  return sex == "x" || sex == "other" ? "X" : "";
}

std::string CleanLanguage(std::string_view typed) {
  std::string tag = base::LowerAscii(base::TrimAscii(typed));
  std::replace(tag.begin(), tag.end(), '_', '-');
  const bool plain =
      std::all_of(tag.begin(), tag.end(), [](unsigned char c) { return std::isalnum(c) || c == '-'; });
  return plain && tag.size() >= 2 && tag.size() <= 35 ? tag : std::string();
}

std::string CleanInterests(std::string_view typed) {
  std::set<std::string> interests;
  for (const auto& part : base::Split(typed, ';')) {
    const auto trimmed = base::TrimAscii(part);
    if (!trimmed.empty()) interests.insert(base::LowerAscii(trimmed));
  }
  std::string joined;
  for (const auto& interest : interests) joined += (joined.empty() ? "" : ";") + interest;
  return joined;
}

std::string CleanField(std::string_view field, std::string_view typed) {
  if (field == "given_name" || field == "family_name") return CleanName(typed);
  if (field == "email") return CleanEmail(typed);
  if (field == "phone") return CleanPhone(typed);
  if (field == "nhs_number") return CleanNhsNumber(typed);
  if (field == "date_of_birth") return CleanDate(typed);
  if (field == "postcode") return CleanPostcode(typed);
  if (field == "sex") return CleanSex(typed);
  if (field == "language") return CleanLanguage(typed);
  if (field == "interests") return CleanInterests(typed);
  return Tidy(typed);
}

int64_t ReadTime(std::string_view typed) {
  constexpr int64_t kWrong = -1;
  const std::string_view text = base::TrimAscii(typed);
  if (text.size() < 10) return kWrong;
  const std::string date = CleanDate(text.substr(0, 10));
  if (date.empty() || date != text.substr(0, 10)) return kWrong;
  int64_t micros =
      DaysSinceEpoch(Number(text.substr(0, 4)), Number(text.substr(5, 2)), Number(text.substr(8, 2))) *
      86'400'000'000;
  if (text.size() == 10) return std::max<int64_t>(micros, 0);
  if (text.size() < 19 || (text[10] != 'T' && text[10] != 't' && text[10] != ' ') || text[13] != ':' ||
      text[16] != ':')
    return kWrong;
  for (size_t at : {11, 14, 17}) {
    if (!AllDigits(text.substr(at, 2))) return kWrong;
  }
  const int hour = Number(text.substr(11, 2)), minute = Number(text.substr(14, 2)),
            second = Number(text.substr(17, 2));
  if (hour > 23 || minute > 59 || second > 60) return kWrong;
  std::string_view rest = text.substr(19);
  int64_t fraction = 0;
  if (!rest.empty() && rest[0] == '.') {
    size_t end = 1;
    for (int64_t scale = 100'000; end < rest.size() && AllDigits(rest.substr(end, 1)); ++end, scale /= 10) {
      fraction += (rest[end] - '0') * scale;
    }
    if (end == 1) return kWrong;
    rest.remove_prefix(end);
  }
  const int zone = ZoneSeconds(rest);
  if (zone == kNoZone) return kWrong;
  micros += (hour * 3600LL + minute * 60 + second - zone) * 1'000'000 + fraction;
  return std::max<int64_t>(micros, 0);
}

bool IsMobile(std::string_view phone) {
  if (phone.size() != 12 || phone.substr(0, 3) != "447") return false;
  if (phone.substr(3, 1) == "0") return false;
  return phone.substr(3, 1) != "6" || phone.substr(3, 3) == "624";
}

bool IsRoleMailbox(std::string_view email) {
  return kRoles.contains(email.substr(0, email.find('@')));
}

bool IsPlaceholderDate(std::string_view date) {
  return date == "1900-01-01" || date == "1970-01-01";
}

}  // namespace pharos::customer
