#include "ops/cli/organisation_file.h"

#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include "fmt/format.h"
#include "ops/cli/args.h"
#include "ops/cli/words.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::cli {
namespace {

using customer::v1::Organisation;

constexpr std::array<std::string_view, 9> kOurs = {"code",   "name",       "kind", "parent",      "successor",
                                                   "closed", "subscriber", "area", "mail-domains"};
constexpr size_t kLongestId = 63;

// Where each of our columns stands in the file; -1: it does not.
using Places = std::map<std::string, int>;

absl::StatusOr<Places> PlacesOf(const std::vector<std::string>& header, const OrganisationColumns& columns) {
  for (const auto* given : {&columns.from, &columns.constant}) {
    for (const auto& [ours, other] : *given) {
      if (std::find(kOurs.begin(), kOurs.end(), ours) == kOurs.end()) {
        return UsageError(fmt::format("There is no column \"{}\" of an organisation. There are: {}.", ours,
                                      fmt::join(kOurs, ", ")));
      }
    }
  }
  Places places;
  for (const std::string_view ours : kOurs) {
    const auto mapped = columns.from.find(std::string(ours));
    const std::string theirs = mapped == columns.from.end() ? std::string(ours) : mapped->second;
    const auto at = std::find(header.begin(), header.end(), theirs);
    places[std::string(ours)] = at == header.end() ? -1 : static_cast<int>(at - header.begin());
    if (at != header.end() || mapped == columns.from.end()) continue;
    const std::string nearest = base::Nearest(theirs, header);
    return UsageError(fmt::format("The file has no column \"{}\".{} It has: {}.", theirs,
                                  nearest.empty() ? "" : fmt::format(" Did you mean \"{}\"?", nearest),
                                  fmt::join(header, ", ")));
  }
  for (const char* needed : {"code", "name", "kind"}) {
    if (places[needed] >= 0 || columns.constant.contains(needed)) continue;
    return UsageError(fmt::format(
        "The file has no column \"{}\". Say which one it is (--column {}=COLUMN) or what it is for every row "
        "(--constant {}=VALUE). It has: {}.",
        needed, needed, needed, fmt::join(header, ", ")));
  }
  return places;
}

// "20220331" as the Organisation Data Service writes it, or as everywhere else.
absl::StatusOr<int64_t> ReadDate(std::string text) {
  const bool digits = text.size() == 8 && text.find_first_not_of("0123456789") == std::string::npos;
  if (digits) text = fmt::format("{}-{}-{}", text.substr(0, 4), text.substr(4, 2), text.substr(6));
  return ParseTime(text);
}

class Reader {
 public:
  Reader(const Places& places, const OrganisationColumns& columns) : places_(places), columns_(columns) {}

  OrganisationLine Read(const CsvLine& line) const {
    OrganisationLine read;
    read.line = line.line;
    const absl::Status status = Fill(line.cells, read);
    if (!status.ok()) read.wrong = std::string(status.message());
    return read;
  }

 private:
  std::string Cell(const std::vector<std::string>& cells, const std::string& ours) const {
    const int at = places_.at(ours);
    std::string value = at >= 0 && static_cast<size_t>(at) < cells.size()
                            ? std::string(base::TrimAscii(cells[static_cast<size_t>(at)]))
                            : "";
    const auto constant = columns_.constant.find(ours);
    return value.empty() && constant != columns_.constant.end() ? constant->second : value;
  }
  std::string NameOf(const std::string& prefix, const std::string& code) const {
    return code.empty() ? "" : "organisations/" + OrganisationIdOf(prefix, code);
  }

  absl::Status Fill(const std::vector<std::string>& cells, OrganisationLine& read) const {
    const std::string code = Cell(cells, "code");
    read.id = OrganisationIdOf(columns_.id_prefix, code);
    Organisation& o = read.organisation;
    if (code.empty()) return UsageError("it has no code");
    o.set_code(code);
    o.set_display_name(Cell(cells, "name"));
    if (o.display_name().empty()) return UsageError("it has no name");
    o.set_parent(NameOf(columns_.parent_prefix, Cell(cells, "parent")));
    if (o.parent() == "organisations/" + read.id)
      o.clear_parent();  // registers name the top as its own parent
    o.set_successor(NameOf(columns_.id_prefix, Cell(cells, "successor")));
    if (o.successor() == "organisations/" + read.id) o.clear_successor();
    o.set_area(Cell(cells, "area"));
    std::set<std::string>
        domains;  // in the form in which they are kept, so that the same file again is the same
    for (const std::string& domain : base::Split(Cell(cells, "mail-domains"), ';'))
      domains.insert(base::LowerAscii(base::TrimAscii(domain)));
    domains.erase("");
    for (const std::string& domain : domains) o.add_mail_domains(domain);
    const std::string kind = Cell(cells, "kind");
    PHAROS_ASSIGN_OR_RETURN(const int kind_number, Enum(customer::v1::OrganisationKind_descriptor(), "",
                                                        kind == "other" ? "other-organisation" : kind));
    o.set_kind(static_cast<customer::v1::OrganisationKind>(kind_number));
    if (const std::string subscriber = Cell(cells, "subscriber"); !subscriber.empty()) {
      PHAROS_ASSIGN_OR_RETURN(const int number,
                              Enum(customer::v1::SubscriberKind_descriptor(), "", subscriber));
      o.set_subscriber_kind(static_cast<customer::v1::SubscriberKind>(number));
    }
    if (const std::string closed = Cell(cells, "closed"); !closed.empty()) {
      PHAROS_ASSIGN_OR_RETURN(const int64_t time, ReadDate(closed));
      o.set_close_time_us(time);
    }
    return absl::OkStatus();
  }

  const Places& places_;
  const OrganisationColumns& columns_;
};

// Those that others of the file name come first; a circle stays for the server to refuse.
std::vector<OrganisationLine> InOrder(std::vector<OrganisationLine> lines) {
  std::map<std::string, size_t> by_name;
  for (size_t at = 0; at < lines.size(); ++at) by_name.emplace("organisations/" + lines[at].id, at);
  std::vector<bool> seen(lines.size());
  std::vector<OrganisationLine> ordered;
  // Depth is that of a chain of parents and successors: fewer than ten in real registers.
  const std::function<void(size_t)> visit = [&](size_t at) {
    if (seen[at]) return;
    seen[at] = true;
    for (const std::string* needed :
         {&lines[at].organisation.parent(), &lines[at].organisation.successor()}) {
      if (const auto it = by_name.find(*needed); it != by_name.end()) visit(it->second);
    }
    ordered.push_back(lines[at]);
  };
  for (size_t at = 0; at < lines.size(); ++at) visit(at);
  return ordered;
}

}  // namespace

std::string OrganisationIdOf(std::string_view prefix, std::string_view code) {
  std::string id = base::LowerAscii(fmt::format("{}{}", prefix, code));
  for (char& c : id) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!fits) c = '-';
  }
  return id.substr(0, kLongestId);
}

std::vector<CsvLine> ReadCsv(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::vector<CsvLine> lines;
  CsvLine line;
  std::string cell;
  bool quoted = false;
  int64_t at_line = 1;
  line.line = 1;
  const auto end_line = [&] {
    line.cells.push_back(std::move(cell));
    cell.clear();
    if (line.cells.size() > 1 || !line.cells[0].empty()) lines.push_back(std::move(line));
    line = {};
    line.line = at_line + 1;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      const bool doubled = c == '"' && i + 1 < text.size() && text[i + 1] == '"';
      if (c == '"' && !doubled) {
        quoted = false;
      } else {
        cell += c;
        if (doubled) ++i;
      }
    } else if (c == '"' && cell.empty()) {
      quoted = true;
    } else if (c == ',') {
      line.cells.push_back(std::move(cell));
      cell.clear();
    } else if (c == '\n') {
      end_line();
    } else if (c != '\r') {
      cell += c;
    }
    if (c == '\n') ++at_line;
  }
  if (!cell.empty() || !line.cells.empty()) end_line();
  return lines;
}

absl::StatusOr<std::vector<OrganisationLine>> ReadOrganisationFile(std::string_view text,
                                                                   const OrganisationColumns& columns) {
  const std::vector<CsvLine> lines = ReadCsv(text);
  if (lines.empty()) return UsageError("The file is empty. Its first line has to name the columns.");
  PHAROS_ASSIGN_OR_RETURN(const Places places, PlacesOf(lines[0].cells, columns));
  const Reader reader(places, columns);
  std::vector<OrganisationLine> read;
  for (size_t at = 1; at < lines.size(); ++at) read.push_back(reader.Read(lines[at]));
  return InOrder(std::move(read));
}

}  // namespace pharos::cli
