#include "services/edge/json_form.h"

#include <fmt/format.h>

#include <chrono>
#include <set>
#include <vector>

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/edge/errors.h"

namespace pharos::edge {
namespace {

using nlohmann::json;

constexpr size_t kFractionDigits = 6;
constexpr int kMostFractionDigits = 9;

// The first `count` characters as a number; -1 if one is no digit. Removes them.
int Digits(std::string_view& text, size_t count) {
  if (text.size() < count) return -1;
  int number = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return number;
}
bool Take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// ".123" in microseconds; -1 if there is a point and no digit.
int64_t Fraction(std::string_view& text) {
  if (!Take(text, '.')) return 0;
  int64_t micros = 0;
  size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
    if (++digits > kMostFractionDigits) return -1;
    if (digits <= kFractionDigits) micros = micros * 10 + (text.front() - '0');
  }
  for (size_t i = digits; i < kFractionDigits; ++i) micros *= 10;
  return digits == 0 ? -1 : micros;
}

// "Z", "+01:00" or "+0100" in seconds east; nullopt otherwise.
std::optional<int64_t> Zone(std::string_view text) {
  if (text == "Z") return 0;
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const int sign = text[0] == '+' ? 1 : -1;
  text.remove_prefix(1);
  const int hours = Digits(text, 2);
  Take(text, ':');
  const int minutes = Digits(text, 2);
  if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59 || !text.empty()) return std::nullopt;
  return sign * (hours * 3600 + minutes * 60);
}

// Keys of the objects that are open now: a second one of the same name would let two readers read two things.
class Keys {
 public:
  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start || event == json::parse_event_t::array_start) {
      too_deep |= depth >= kDeepest;
      open_.emplace_back();
    } else if (event == json::parse_event_t::object_end || event == json::parse_event_t::array_end) {
      open_.pop_back();
    } else if (event == json::parse_event_t::key) {
      repeated |= !open_.back().insert(parsed.get<std::string>()).second;
    }
    return !too_deep;  // what is too deep is thrown away as it is read
  }
  bool too_deep = false, repeated = false;

 private:
  std::vector<std::set<std::string>> open_;
};

}  // namespace

int64_t ReadTime(std::string_view text) {
  const int year = Digits(text, 4);
  if (!Take(text, '-')) return -1;
  const int month = Digits(text, 2);
  if (!Take(text, '-')) return -1;
  const int day = Digits(text, 2);
  if (!Take(text, 'T')) return -1;
  const int hour = Digits(text, 2);
  if (!Take(text, ':')) return -1;
  const int minute = Digits(text, 2);
  if (!Take(text, ':')) return -1;
  const int second = Digits(text, 2);
  const int64_t fraction = Fraction(text);
  const auto zone = Zone(text);
  if (year < 1970 || month < 1 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      second < 0 || second > 60 || fraction < 0 || !zone)
    return -1;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return -1;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const int64_t micros = (((days * 24 + hour) * 60 + minute) * 60 + second - *zone) * 1'000'000 + fraction;
  return micros < 0 ? -1 : micros;
}

absl::StatusOr<json> ReadObject(std::string_view body) {
  if (!base::IsUtf8(body)) return errors::BodyWrong("it is not UTF-8");
  auto keys = std::make_shared<Keys>();
  const auto watch = [keys](int depth, json::parse_event_t event, json& parsed) {
    return (*keys)(depth, event, parsed);
  };
  json value = json::parse(body, watch, /*allow_exceptions=*/false);
  if (keys->too_deep) return errors::BodyWrong("it is nested too deeply");
  if (value.is_discarded()) return errors::BodyWrong("it is not JSON");
  if (keys->repeated) return errors::BodyWrong("a field is there twice");
  if (!value.is_object()) return errors::BodyWrong("it is not a JSON object");
  return value;
}

const json* Form::Find(const char* field) const {
  const auto at = object_.find(field);
  return at == object_.end() || at->is_null() ? nullptr : &*at;
}

void Form::Fail(const char* field, std::string_view what) {
  if (status_.ok()) status_ = errors::BodyWrong(fmt::format("\"{}\" {}", field, what));
}

std::string Form::Text(const char* field, size_t most) {
  std::string text = Maybe(field, most);
  if (text.empty()) Fail(field, "is missing");
  return text;
}

std::string Form::Maybe(const char* field, size_t most) {
  const json* value = Find(field);
  if (value == nullptr) return "";
  if (!value->is_string()) {
    Fail(field, "must be a text");
    return "";
  }
  const auto& text = value->get_ref<const std::string&>();
  if (text.size() <= most) return text;
  Fail(field, "is too long");
  return "";
}

bool Form::Flag(const char* field) {
  const json* value = Find(field);
  if (value != nullptr && !value->is_boolean()) Fail(field, "must be true or false");
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

int64_t Form::MaybeTime(const char* field) {
  constexpr size_t kLongestTime = 40;
  const std::string text = Maybe(field, kLongestTime);
  if (text.empty()) return 0;
  const int64_t micros = ReadTime(text);
  if (micros < 0) Fail(field, "must be a time in ISO 8601 with its zone");
  return micros < 0 ? 0 : micros;
}

}  // namespace pharos::edge
