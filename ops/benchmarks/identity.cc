// How well and how fast records are linked: reads labelled records, links them without looking at the labels,
// and says how often it was right. Run by ops/bench identity.
#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "services/customer/clean.h"
#include "services/customer/identity/link_index.h"
#include "services/customer/identity/text.h"
#include "services/customer/identity/train.h"

ABSL_FLAG(std::string, febrl, "", "FEBRL file: rec_id, given_name, surname, ...");
ABSL_FLAG(std::string, people, "", "folder of contact files and truth.csv");
ABSL_FLAG(std::string, name, "", "case name");
ABSL_FLAG(bool, id, true, "use the id field");
ABSL_FLAG(std::string, model, "train",
          "train: from these records, without their labels; shipped: the one in the program");
ABSL_FLAG(std::string, model_from, "", "train on this folder's people instead");
ABSL_FLAG(std::string, clusters, "", "write record,cluster here");
ABSL_FLAG(std::string, print_model, "", "write the trained model, serialised, here");
ABSL_FLAG(std::string, settings, "{}", "JSON to repeat in the output");
ABSL_FLAG(double, linkable, 0, "share of true pairs that share exact evidence");
ABSL_FLAG(int, seed, 1, "of training");
ABSL_FLAG(int, threads, 2, "");
ABSL_FLAG(bool, wrong, false, "print wrong joins and misses");
ABSL_FLAG(bool, calibration, false, "print edges right by weight");

namespace {

using namespace pharos::customer::identity;
using pharos::customer::CleanField;
using Row = std::map<std::string, std::string>;

struct Person {
  std::string name, source;
  std::string truth;
  Row fields;
};

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (c == '"') {
      if (quoted && at + 1 < line.size() && line[at + 1] == '"')
        cells.back().push_back(line[++at]);
      else
        quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else if (c != '\r') {
      cells.back().push_back(c);
    }
  }
  for (auto& cell : cells) {
    while (!cell.empty() && cell.front() == ' ') cell.erase(0, 1);
    while (!cell.empty() && cell.back() == ' ') cell.pop_back();
  }
  return cells;
}

std::vector<Row> ReadCsv(const std::string& path) {
  std::ifstream in(path);
  std::vector<Row> rows;
  std::string line;
  std::getline(in, line);
  const auto header = Cells(line);
  while (std::getline(in, line)) {
    const auto cells = Cells(line);
    Row row;
    for (size_t at = 0; at < header.size() && at < cells.size(); ++at) {
      if (!cells[at].empty()) row[header[at]] = cells[at];
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Person> ReadFebrl(const std::string& path, bool id) {
  static const std::map<std::string, std::string> kFields = {
      {"given_name", "given_name"}, {"surname", "family_name"}, {"street_number", "house"},
      {"address_1", "street"},      {"suburb", "town"},         {"postcode", "postcode"},
      {"soc_sec_id", "national_id"}};
  std::vector<Person> people;
  for (const auto& row : ReadCsv(path)) {
    Person person;
    person.name = row.at("rec_id");
    const size_t from = person.name.find('-') + 1;
    person.truth = person.name.substr(from, person.name.find('-', from) - from);
    for (const auto& [theirs, ours] : kFields) {
      if (theirs == "soc_sec_id" && !id) continue;
      if (const auto it = row.find(theirs); it != row.end()) person.fields[ours] = it->second;
    }
    if (const auto it = row.find("date_of_birth"); it != row.end()) {
      person.fields["date_of_birth"] = CleanField("date_of_birth", it->second);
    }
    people.push_back(std::move(person));
  }
  return people;
}

std::vector<Person> ReadPeople(const std::string& folder) {
  std::unordered_map<std::string, std::string> truth;
  for (const auto& row : ReadCsv(folder + "/truth.csv")) {
    truth[row.at("source") + "/" + row.at("record_id")] = row.at("person_id");
  }
  std::vector<Person> people;
  for (const char* source : {"staff", "partners", "screening", "quit", "news"}) {
    for (const auto& row : ReadCsv(folder + "/" + source + ".csv")) {
      Person person;
      person.name = std::string(source) + "/" + row.at("record_id");
      person.source = source;
      person.truth = truth[person.name];
      for (const char* field : {"given_name", "family_name", "date_of_birth", "sex", "email", "phone",
                                "postcode", "nhs_number"}) {
        if (const auto it = row.find(field); it != row.end()) {
          if (auto clean = CleanField(field, it->second); !clean.empty()) person.fields[field] = clean;
        }
      }
      if (const auto it = row.find("organisation_id"); it != row.end())
        person.fields["organisation"] = it->second;
      people.push_back(std::move(person));
    }
  }
  return people;
}

std::unique_ptr<LinkIndex> Build(const std::vector<Person>& people, std::shared_ptr<const Model> model,
                                 double* seconds) {
  auto index = LinkIndex::Make(model);
  std::vector<LinkIndex::Item> items(people.size());
  const double start = Now();
  for (size_t at = 0; at < people.size(); ++at) {
    const auto& fields = people[at].fields;
    const auto said = [&](std::string_view field) -> std::string_view {
      const auto it = fields.find(std::string(field));
      return it == fields.end() ? std::string_view() : std::string_view(it->second);
    };
    items[at] = {static_cast<RecordNo>(at), HashOf(7, people[at].name), Features::Of(said, {}, *model)};
  }
  index->PutAll(std::move(items), absl::GetFlag(FLAGS_threads));
  index->Settle();
  index->Keep();
  if (seconds != nullptr) *seconds = Now() - start;
  return index;
}

double Pairs(double n) {
  return n * (n - 1) / 2;
}

struct Figures {
  double precision = 1, recall = 1, f1 = 1, over_merged = 0, true_pairs = 0;
};

Figures Score(const std::vector<Person>& people, const std::vector<size_t>& cluster) {
  std::map<size_t, std::map<std::string, double>> both;
  std::map<std::string, double> real;
  for (size_t at = 0; at < people.size(); ++at)
    ++both[cluster[at]][people[at].truth], ++real[people[at].truth];
  double hits = 0, claimed = 0, actual = 0;
  Figures figures;
  for (const auto& [c, of] : both) {
    double size = 0;
    for (const auto& [person, n] : of) hits += Pairs(n), size += n;
    claimed += Pairs(size);
    figures.over_merged += of.size() > 1;
  }
  for (const auto& [person, n] : real) actual += Pairs(n);
  figures.true_pairs = actual;
  figures.precision = claimed > 0 ? hits / claimed : 1;
  figures.recall = actual > 0 ? hits / actual : 1;
  figures.f1 = 2 * figures.precision * figures.recall / std::max(1e-12, figures.precision + figures.recall);
  return figures;
}

std::string Show(const Person& person) {
  std::string text = person.truth + " " + person.name + ":";
  for (const auto& [field, value] : person.fields) text += " " + field + "=" + value;
  return text;
}

void ShowPair(const LinkIndex& index, const std::vector<Person>& people, size_t a, size_t b) {
  const auto explanation = index.Explain(static_cast<RecordNo>(a), static_cast<RecordNo>(b));
  std::cerr << "  " << Show(people[a]) << "\n  " << Show(people[b]) << "\n   " << explanation.weight / 1024.0
            << " " << explanation.veto;
  for (const auto& e : explanation.evidence)
    std::cerr << " | " << e.field << " " << e.level << " " << e.weight / 1024.0;
  std::cerr << " keys " << explanation.keys.size() << "\n";
}

void Print(const std::string& name, const Figures& figures, const std::string& more, double rate,
           double seconds) {
  std::printf(
      "{\"workload\": \"identity\", \"case\": \"%s\", \"unit\": \"records/s\", \"value\": %.1f, "
      "\"precision\": %.6f, \"recall\": "
      "%.6f, \"f1\": %.6f, \"over_merged\": %.0f%s, \"seconds\": %.3f, \"settings\": %s}\n",
      name.c_str(), rate, figures.precision, figures.recall, figures.f1, figures.over_merged, more.c_str(),
      seconds, absl::GetFlag(FLAGS_settings).c_str());
  std::fflush(stdout);
}

int Run() {
  const bool febrl = !absl::GetFlag(FLAGS_febrl).empty();
  const auto people = febrl ? ReadFebrl(absl::GetFlag(FLAGS_febrl), absl::GetFlag(FLAGS_id))
                            : ReadPeople(absl::GetFlag(FLAGS_people));
  if (people.empty()) {
    std::cerr << "No records: check --febrl or --people.\n";
    return 1;
  }
  auto model = Model::Default();
  double train_seconds = 0;
  if (absl::GetFlag(FLAGS_model) == "train") {
    const double start = Now();
    const std::string from = absl::GetFlag(FLAGS_model_from);
    const auto index = Build(from.empty() ? people : ReadPeople(from), model, nullptr);
    TrainOptions options;
    options.seed = static_cast<uint64_t>(absl::GetFlag(FLAGS_seed));
    options.threads = absl::GetFlag(FLAGS_threads);
    auto row = Train(*index, options);
    if (!row.ok()) {
      std::cerr << row.status().ToString() << "\n";
      return 1;
    }
    train_seconds = Now() - start;
    if (const auto path = absl::GetFlag(FLAGS_print_model); !path.empty()) {
      std::ofstream out(path, std::ios::binary);
      row->SerializeToOstream(&out);
    }
    model = *Model::From(*row);
  }
  double seconds = 0;
  const auto index = Build(people, model, &seconds);
  const auto stats = index->stats();
  std::vector<size_t> cluster(people.size());
  for (size_t at = 0; at < people.size(); ++at) cluster[at] = at;
  size_t twins = 0, number = 0;
  double wrong_shown = 0;
  index->ForEachGroup([&](const Group& group) {
    ++number;
    bool twin = false;
    for (const auto& a : group) {
      cluster[a.record] = number;
      const Person& one = people[a.record];
      const Person& first = people[group[0].record];
      if (one.truth != first.truth && one.fields.contains("date_of_birth") &&
          first.fields.contains("date_of_birth") &&
          one.fields.at("date_of_birth") == first.fields.at("date_of_birth") &&
          one.fields.contains("given_name") && first.fields.contains("given_name") &&
          Fold(one.fields.at("given_name")) != Fold(first.fields.at("given_name")))
        twin = true;
      if (absl::GetFlag(FLAGS_wrong) && one.truth != first.truth && wrong_shown++ < 40) {
        std::cerr << "WRONG (" << group.size() << ") why " << static_cast<int>(a.why) << " "
                  << a.weight / 1024.0 << "\n";
        ShowPair(*index, people, a.record, group[0].record);
        if (a.with != group[0].record) ShowPair(*index, people, a.record, a.with);
      }
    }
    twins += twin;
  });
  const std::string name = absl::GetFlag(FLAGS_name);
  const Figures figures = Score(people, cluster);
  char more[600];
  const double linkable = absl::GetFlag(FLAGS_linkable);
  std::string of_linkable;
  const auto share = [&](const Figures& f) {
    char text[60];
    std::snprintf(text, sizeof text, ", \"recall_of_linkable\": %.4f", f.recall / linkable);
    return linkable > 0 ? std::string(text) : std::string();
  };
  std::snprintf(more, sizeof more,
                ", \"predicted_precision\": %.6f, \"auto_bits\": %.2f, \"twins_joined\": %zu, \"records\": "
                "%zu, \"compared\": %llu, "
                "\"bytes_per_record\": %.0f, \"retired_keys\": %zu, \"train_seconds\": %.2f",
                PredictedPrecision(*index), model->auto_weight() / 1024.0, twins, people.size(),
                static_cast<unsigned long long>(stats.candidates),
                static_cast<double>(stats.bytes) / people.size(), stats.retired_keys, train_seconds);
  Print(name + "/auto", figures, more + share(figures), people.size() / seconds, seconds);
  if (const auto path = absl::GetFlag(FLAGS_clusters); !path.empty()) {
    std::ofstream out(path);
    out << "record_id,cluster_id\n";
    for (size_t at = 0; at < people.size(); ++at) out << people[at].name << "," << cluster[at] << "\n";
  }
  // Reviews decided by somebody who knows.
  std::vector<size_t> parent(number + 1);
  std::iota(parent.begin(), parent.end(), size_t{0});
  const auto root = [&](size_t at) {
    while (parent[at] != at) at = parent[at] = parent[parent[at]];
    return at;
  };
  const auto reviews = index->Reviews(nullptr, ~size_t{0});
  double right = 0;
  std::map<int, std::pair<double, double>> by_bits;
  for (const auto& review : reviews) {
    const bool same = people[review.a].truth == people[review.b].truth;
    right += same;
    auto& band = by_bits[review.weight / 1024];
    band.first += same, band.second += 1;
    if (absl::GetFlag(FLAGS_wrong) && same && review.weight >= model->auto_weight() && ++wrong_shown < 30) {
      std::cerr << "HELD\n";
      ShowPair(*index, people, review.a, review.b);
    }
    if (same) parent[root(cluster[review.a])] = root(cluster[review.b]);
  }
  if (absl::GetFlag(FLAGS_calibration)) {
    std::map<std::string, std::pair<double, double>> kinds;
    const auto note = [&](const char* what, RecordNo a, RecordNo b) {
      const auto explanation = index->Explain(a, b);
      std::string key = what;
      double household = 0;
      for (const auto& e : explanation.evidence) {
        if (e.field == "household")
          household = e.weight / 1024.0;
        else if (e.field != "prior")
          key += " | " + e.field + " " + e.level;
      }
      auto& kind = kinds[key];
      kind.first += people[a].truth == people[b].truth, kind.second += 1;
      (void)household;
    };
    for (const auto& review : reviews) note("R", review.a, review.b);
    index->ForEachGroup([&](const Group& group) {
      for (const auto& member : group) {
        if (member.with != member.record) note("L", member.record, member.with);
      }
    });
    std::vector<std::pair<double, std::string>> top;
    for (const auto& [key, kind] : kinds)
      top.emplace_back(key[0] == 'R' ? kind.second : (kind.second - kind.first) * 100, key);
    std::sort(top.rbegin(), top.rend());
    for (size_t at = 0; at < top.size() && at < 60; ++at) {
      std::cerr << "KIND " << kinds[top[at].second].first << " of " << kinds[top[at].second].second << " "
                << top[at].second << "\n";
    }
    for (const auto& [bits, band] : by_bits)
      std::cerr << "review " << bits << ": " << band.first << " of " << band.second << "\n";
    std::map<int, std::pair<double, double>> linked;
    index->ForEachGroup([&](const Group& group) {
      for (const auto& member : group) {
        if (member.with == member.record) continue;
        auto& band = linked[member.weight / 1024];
        band.first += people[member.record].truth == people[member.with].truth, band.second += 1;
      }
    });
    for (const auto& [bits, band] : linked)
      std::cerr << "linked " << bits << ": " << band.first << " of " << band.second << "\n";
  }
  std::vector<size_t> reviewed(people.size());
  for (size_t at = 0; at < people.size(); ++at) reviewed[at] = root(cluster[at]);
  const Figures decided = Score(people, reviewed);
  std::snprintf(
      more, sizeof more,
      ", \"reviews\": %zu, \"reviews_per_1000\": %.2f, \"review_precision\": %.4f, \"review_bits\": %.2f",
      reviews.size(), 1000.0 * static_cast<double>(reviews.size()) / people.size(),
      reviews.empty() ? 1.0 : right / static_cast<double>(reviews.size()), model->review_weight() / 1024.0);
  Print(name + "/review", decided, more + share(decided), people.size() / seconds, seconds);
  if (absl::GetFlag(FLAGS_wrong)) {
    std::map<std::string, std::vector<size_t>> by_truth;
    for (size_t at = 0; at < people.size(); ++at) by_truth[people[at].truth].push_back(at);
    int shown = 0;
    for (const auto& [person, own] : by_truth) {
      for (size_t i = 1; i < own.size() && shown < 60; ++i) {
        if (reviewed[own[i]] == reviewed[own[0]]) continue;
        std::cerr << "MISSED\n", ++shown;
        ShowPair(*index, people, own[i], own[0]);
      }
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return Run();
}
