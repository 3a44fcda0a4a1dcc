// How pages of templates, audiences and campaigns are put together: blocks of HTML, each made by a template,
// below one heading.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/edge/console/blocks.h"
#include "services/edge/console/visit.h"

namespace pharos::edge::console {

struct Submit {
  std::string words, name, value;
  bool quiet = false, danger = false;
};

// A form among other blocks.
struct FormBlock {
  std::string heading, action;  // empty action: the page's own address
  std::string warning;
  std::vector<Field> fields;
  std::vector<Submit> submits;
  std::vector<std::pair<std::string, std::string>>
      rows;                // first and last field of what stands beside each other
  std::string live, into;  // asked while somebody types, and the element that gets the answer
  std::vector<std::pair<std::string, std::string>> errors;  // field id → words
};

class PageOfBlocks {
 public:
  PageOfBlocks(const Visit& visit, std::string title, std::string back = "");

  void Add(const Section& section) { Add("_section", ModelOf(section)); }
  void Add(std::string_view part, const Model& model);
  void Add(const FormBlock& form);
  // The same part inside an element with an id, which a live form or a stream fills again.
  void AddInto(std::string_view id, std::string_view part, const Model& model);
  void Caption(const std::string& words) { model_["caption_above"] = words; }
  void State(const std::string& words, const std::string& colour);
  // The page listens to a stream.
  void Stream(const std::string& path) { model_["stream"] = path; }
  Model& model() { return model_; }
  Reply Show();
  // 422, with the summary on top.
  Reply ShowWith(const std::vector<std::pair<std::string, std::string>>& errors);

 private:
  const Visit& visit_;
  Model model_;
};

// Fills in what was sent, so that nobody types twice.
void Refill(std::vector<Field>& fields, const FormValues& form);
// A mistake that whoever fills in a form can mend; else it is a failure of the page.
bool IsMendable(const absl::Status& status);
// One cell of a CSV file (RFC 4180); what a spreadsheet would run as a formula begins with an apostrophe.
std::string CsvCell(std::string_view text);
// A table part with bars beside its last column: rows of {name, number, told}.
struct BarRow {
  std::string name;
  std::vector<std::string> numbers;
  double share = 0;  // 0 to 1; below 0: not told
};
Model BarTable(std::string caption, std::string first, const std::vector<std::string>& heads, std::string bar,
               const std::vector<BarRow>& rows);

}  // namespace pharos::edge::console
