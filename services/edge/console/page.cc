#include "services/edge/console/page.h"

#include <fmt/format.h>

#include <cstdlib>
#include <ctime>
#include <kainjow/mustache.hpp>
#include <map>

#include "services/base/log.h"
#include "services/edge/console/built_in.h"

namespace pharos::edge::console {
namespace {

using kainjow::mustache::data;

data DataOf(const Model& model) {
  switch (model.type()) {
    case Model::value_t::object: {
      data object{data::type::object};
      for (const auto& [key, value] : model.items()) object.set(key, DataOf(value));
      return object;
    }
    case Model::value_t::array: {
      data list{data::type::list};
      for (const Model& value : model) list << DataOf(value);
      return list;
    }
    case Model::value_t::string:
      return data{model.get<std::string>()};
    case Model::value_t::boolean:
      return data{model.get<bool>()};
    case Model::value_t::null:
      return data{false};
    default:
      return data{model.dump()};
  }
}

std::string_view TextOf(std::string_view page) {
  const auto& pages = BuiltInPages();
  const auto at = pages.find(page);
  if (at != pages.end()) return at->second;
  base::Log(base::LogLevel::kError, "console.no_such_page", {{"page", std::string(page)}});
  std::abort();
}

void AddParts(data& model) {
  for (const auto& [name, text] : BuiltInPages()) {
    if (!name.starts_with("_")) continue;
    model.set(std::string(name), kainjow::mustache::partial([text = text] { return std::string(text); }));
  }
}

std::string FillData(std::string_view page, const data& model) {
  kainjow::mustache::mustache compiled{std::string(TextOf(page))};
  if (!compiled.is_valid()) {
    base::Log(base::LogLevel::kError, "console.page_wrong",
              {{"page", std::string(page)}, {"error", compiled.error_message()}});
    std::abort();
  }
  return compiled.render(model);
}

std::tm InLondon(int64_t wall_us) {
  const std::time_t seconds = wall_us / 1'000'000;
  std::tm local{};
  localtime_r(&seconds, &local);
  return local;
}

}  // namespace

std::string Fill(std::string_view page, const Model& model) {
  data filled = DataOf(model);
  AddParts(filled);
  return FillData(page, filled);
}

std::string FillInLayout(std::string_view page, const Model& model) {
  data filled = DataOf(model);
  AddParts(filled);
  filled.set("content", FillData(page, filled));
  return FillData("layout", filled);
}

std::string Thousands(int64_t number) {
  std::string digits = std::to_string(number < 0 ? -number : number);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return number < 0 ? "-" + digits : digits;
}

std::string DayInWords(int64_t wall_us) {
  const std::tm local = InLondon(wall_us);
  char month[16];
  std::strftime(month, sizeof month, "%B", &local);
  return fmt::format("{} {} {}", local.tm_mday, month, local.tm_year + 1900);
}

std::string TimeInWords(int64_t wall_us) {
  const std::tm local = InLondon(wall_us);
  const int hour = local.tm_hour % 12 == 0 ? 12 : local.tm_hour % 12;
  return fmt::format("{} at {}:{:02}{}", DayInWords(wall_us), hour, local.tm_min,
                     local.tm_hour < 12 ? "am" : "pm");
}

}  // namespace pharos::edge::console
