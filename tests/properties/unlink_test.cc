// Linking and unlinking lose nothing: whatever people decide and take back, in whatever order, the state is
// that of the decisions in force. Two scripts that end with the same decisions end with the same people, byte
// for byte: ids, golden values, consents, endpoints, facts, old ids. What a person told us while they were
// linked stays with every record that they had then.
//
// PHAROS_UNLINK_SCRIPTS: how many scripts (150 unless set). PHAROS_SEED: where the random numbers begin (1
// unless set).
#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "services/customer/identity_fixture.h"
#include "services/customer/tables.h"

namespace pharos::customer {
namespace {

constexpr int kRecords = 24;        // of a world
constexpr int kMostSteps = 12;      // of a script
constexpr int kScriptsAWorld = 25;  // then other people
constexpr std::string_view kId = "id ";
constexpr int kOptOutInScripts = 5;  // every so many scripts somebody tells us to stop while linked

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atoll(text) : otherwise;
}

std::string Bytes(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

// Everything that anybody can see of people and records: what it is called → its bytes.
using State = std::map<std::string, std::string>;

class World : public ::testing::Test {
 public:
  World(uint32_t seed) : random_(seed) {}
  void TestBody() override {}

  void Fill() {
    std::vector<RecordChange> changes;
    for (int at = 0; at < kRecords; ++at) changes.push_back(Somebody(at));
    at_.PutAll(std::move(changes));
    states_[{}] = Now();
  }

  // Some decisions and revocations, then all of them taken back. What went wrong is added to `violations`.
  void Run(bool opt_out, std::vector<std::string>& violations) {
    const int steps = 2 + Random(kMostSteps);
    const int at_step = opt_out ? 1 + Random(steps) : -1;
    for (int step = 0; step < steps; ++step) {
      Step();
      if (step == at_step) OptOut(violations);
      Compare(violations);
    }
    while (!in_force_.empty()) {
      TakeBack();
      Compare(violations);
    }
    CheckOptOuts(violations);
  }
  int64_t decisions() const { return decisions_; }
  int64_t compared() const { return compared_; }

 private:
  int Random(int below) { return static_cast<int>(random_() % static_cast<uint32_t>(below)); }
  static std::string Id(int at) { return fmt::format("r{}", at); }
  std::string R(int at) const { return IdentityFixture::Record(Id(at)); }

  // Few names, dates and addresses, so that some are linked by what they say, some nearly, most not.
  RecordChange Somebody(int at) {
    static constexpr const char* kGiven[] = {"Ann", "Bob", "Catrin", "Dilip", "Eve", "Farah"};
    static constexpr const char* kFamily[] = {"Lee", "Ray", "Morgan", "Okafor"};
    const int who = Random(kRecords / 2);
    Fields fields = {{"given_name", kGiven[who % 6]}, {"family_name", kFamily[who % 4]}};
    if (Random(3) > 0)
      fields["date_of_birth"] = fmt::format("19{:02}-0{}-1{}", 40 + who * 3, 1 + who % 9, who % 9);
    if (Random(3) > 0) fields["phone"] = fmt::format("4477009000{:02}", who);
    if (Random(2) > 0) fields["email"] = fmt::format("p{}@example.org", who);
    if (Random(2) > 0) fields["postcode"] = fmt::format("M{} 7XA", 1 + who);
    if (Random(8) == 0) fields["town"] = "Leeds";
    RecordChange change = at_.ChangeOf(Id(at), fields);
    change.row.set_update_time_us(1'700'000'000'000'000 + Random(1000));
    if (Random(3) == 0) AddEntry(change);
    if (Random(10) == 0) change.row.set_paused(true);
    return change;
  }
  void AddEntry(RecordChange& change) {
    auto& entry = change.entries.emplace_back();
    auto& gate = *entry.mutable_gate();
    gate.set_name("consentEntries/" + base::NewId(clock_.WallMicros()));
    gate.set_record(change.row.name());
    gate.set_kind(Random(2) == 0 ? type::v1::GRANTED : type::v1::WITHDRAWN);
    gate.set_scope(type::v1::SCOPE_PURPOSE);
    gate.set_purpose("purposes/marketing");
    gate.set_channel(type::v1::CHANNEL_SMS);
    gate.set_event_time_us(1'700'000'000'000'000 + Random(1000));
    entry.add_subjects(change.row.name());
  }

  // One decision, or one taken back. Those that contradict another are refused, and must change nothing.
  void Step() {
    if (!in_force_.empty() && Random(4) == 0) return TakeBack();
    clock_.Advance(1'000 + Random(5'000));
    const int a = Random(kRecords), b = Random(kRecords);
    std::string made;
    switch (Random(4)) {
      case 0:
        made = at_.Same({R(a), at_.PersonOf(Id(b))});
        break;
      case 1:
        made = at_.Different({{R(a)}, {R(b), R(Random(kRecords))}});
        break;
      case 2:
        made = at_.Unlink(at_.PersonOf(Id(a)), {R(a)});
        break;
      default:
        made = at_.Same({R(a), R(b), R(Random(kRecords))});
    }
    if (made.empty()) return;
    ++decisions_;
    in_force_[made] = ContentOf(at_.last);
  }
  void TakeBack() {
    const auto it = std::next(in_force_.begin(), Random(static_cast<int>(in_force_.size())));
    clock_.Advance(1'000);
    EXPECT_EQ(at_.Revoke(it->first), it->first) << at_.refused;
    in_force_.erase(it);
  }
  static std::string ContentOf(const v1::Assertion& assertion) {
    std::string content;
    for (const auto& group : assertion.groups())
      content += fmt::format("[{}]", fmt::join(group.members(), " "));
    return content;
  }

  // What is said to a person counts from now on, so that earlier states are no longer to be compared with.
  void OptOut(std::vector<std::string>& violations) {
    const auto person = at_.Person(at_.PersonOf(Id(Random(kRecords))));
    v1::WithdrawConsentRequest request;
    request.set_person(person.name());
    request.set_scope(type::v1::SCOPE_EVERYTHING);
    request.set_how("letter");
    v1::ConsentEntry entry;
    if (!at_.consents.WithdrawConsent(at_.call, request, entry).ok())
      violations.push_back("an opt-out was refused");
    stopped_[entry.name()] = {person.records().begin(), person.records().end()};
    states_.clear();
  }
  void CheckOptOuts(std::vector<std::string>& violations) {
    for (const auto& [entry, records] : stopped_) {
      for (const auto& record : records) {
        const auto row = at_.people.LoadRecord(*at_.store->Read(), record);
        const auto person = at_.Person((*row)->person());
        // Its entry, or the one that the same person gave us later.
        const bool has = std::any_of(person.entries().begin(), person.entries().end(), [&](const auto& each) {
          return each.kind() == type::v1::WITHDRAWN && each.scope() == type::v1::SCOPE_EVERYTHING &&
                 each.name() >= entry;
        });
        if (!has) violations.push_back(record + " lost what was said while it was linked");
      }
    }
  }

  void Compare(std::vector<std::string>& violations) {
    std::multiset<std::string> contents;
    for (const auto& [name, content] : in_force_) contents.insert(content);
    State now = Now();
    const auto [it, first] = states_.try_emplace(std::move(contents), now);
    if (first) return;
    ++compared_;
    for (const auto& [what, bytes] : it->second) {
      const auto found = now.find(what);
      if (found == now.end()) violations.push_back(what + " is not there any more");
      if (found != now.end() && found->second != bytes)
        violations.push_back(fmt::format("{} differs:\n{}\nwas:\n{}", what, InWords(what, found->second),
                                         InWords(what, bytes)));
    }
    for (const auto& [what, bytes] : now) {
      // An id that somebody had in between goes on leading to whoever has the record now.
      if (!what.starts_with(kId) && !it->second.contains(what)) violations.push_back(what + " is new");
    }
  }

  static std::string InWords(const std::string& what, const std::string& bytes) {
    record::v1::PersonRow person;
    record::v1::RecordRow record;
    if (what.starts_with("people/") && person.ParseFromString(bytes)) return person.DebugString();
    if (what.starts_with("sources/") && record.ParseFromString(bytes)) return record.DebugString();
    return bytes;
  }

  State Now() {
    State state;
    const auto view = at_.store->Read();
    std::set<std::string> people;
    for (int at = 0; at < kRecords; ++at) {
      auto row = at_.people.LoadRecord(*view, R(at));
      if (!row.ok() || !*row) continue;
      people.insert((*row)->person());
      (*row)->clear_link_rule();  // why it was linked when it was: another decision may have said so first
      state[R(at)] = Bytes(**row);
    }
    ids_.insert(people.begin(), people.end());
    std::map<std::string, std::set<std::string>> former;
    for (const auto& id : ids_) {
      const std::string now = at_.Person(id).name();
      state[std::string(kId) + id] = now;
      if (now != id) former[now].insert(id);
    }
    for (const auto& name : people) {
      auto person = at_.Person(name);
      const std::set<std::string> names(person.former_names().begin(), person.former_names().end());
      EXPECT_EQ(names, former[name]) << "former names of " << name;
      person.clear_former_names();  // are in the state as ids
      EXPECT_TRUE(at_.people.Open({&person, 1}).ok());
      person.clear_version();  // counts the changes
      person.clear_parts();    // the same values, sealed
      state[name] = Bytes(person);
    }
    for (const Table table : {kEndpoint, kEndpointPerson, kEntry, kCounts}) {
      const absl::Status status = view->Scan(storage::PrefixRange(storage::KeyWriter(table).str()),
                                             [&](std::string_view key, std::string_view value) {
                                               state["row " + base::ToHex(key)] = base::ToHex(value);
                                               return true;
                                             });
      EXPECT_TRUE(status.ok()) << status;
    }
    state["partition"] = at_.Hash();
    return state;
  }

  std::mt19937 random_;
  base::FakeClock clock_;
  IdentityFixture at_{clock_};
  std::set<std::string> ids_;                           // that somebody had at some time
  std::map<std::string, std::string> in_force_;         // decision → what it says
  std::map<std::multiset<std::string>, State> states_;  // by what is in force
  std::map<std::string, std::vector<std::string>> stopped_;
  int64_t decisions_ = 0, compared_ = 0;
};

TEST(Unlink, RestoresEverythingExactly) {
  const int64_t scripts = FromEnvironment("PHAROS_UNLINK_SCRIPTS", 150);
  const int64_t seed = FromEnvironment("PHAROS_SEED", 1);
  constexpr size_t kMostViolationsShown = 10;
  std::vector<std::string> violations;
  int64_t decisions = 0, compared = 0;
  for (int64_t run = 0; run < scripts && violations.size() < kMostViolationsShown;) {
    World world(static_cast<uint32_t>(seed * 1'000'003 + run));
    world.Fill();
    for (int i = 0; i < kScriptsAWorld && run < scripts && violations.empty(); ++i, ++run)
      world.Run(run % kOptOutInScripts == kOptOutInScripts - 1, violations);
    decisions += world.decisions();
    compared += world.compared();
    if (!violations.empty()) {
      violations.insert(violations.begin(), fmt::format("in script {}", run - 1));
      break;
    }
  }
  violations.resize(std::min(violations.size(), kMostViolationsShown));
  for (const auto& violation : violations) ADD_FAILURE() << violation;
  std::printf("%lld scripts, %lld decisions, %lld states compared with an earlier one\n",
              static_cast<long long>(scripts), static_cast<long long>(decisions),
              static_cast<long long>(compared));
  EXPECT_GE(compared, scripts / 2);
}

}  // namespace
}  // namespace pharos::customer
