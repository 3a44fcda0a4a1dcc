#include "services/edge/console/area_names.h"

#include <fmt/format.h>

#include "pharos/audience/v1/reference_service.pb.h"

namespace pharos::edge::console {
namespace {

namespace v1 = audience::v1;

constexpr int kMostPages = 10;  // of 1,000 areas; there are some 400 authorities

}  // namespace

std::string AreaNames::Of(std::string_view code) const {
  const auto at = names_.find(code);
  return at == names_.end() ? "" : at->second;
}

std::string AreaNames::WithCode(std::string_view code) const {
  const std::string name = Of(code);
  return name.empty() ? std::string(code) : fmt::format("{} ({})", name, code);
}

AreaNames NamesFor(const Visit& visit, std::string_view field) {
  if ((field != "area" && field != "region") || !visit.May("reference.read")) return {};
  std::map<std::string, std::string, std::less<>> names;
  v1::ListAreasRequest request;
  for (int page = 0; page < kMostPages; ++page) {
    v1::ListAreasResponse response;
    if (!visit.Call(request, &response).ok()) break;
    for (const v1::Area& area : response.areas()) {
      if (field == "area") names[area.code()] = area.display_name();
      if (field == "region") names[area.region()] = area.region_name();
    }
    if (response.next_page_token().empty()) break;
    request.set_page_token(response.next_page_token());
  }
  return AreaNames(std::move(names));
}

}  // namespace pharos::edge::console
