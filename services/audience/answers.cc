#include "services/audience/answers.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "services/audience/asking.h"
#include "services/audience/errors.h"
#include "services/audience/table_check.h"
#include "services/base/errors.h"

namespace pharos::audience {
namespace {

using Reader = PeopleIndex::Reader;

constexpr size_t kMostTableBytes = 4'000'000;  // a message has at most 4 MiB

Asking AskingOf(const v1::CountAudienceRequest& request, const Moment& moment) {
  Asking asking{request.filter(), {}, request.purpose(), {}, moment.MinPosition(request.min_position())};
  for (const int channel : request.channels())
    asking.channels.push_back(static_cast<type::v1::Channel>(channel));
  return asking;
}

absl::StatusOr<Asking> AskingOf(const v1::BreakDownAudienceRequest& request, const Moment& moment) {
  Asking asking{request.filter(), {}, {}, {}, moment.MinPosition(request.min_position())};
  std::set<std::string_view> names;
  for (const v1::Measure& measure : request.measures()) {
    if (!names.insert(measure.name()).second) return AudienceErrors::MeasureRepeated(asking.measures.size());
    asking.measures.push_back(measure.filter());
  }
  return asking;
}

void FillFunnel(const std::map<type::v1::GateReason, int64_t>& verdicts,
                v1::CountAudienceResponse& response) {
  for (const auto& [reason, people] : verdicts) {
    if (reason == type::v1::ALLOW) {
      response.set_members(people);
    } else if (people > 0) {
      (*response.mutable_excluded())[type::v1::GateReason_Name(reason)] = people;
    }
  }
}

// A table and whose numbers it holds.
struct TableRead {
  PeopleSet people;
  std::vector<PeopleSet> measures;
  std::vector<TableCell> cells;
  int64_t total = 0;
};

absl::Status ReadTable(const Reader& reader, const Asked& asked,
                       const std::vector<TableDimension>& dimensions, TableRead& table) {
  table = {};
  table.people = reader.Match(asked.predicate);
  table.total = static_cast<int64_t>(table.people.Count());
  for (const Predicate& measure : asked.measures) table.measures.push_back(reader.Match(measure));
  PHAROS_ASSIGN_OR_RETURN(table.cells, reader.Table(table.people, dimensions, table.measures, kMostCells));
  return absl::OkStatus();
}

// What is asked for one number, to know it again: by the fields of the table and the keys of the cell.
std::string CountQuestion(const v1::CountAudienceRequest& request, const Moment& moment) {
  if (moment.snapshot == nullptr) return request.filter();
  return request.filter() + "\n\nas of " + std::to_string(moment.snapshot_us);
}
std::string TableQuestion(const v1::BreakDownAudienceRequest& request, const Moment& moment) {
  v1::BreakDownAudienceRequest question = request;
  question.clear_min_position();
  question.set_as_of_time_us(moment.snapshot_us);
  return question.SerializeAsString();
}
std::string CellQuestion(const std::string& table, const TableCell& cell) {
  std::string question = table;
  for (const std::string& key : cell.keys) question += '\n' + key;
  return question;
}
std::string MeasureQuestion(const std::string& table, const TableCell& cell, size_t measure) {
  return CellQuestion(table, cell) + "\n\n" + std::to_string(measure);
}

// The numbers of a table that would be told, as sets for the guard, and where its answers go.
class Judged {
 public:
  // `question`: of the whole table.
  Judged(const TableRead& table, std::string question) : question_(std::move(question)) {
    earlier_.people.resize(table.cells.size());
    earlier_.measures.resize(table.cells.size());
    for (auto& measures : earlier_.measures) measures.resize(table.measures.size());
  }

  // Inside a Read: the sets of the numbers that `told` tells.
  void Collect(const Reader& reader, const Moment& moment, const TableRead& table,
               const std::vector<TableDimension>& dimensions, const ToldTable& told, const RuleSet& rules,
               const DifferencingGuard& guard) {
    moment_ = &moment;
    Add(table.people, question_, rules, guard, earlier_.total);
    for (size_t i = 0; i < table.cells.size(); ++i) {
      if (told.cells[i].people.certainty == Told::Certainty::kSuppressed) continue;
      const PeopleSet people = reader.CellPeople(table.people, dimensions, table.cells[i]);
      Add(people, CellQuestion(question_, table.cells[i]), rules, guard, earlier_.people[i]);
      for (size_t m = 0; m < table.measures.size(); ++m) {
        if (told.cells[i].measures[m].certainty == Told::Certainty::kSuppressed) continue;
        PeopleSet measured = people;
        measured &= table.measures[m];
        Add(measured, MeasureQuestion(question_, table.cells[i], m), rules, guard, earlier_.measures[i][m]);
      }
    }
  }

  absl::StatusOr<EarlierCells> Ask(const Listener& listener, int64_t now_us) {
    PHAROS_ASSIGN_OR_RETURN(const auto answers, listener.guard->Admit(listener.principal, sets_,
                                                                      listener.rules->threshold(), now_us));
    for (size_t i = 0; i < answers.size(); ++i) *places_[i] = answers[i];
    return std::move(earlier_);
  }

 private:
  void Add(const PeopleSet& people, std::string_view question, const RuleSet& rules,
           const DifferencingGuard& guard, Earlier& place) {
    SetSketch set = guard.SketchOf(moment_->Today(people), question);
    if (set.people < rules.threshold()) return;  // nobody, or not told anyway
    sets_.push_back(set);
    places_.push_back(&place);
  }

  const std::string question_;
  const Moment* moment_ = nullptr;
  EarlierCells earlier_;
  std::vector<SetSketch> sets_;
  std::vector<Earlier*> places_;
};

void FillExact(const TableRead& table, v1::BreakDownAudienceResponse& response) {
  const auto exact = [](int64_t people) { return FigureOf({Told::Certainty::kExact, people, ""}); };
  for (const TableCell& from : table.cells) {
    v1::Cell& cell = *response.add_cells();
    for (const std::string& key : from.keys) cell.add_keys(key);
    *cell.mutable_people() = exact(from.people);
    for (const int64_t measure : from.measures) *cell.add_measures() = exact(measure);
  }
  *response.mutable_total() = exact(table.total);
}

void FillTold(const TableRead& table, const ToldTable& told, v1::BreakDownAudienceResponse& response) {
  for (size_t i = 0; i < table.cells.size(); ++i) {
    v1::Cell& cell = *response.add_cells();
    for (const std::string& key : table.cells[i].keys) cell.add_keys(key);
    *cell.mutable_people() = FigureOf(told.cells[i].people);
    for (const Told& measure : told.cells[i].measures) *cell.add_measures() = FigureOf(measure);
  }
  *response.mutable_total() = FigureOf(told.total);
}

// 100,000 cells fit unless their keys are long.
absl::Status FitsMessage(const v1::BreakDownAudienceResponse& response) {
  if (response.ByteSizeLong() <= kMostTableBytes) return absl::OkStatus();
  return AudienceErrors::TooManyCells(response.cells_size() - 1);
}

bool IsTold(const v1::Figure& figure) {
  return figure.certainty() != v1::Figure::SUPPRESSED && figure.value() > 0;
}

std::string KeyText(const google::protobuf::RepeatedPtrField<std::string>& keys) {
  std::string text;
  for (const std::string& key : keys) text += key + '\n';
  return text;
}

}  // namespace

v1::Figure FigureOf(const Told& told) {
  v1::Figure figure;
  figure.set_certainty(told.certainty == Told::Certainty::kExact     ? v1::Figure::EXACT
                       : told.certainty == Told::Certainty::kRounded ? v1::Figure::ROUNDED
                                                                     : v1::Figure::SUPPRESSED);
  figure.set_value(told.value);
  figure.set_rule(told.rule);
  return figure;
}

Answers::Answers(const PeopleIndex& index, AskFreshness ask, base::Clock& clock, SnapshotShelf* shelf)
    : index_(index), ask_(std::move(ask)), clock_(clock), shelf_(shelf) {}

absl::StatusOr<Moment> Answers::MomentToRecall(int64_t as_of_us) const {
  auto moment = MomentOf(as_of_us, index_, ask_, clock_, shelf_);
  if (!absl::IsFailedPrecondition(moment.status())) return moment;
  return MomentOf(0, index_, ask_, clock_, shelf_);
}

absl::Status Answers::Count(const v1::CountAudienceRequest& request, const Listener& listener, int64_t micros,
                            v1::CountAudienceResponse& response) const {
  PHAROS_ASSIGN_OR_RETURN(const Moment moment,
                          MomentOf(request.as_of_time_us(), index_, ask_, clock_, shelf_));
  PHAROS_ASSIGN_OR_RETURN(const Asked asked, CheckAsking(AskingOf(request, moment), moment.ask, micros));
  response.set_as_of_time_us(moment.snapshot_us);
  int64_t matched = 0;
  SetSketch set;
  const auto read = [&](const Reader& reader) {
    response.set_position(reader.position());
    if (listener.guard == nullptr && !asked.judge) {
      matched = reader.Count(asked.predicate);
      return absl::OkStatus();
    }
    const PeopleSet people = reader.Match(asked.predicate);
    matched = static_cast<int64_t>(people.Count());
    if (listener.guard != nullptr)
      set = listener.guard->SketchOf(moment.Today(people), CountQuestion(request, moment));
    if (listener.rules == nullptr) FillFunnel(reader.Verdicts(people, *asked.judge), response);
    return absl::OkStatus();
  };
  PHAROS_RETURN_IF_ERROR(ReadAt(*moment.index, asked.position, moment.now_us, micros, read));
  Earlier earlier;
  if (listener.guard != nullptr && matched >= listener.rules->threshold()) {
    PHAROS_ASSIGN_OR_RETURN(
        const auto answers,
        listener.guard->Admit(listener.principal, {set}, listener.rules->threshold(), clock_.WallMicros()));
    earlier = answers.front();
  }
  const Told told = listener.rules == nullptr ? Told{Told::Certainty::kExact, matched, ""}
                                              : Protect(matched, *listener.rules, earlier);
  response.set_matched(told.value);
  *response.mutable_figure() = FigureOf(told);
  return absl::OkStatus();
}

absl::Status Answers::BreakDown(const v1::BreakDownAudienceRequest& request, const Listener& listener,
                                int64_t micros, v1::BreakDownAudienceResponse& response) const {
  PHAROS_ASSIGN_OR_RETURN(const auto dimensions, CheckDimensions(request));
  PHAROS_ASSIGN_OR_RETURN(const Moment moment,
                          MomentOf(request.as_of_time_us(), index_, ask_, clock_, shelf_));
  PHAROS_ASSIGN_OR_RETURN(const Asking asking, AskingOf(request, moment));
  PHAROS_ASSIGN_OR_RETURN(const Asked asked, CheckAsking(asking, moment.ask, micros));
  response.set_as_of_time_us(moment.snapshot_us);
  const std::vector<bool> sets = SetDimensions(dimensions);
  TableRead table;
  std::optional<Judged> judged;
  const auto read = [&](const Reader& reader) -> absl::Status {
    response.set_position(reader.position());
    PHAROS_RETURN_IF_ERROR(ReadTable(reader, asked, dimensions, table));
    if (listener.guard == nullptr) return absl::OkStatus();
    judged.emplace(table, TableQuestion(request, moment));
    const ToldTable told = ProtectTable(table.cells, table.total, sets, *listener.rules);
    judged->Collect(reader, moment, table, dimensions, told, *listener.rules, *listener.guard);
    return absl::OkStatus();
  };
  PHAROS_RETURN_IF_ERROR(ReadAt(*moment.index, asked.position, moment.now_us, micros, read));
  if (listener.rules == nullptr) {
    FillExact(table, response);
    return FitsMessage(response);
  }
  EarlierCells earlier;
  if (judged) {
    PHAROS_ASSIGN_OR_RETURN(earlier, judged->Ask(listener, clock_.WallMicros()));
  }
  FillTold(table, ProtectTable(table.cells, table.total, sets, *listener.rules, earlier), response);
  response.set_rule_set(listener.rules->name);
  return FitsMessage(response);
}

absl::Status Answers::Recall(const v1::CountAudienceRequest& request, const v1::CountAudienceResponse& answer,
                             const Listener& listener, int64_t told_us, int64_t micros) const {
  if (!IsTold(answer.figure())) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(const Moment moment, MomentToRecall(request.as_of_time_us()));
  PHAROS_ASSIGN_OR_RETURN(const Asked asked, CheckAsking(AskingOf(request, moment), moment.ask, micros));
  return ReadAt(*moment.index, asked.position, moment.now_us, micros, [&](const Reader& reader) {
    const SetSketch set =
        listener.guard->SketchOf(moment.Today(reader.Match(asked.predicate)), CountQuestion(request, moment));
    listener.guard->Remember(listener.principal, set, answer.figure().value(), told_us);
    return absl::OkStatus();
  });
}

absl::Status Answers::Recall(const v1::BreakDownAudienceRequest& request,
                             const v1::BreakDownAudienceResponse& answer, const Listener& listener,
                             int64_t told_us, int64_t micros) const {
  PHAROS_ASSIGN_OR_RETURN(const auto dimensions, CheckDimensions(request));
  PHAROS_ASSIGN_OR_RETURN(const Moment moment, MomentToRecall(request.as_of_time_us()));
  PHAROS_ASSIGN_OR_RETURN(const Asking asking, AskingOf(request, moment));
  PHAROS_ASSIGN_OR_RETURN(const Asked asked, CheckAsking(asking, moment.ask, micros));
  std::map<std::string, const v1::Cell*> told;
  for (const v1::Cell& cell : answer.cells()) told.emplace(KeyText(cell.keys()), &cell);
  return ReadAt(
      *moment.index, asked.position, moment.now_us, micros, [&](const Reader& reader) -> absl::Status {
        TableRead table;
        PHAROS_RETURN_IF_ERROR(ReadTable(reader, asked, dimensions, table));
        const std::string question = TableQuestion(request, moment);
        const auto remember = [&](const PeopleSet& people, const std::string& asked_for, int64_t value) {
          const SetSketch set = listener.guard->SketchOf(moment.Today(people), asked_for);
          listener.guard->Remember(listener.principal, set, value, told_us);
        };
        if (table.total >= listener.rules->threshold()) remember(table.people, question, table.total);
        for (const TableCell& cell : table.cells) {
          const auto found = told.find(KeyText({cell.keys.begin(), cell.keys.end()}));
          if (found == told.end() || !IsTold(found->second->people())) continue;
          const PeopleSet people = reader.CellPeople(table.people, dimensions, cell);
          remember(people, CellQuestion(question, cell), found->second->people().value());
          for (size_t m = 0; m < table.measures.size(); ++m) {
            const auto index = static_cast<int>(m);
            if (index >= found->second->measures_size() || !IsTold(found->second->measures(index))) continue;
            PeopleSet measured = people;
            measured &= table.measures[m];
            remember(measured, MeasureQuestion(question, cell, m), found->second->measures(index).value());
          }
        }
        return absl::OkStatus();
      });
}

}  // namespace pharos::audience
