#include "services/edge/console/marketing_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "services/base/ids.h"

namespace pharos::edge::console {

PageOfBlocks::PageOfBlocks(const Visit& visit, std::string title, std::string back) : visit_(visit) {
  model_ = {{"title", std::move(title)}, {"blocks", Model::array()}};
  if (!back.empty()) model_["back"] = std::move(back);
}

void PageOfBlocks::Add(std::string_view part, const Model& model) {
  model_["blocks"].push_back({{"html", Fill(part, model)}});
}

void PageOfBlocks::AddInto(std::string_view id, std::string_view part, const Model& model) {
  model_["blocks"].push_back({{"html", Fill(part, model)}, {"block_id", id}});
}

void PageOfBlocks::Add(const FormBlock& form) {
  FormPage page;
  page.fields = form.fields;
  page.warning = form.warning;
  page.action = form.action;
  Model model = form.errors.empty() ? ModelOf(page) : ShowFormErrors(page, form.errors).model;
  model["csrf"] = visit_.session->csrf;
  model["request_id"] = base::NewId(visit_.clock.WallMicros());
  model["heading"] = form.heading.empty() ? Model(false) : Model(form.heading);
  if (!form.live.empty()) model["live"] = form.live;
  if (!form.live.empty()) model["into"] = form.into;
  for (Model& field : model["fields"]) {
    for (const auto& [first, last] : form.rows) {
      if (field["id"] == first) field["row_begins"] = true;
      if (field["id"] == last) field["row_ends"] = true;
    }
  }
  model["submits"] = Model::array();
  for (const Submit& submit : form.submits) {
    model["submits"].push_back({{"words", submit.words},
                                {"name", submit.name.empty() ? "act" : submit.name},
                                {"value", submit.value},
                                {"quiet", submit.quiet},
                                {"danger", submit.danger}});
  }
  Add("_form", model);
}

void PageOfBlocks::State(const std::string& words, const std::string& colour) {
  model_["state"] = words;
  model_["state_colour"] = colour;
}

Reply PageOfBlocks::Show() {
  return console::Show("blocks_page", model_);
}

Reply PageOfBlocks::ShowWith(const std::vector<std::pair<std::string, std::string>>& errors) {
  return ShowErrors("blocks_page", model_, errors);
}

void Refill(std::vector<Field>& fields, const FormValues& form) {
  FormPage page;
  page.fields = std::move(fields);
  fields = Refilled(std::move(page), form).fields;
}

bool IsMendable(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status) ||
         absl::IsAlreadyExists(status) || absl::IsNotFound(status) || absl::IsAborted(status) ||
         absl::IsPermissionDenied(status) || absl::IsResourceExhausted(status);
}

std::string CsvCell(std::string_view text) {
  std::string cell = "\"";
  if (!text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos) cell += '\'';
  for (const char c : text) cell += c == '"' ? std::string("\"\"") : std::string(1, c);
  return cell + '"';
}

Model BarTable(std::string caption, std::string first, const std::vector<std::string>& heads, std::string bar,
               const std::vector<BarRow>& rows) {
  constexpr double kWidth = 150;  // of the longest bar, CSS pixels
  Model model = {{"caption", std::move(caption)},
                 {"first", std::move(first)},
                 {"bar", std::move(bar)},
                 {"heads", Model::array()},
                 {"rows", Model::array()}};
  for (const std::string& head : heads) model["heads"].push_back({{"text", head}});
  for (const BarRow& row : rows) {
    Model numbers = Model::array();
    for (const std::string& number : row.numbers) numbers.push_back({{"text", number}});
    model["rows"].push_back(
        {{"name", row.name},
         {"numbers", numbers},
         {"told", row.share >= 0},
         {"width", std::to_string(static_cast<int>(std::lround(std::clamp(row.share, 0.0, 1.0) * kWidth)))}});
  }
  return model;
}

}  // namespace pharos::edge::console
