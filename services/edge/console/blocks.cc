#include "services/edge/console/blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace pharos::edge::console {
namespace {

// Mustache takes an empty text for something: what is not there is false.
Model Said(const std::string& text) {
  return text.empty() ? Model(false) : Model(text);
}

Model Lines(const std::vector<std::string>& lines) {
  Model list = Model::array();
  for (const std::string& line : lines) list.push_back({{"line", line}});
  return list;
}

Model OfCell(const Cell& cell, bool scope) {
  return {{"text", cell.text.empty() ? "–" : cell.text},
          {"href", Said(cell.href)},
          {"colour", Said(cell.colour)},
          {"plain", cell.href.empty() && cell.colour.empty()},
          {"numeric", cell.numeric},
          {"row_head", scope},
          {"more", Said(cell.more)},
          {"lines", Lines(cell.lines)}};
}

Model OfTable(const Table& table) {
  Model head = Model::array(), rows = Model::array();
  for (const Cell& cell : table.head) head.push_back(OfCell(cell, false));
  for (const Row& row : table.rows) {
    Model cells = Model::array();
    for (const Cell& cell : row) cells.push_back(OfCell(cell, cells.empty()));
    rows.push_back({{"cells", cells}});
  }
  const std::string empty = table.empty.empty() ? "There is nothing here." : table.empty;
  return {{"caption", table.caption},
          {"head", head},
          {"rows", rows},
          {"filled", !table.rows.empty()},
          {"when_empty", empty}};
}

Model OfFacts(const std::vector<Fact>& facts) {
  Model list = Model::array();
  for (const Fact& fact : facts) {
    Model cell = OfCell(fact.value, false);
    list.push_back({{"key", fact.key},
                    {"cell", Model::array({cell})},
                    {"change", Said(fact.href)},
                    {"action", fact.action}});
  }
  return list;
}

Model OfChoices(const Field& field) {
  Model list = Model::array();
  for (const Choice& choice : field.choices) {
    const bool chosen =
        field.kind == Field::Kind::kCheckboxes
            ? std::find(field.chosen.begin(), field.chosen.end(), choice.value) != field.chosen.end()
            : choice.value == field.value;
    const std::string id = list.empty() ? field.id : fmt::format("{}-{}", field.id, list.size());
    list.push_back({{"choice_id", id},
                    {"name", field.id},
                    {"choice", choice.value},
                    {"words", choice.words},
                    {"about", Said(choice.hint)},
                    {"chosen", chosen}});
  }
  return list;
}

Model OfField(const Field& field, const std::string& error) {
  using Kind = Field::Kind;
  Model model = {{"id", field.id},
                 {"name", field.id},
                 {"label", field.label},
                 {"hint", Said(field.hint)},
                 {"value", field.value},
                 {"wrong", Said(error)},
                 {"width", field.width},
                 {"autocomplete", field.autocomplete.empty() ? "off" : field.autocomplete},
                 {"choices", OfChoices(field)}};
  const std::pair<const char*, Kind> kinds[] = {{"is_text", Kind::kText},
                                                {"is_area", Kind::kArea},
                                                {"is_select", Kind::kSelect},
                                                {"is_radios", Kind::kRadios},
                                                {"is_checkboxes", Kind::kCheckboxes},
                                                {"is_date", Kind::kDate},
                                                {"is_file", Kind::kFile},
                                                {"is_hidden", Kind::kHidden}};
  for (const auto& [name, kind] : kinds) model[name] = field.kind == kind;
  const std::string described =
      fmt::format("{}{}{}", field.hint.empty() ? "" : field.id + "-hint",
                  !field.hint.empty() && !error.empty() ? " " : "", error.empty() ? "" : field.id + "-error");
  model["described"] = Said(described);
  if (field.kind == Kind::kDate) {
    std::vector<std::string> parts = {"", "", ""};
    size_t at = 0, part = 0;
    while (part < 3 && at <= field.value.size() && !field.value.empty()) {
      const size_t end = std::min(field.value.find('-', at), field.value.size());
      parts[part++] = field.value.substr(at, end - at);
      at = end + 1;
    }
    model["year"] = parts[0];
    model["month"] = parts[1];
    model["day"] = parts[2];
  }
  return model;
}

Model OfForm(const FormPage& page, const std::vector<std::pair<std::string, std::string>>& errors) {
  Model fields = Model::array();
  bool file = false;
  for (const Field& field : page.fields) {
    std::string error;
    for (const auto& [id, words] : errors)
      if (id == field.id) error = words;
    fields.push_back(OfField(field, error));
    file = file || field.kind == Field::Kind::kFile;
  }
  return {{"title", page.title},
          {"back", Said(page.back)},
          {"paragraphs", Lines(page.paragraphs)},
          {"warning", Said(page.warning)},
          {"has_facts", !page.facts.empty()},
          {"facts", OfFacts(page.facts)},
          {"fields", fields},
          {"button", page.button},
          {"action_path", Said(page.action)},
          {"danger", page.danger},
          {"multipart", file}};
}

}  // namespace

Cell Number(int64_t number) {
  Cell cell{Thousands(number)};
  cell.numeric = true;
  return cell;
}
Cell Link(std::string text, std::string href) {
  return {std::move(text), std::move(href)};
}
Cell Tag(std::string text, std::string colour) {
  return {std::move(text), "", std::move(colour)};
}
std::vector<Cell> Heads(std::initializer_list<const char*> words) {
  std::vector<Cell> heads;
  for (const std::string_view word : words) {
    const bool numeric = word.starts_with("#");
    Cell head{std::string(numeric ? word.substr(1) : word)};
    head.numeric = numeric;
    heads.push_back(std::move(head));
  }
  return heads;
}

Model ModelOf(const Section& section) {
  Model tables = Model::array(), buttons = Model::array();
  for (const Table& table : section.tables) tables.push_back(OfTable(table));
  for (const Button& button : section.buttons)
    buttons.push_back(
        {{"words", button.words}, {"href", button.href}, {"quiet", button.quiet}, {"danger", button.danger}});
  return {{"section_id", Said(section.id)},
          {"heading", Said(section.heading)},
          {"paragraphs", Lines(section.paragraphs)},
          {"warning", Said(section.warning)},
          {"has_facts", !section.facts.empty()},
          {"facts", OfFacts(section.facts)},
          {"tables", tables},
          {"after", Lines(section.after)},
          {"code", Said(section.code)},
          {"has_buttons", !buttons.empty()},
          {"buttons", buttons}};
}

Model PageModel(std::string title, const std::vector<Section>& sections, std::string back) {
  Model model = {{"title", std::move(title)}, {"sections", Model::array()}, {"back", Said(back)}};
  for (const Section& section : sections) model["sections"].push_back(ModelOf(section));
  return model;
}

FormPage Refilled(FormPage page, const FormValues& form) {
  for (Field& field : page.fields) {
    if (field.kind == Field::Kind::kDate) {
      field.value = fmt::format("{}-{}-{}", form.Get(field.id + "-year"), form.Get(field.id + "-month"),
                                form.Get(field.id + "-day"));
    } else if (field.kind == Field::Kind::kCheckboxes) {
      field.chosen = form.All(field.id);
    } else if (form.Has(field.id)) {
      field.value = form.Get(field.id);
    }
  }
  return page;
}

Model ModelOf(const FormPage& page) {
  return OfForm(page, {});
}

Reply ShowForm(const FormPage& page) {
  return Show("form", ModelOf(page));
}

Reply ShowFormErrors(FormPage page, const std::vector<std::pair<std::string, std::string>>& errors) {
  auto shown = errors;
  for (auto& [id, words] : shown)
    for (const Field& field : page.fields)
      if (field.id == id && field.kind == Field::Kind::kDate) id += "-day";
  return ShowErrors("form", OfForm(page, errors), shown);
}

absl::StatusOr<Reply> Settle(const Visit& visit, FormPage page, const absl::Status& status, std::string go,
                             std::string notice) {
  if (status.ok()) return Go(std::move(go), std::move(notice));
  const bool mendable = absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status) ||
                        absl::IsAlreadyExists(status) || absl::IsNotFound(status) ||
                        absl::IsAborted(status) || absl::IsPermissionDenied(status) ||
                        absl::IsResourceExhausted(status);
  if (!mendable) return status;
  return ShowFormErrors(Refilled(std::move(page), visit.form), {{"", WordsOf(status)}});
}

std::string DateOf(const FormValues& form, std::string_view id) {
  const auto part = [&](const char* name) { return form.Get(fmt::format("{}-{}", id, name)); };
  const std::string day = part("day"), month = part("month"), year = part("year");
  if (day.empty() && month.empty() && year.empty()) return "";
  for (const std::string& text : {day, month, year}) {
    if (text.empty() || text.size() > 4 || text.find_first_not_of("0123456789") != std::string::npos)
      return "?";
  }
  const std::chrono::year_month_day date{std::chrono::year{std::atoi(year.c_str())},
                                         std::chrono::month{static_cast<unsigned>(std::atoi(month.c_str()))},
                                         std::chrono::day{static_cast<unsigned>(std::atoi(day.c_str()))}};
  if (!date.ok() || year.size() != 4) return "?";
  return fmt::format("{}-{:02}-{:02}", year, std::atoi(month.c_str()), std::atoi(day.c_str()));
}

std::string QuotedForShell(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) c == '\'' ? quoted += "'\\''" : quoted += c;
  return quoted + "'";
}

std::string QuotedForCode(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    c == '\n' ? quoted += "\\n" : quoted += c;
  }
  return quoted + "'";
}

void AddCopyAs(Model& model, std::string command_line, std::string_view method, std::string_view json) {
  model["has_copy_as"] = true;
  if (!model.contains("copy_as")) model["copy_as"] = Model::array();
  const auto add = [&](const char* name, std::string text) {
    model["copy_as"].push_back({{"name", name}, {"text", std::move(text)}});
  };
  const std::string code = QuotedForCode(json);
  add("Command line", std::move(command_line));
  add("curl",
      fmt::format("curl -H \"Authorization: Bearer $KEY\" -H 'Content-Type: application/json' \\\n  -d {} "
                  "\\\n  \"$PHAROS/pharos.{}\"",
                  QuotedForShell(json), method));
  add("Python", fmt::format("import json, os, urllib.request\n"
                            "request = urllib.request.Request(\n"
                            "    os.environ[\"PHAROS\"] + \"/pharos.{}\", data={}.encode(),\n"
                            "    headers={{\"Authorization\": \"Bearer \" + os.environ[\"KEY\"], "
                            "\"Content-Type\": \"application/json\"}})\n"
                            "print(json.load(urllib.request.urlopen(request)))",
                            method, code));
  add("R", fmt::format("library(curl)\n"
                       "handle <- new_handle(postfields = {})\n"
                       "handle_setheaders(handle, \"Content-Type\" = \"application/json\",\n"
                       "                  Authorization = paste(\"Bearer\", Sys.getenv(\"KEY\")))\n"
                       "answer <- curl_fetch_memory(paste0(Sys.getenv(\"PHAROS\"), \"/pharos.{}\"), handle)\n"
                       "jsonlite::fromJSON(rawToChar(answer$content))",
                       code, method));
}

void AddNextPage(Model& model, std::string path, std::string_view token) {
  if (token.empty()) return;
  const char* joint = path.find('?') == std::string::npos ? "?" : "&";
  model["next_page"] = fmt::format("{}{}page={}", path, joint, EscapeForUrl(token));
}

}  // namespace pharos::edge::console
