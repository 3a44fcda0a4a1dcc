// What was typed, made comparable. Pure. An empty answer means: cannot be read. What was received is kept
// beside it, always.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pharos::customer {

// For showing and for templates: no titles, single spaces, "NOAH" and "noah" → "Noah", "o'brien" → "O'Brien".
// Words that stand for "no name" (unknown, test, baby, …) give "".
std::string CleanName(std::string_view typed);
// Lower case; must look like an address.
std::string CleanEmail(std::string_view typed);
// E.164 without '+', e.g. "447700900123"; default country GB. Numbers of a possible length, allocated or not.
std::string CleanPhone(std::string_view typed);
// The same by libphonenumber alone; CleanPhone answers plain British forms itself because it is far quicker.
std::string CleanPhoneByLibrary(std::string_view typed);
// Ten digits with a right check digit, and not ten times the same one.
std::string CleanNhsNumber(std::string_view typed);
// ISO 8601 from 2001-02-03, 03/02/2001, 03-02-2001, 03.02.2001 or 20010203; years 1850 to 2100.
std::string CleanDate(std::string_view typed);
// Upper case with a space before the last three: "SW1A 1AA".
std::string CleanPostcode(std::string_view typed);
// "F", "M", "X" or "".
std::string CleanSex(std::string_view typed);
// "en", "cy", "zh-hant" …
std::string CleanLanguage(std::string_view typed);
// Lower case, sorted, each once: "diet;sleep".
std::string CleanInterests(std::string_view typed);
// By field name (given_name, email, …); fields without a rule are trimmed.
std::string CleanField(std::string_view field, std::string_view typed);

// Microseconds since the epoch of an RFC 3339 time or an ISO 8601 date (midnight UTC); -1: cannot be read.
int64_t ReadTime(std::string_view typed);

// British mobile: 447… but not personal numbers (70) or pagers (76, except 7624: Isle of Man). `phone` as
// CleanPhone gives it.
bool IsMobile(std::string_view phone);
// reception@, info@, admin@ …: whoever is on duty.
bool IsRoleMailbox(std::string_view email);
// 1900-01-01 and 1970-01-01: somebody had to type a date.
bool IsPlaceholderDate(std::string_view date);

}  // namespace pharos::customer
