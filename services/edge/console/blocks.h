// What pages of people, partners and operations are made of: headings, tables, summary lists, forms. A page
// is a title and a list of sections ("sections" in pages/), or one form ("form").
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/edge/console/page.h"
#include "services/edge/console/visit.h"

namespace pharos::edge::console {

// One cell of a table, or the value of a summary list. An empty text shows "–".
struct Cell {
  std::string text;
  std::string href;                // a link
  std::string colour;              // a tag of this colour
  bool numeric = false;            // right-aligned
  std::string more;                // what unfolds below it: its summary …
  std::vector<std::string> lines;  // … and its lines
};
using Row = std::vector<Cell>;

struct Table {
  std::string caption;
  std::vector<Cell> head;
  std::vector<Row> rows;
  std::string empty;  // instead of a table without rows
};

struct Fact {
  std::string key;
  Cell value;
  std::string href, action;  // "Change"
};

struct Button {
  std::string words, href;
  bool quiet = false, danger = false;
};

// All parts may be left out; they are shown in this order.
struct Section {
  std::string id, heading;
  std::vector<std::string> paragraphs;
  std::string warning;
  std::vector<Fact> facts;
  std::vector<Table> tables;
  std::vector<std::string> after;  // paragraphs below the tables
  std::string code;                // as it is, in a box
  std::vector<Button> buttons;
};

Cell Number(int64_t number);
Cell Link(std::string text, std::string href);
Cell Tag(std::string text, std::string colour);
std::vector<Cell> Heads(std::initializer_list<const char*> words);  // a leading "#" makes a column of numbers

Model ModelOf(const Section& section);
// A page of sections.
Model PageModel(std::string title, const std::vector<Section>& sections, std::string back = "");

// ---- Forms ------------------------------------------------------------------------------------------------

struct Choice {
  std::string value, words, hint;
};

struct Field {
  enum class Kind { kText, kArea, kSelect, kRadios, kCheckboxes, kDate, kFile, kHidden };
  Kind kind = Kind::kText;
  std::string id, label, hint;
  std::string value;                // as given; of kRadios and kSelect: which
  std::vector<Choice> choices;      // of kRadios, kCheckboxes, kSelect
  std::vector<std::string> chosen;  // of kCheckboxes
  std::string width;                // "govuk-input--width-10"
  std::string autocomplete;
};

struct FormPage {
  std::string title, back;
  std::vector<std::string> paragraphs;
  std::string warning;
  std::vector<Fact> facts;
  std::vector<Field> fields;
  std::string button = "Continue";
  std::string action;  // empty: the page's own address
  bool danger = false;
};

// With what was given put back into it.
FormPage Refilled(FormPage page, const FormValues& form);
Model ModelOf(const FormPage& page);
Reply ShowForm(const FormPage& page);
Reply ShowFormErrors(FormPage page, const std::vector<std::pair<std::string, std::string>>& errors);
// What became of a form: `go` with the notice, or the form again, with what the service said, if the visitor
// can mend it; else the failure.
absl::StatusOr<Reply> Settle(const Visit& visit, FormPage page, const absl::Status& status, std::string go,
                             std::string notice);

// A date's three fields ("id-day" …) as "2026-03-01"; "" if all are empty, "?" if it is no date. Pure.
std::string DateOf(const FormValues& form, std::string_view id);

// ---- The same from a program
// --------------------------------------------------------------------------------

// A text as one word of a shell; as a string of Python or R. Pure.
std::string QuotedForShell(std::string_view text);
std::string QuotedForCode(std::string_view text);
// `method`: "customer.v1.PersonService/GetPerson"; `json`: its request.
// Shown for the command line, curl, Python and R; a system's address and key are in $PHAROS and $KEY.
void AddCopyAs(Model& model, std::string command_line, std::string_view method, std::string_view json);

// ---- Pages of a list
// ----------------------------------------------------------------------------------------

// "Next page" of a list at `path` (which may have a query), if there is one.
void AddNextPage(Model& model, std::string path, std::string_view token);

}  // namespace pharos::edge::console
