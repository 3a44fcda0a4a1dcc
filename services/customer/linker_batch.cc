#include "services/customer/linker_batch.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/base/errors.h"
#include "services/customer/golden.h"
#include "storage/envelope.h"

namespace pharos::customer {

using record::v1::LedgerRow;
using record::v1::PersonRow;
using record::v1::RecordRow;

namespace {

constexpr size_t kManyAtOnce = 2048;  // past it several threads compare sooner than one
constexpr int kLongestChain = 1000;   // of records that are gone, one staying with the next: against damage
constexpr double kUnitsPerBit = 1024;

bool Restricts(const type::v1::GateEntry& entry) {
  return entry.kind() == type::v1::WITHDRAWN || entry.kind() == type::v1::OBJECTED_TO;
}

}  // namespace

void Batch::Add(Prepared& change, const ChangeMaker& by) {
  if (change.effect == Effect::kNothing || change.effect == Effect::kRefused) return;
  const std::string& name = change.change.row.name();
  const RecordNo record = registry_.Number(name, change.birth);
  if (change.effect == Effect::kNew) {
    registry_.Arrive(record, now_ + arrivals_++);
    if (registry_.Birth(record) != change.birth) registry_.SetBirth(record, change.birth);
    after_[record] = {Registry::kLive, Registry::kNobody};
  }
  if (change.returns) after_[record] = {Registry::kLive, Registry::kNobody};
  planned_at_[record] = planned_.size();
  planned_.push_back({&change, record, &by});
  if (change.refeature) items_.push_back({record, change.order_key, change.features});
  erases_ = erases_ || change.effect == Effect::kErase;
  const bool goes = change.effect == Effect::kDelete || change.effect == Effect::kErase;
  if (goes && registry_.At(record).state == Registry::kLive) {
    index_.Remove(record);
    after_[record] = {Registry::kGone, Registry::kNobody};
  }
}

void Batch::Settle(int threads) {
  if (items_.size() > kManyAtOnce) {
    index_.PutAll(std::move(items_), threads);
  } else {
    for (auto& item : items_) index_.Put(item.record, item.key, std::move(item.features));
  }
  items_.clear();
  Regroup(index_.Settle());
}

Registry::State Batch::StateOf(RecordNo record) const {
  const auto it = after_.find(record);
  return it == after_.end() ? registry_.At(record).state : it->second.state;
}

// The record in the index that one that is gone stays with, in the end; or the last of those gone.
RecordNo Batch::EndOfChain(RecordNo record) const {
  for (int step = 0; step < kLongestChain && StateOf(record) == Registry::kGone; ++step) {
    const auto it = after_.find(record);
    const RecordNo with = it == after_.end() ? registry_.At(record).with : it->second.with;
    if (with == Registry::kNobody) return record;
    record = with;
  }
  return record;
}

bool Batch::Exists(RecordNo eldest) const {
  return registry_.At(eldest).person == eldest && registry_.At(eldest).members > 0;
}

void Batch::Touch(RecordNo record) {
  const RecordNo person = registry_.At(record).person;
  if (person != Registry::kNobody && touched_set_.insert(person).second) touched_.push_back(person);
}

// Nothing in it has changed, nor has anything left it.
bool Batch::Same(const identity::Group& group) const {
  const RecordNo person = registry_.At(group.front().record).person;
  if (person == Registry::kNobody || registry_.At(person).live != group.size()) return false;
  if (touched_set_.contains(person)) return false;
  return std::all_of(group.begin(), group.end(), [&](const auto& member) {
    return registry_.At(member.record).person == person && !planned_at_.contains(member.record);
  });
}

void Batch::Regroup(std::vector<identity::Group> groups) {
  groups_ = std::move(groups);
  for (const auto& planned : planned_) {
    if (after_.contains(planned.record)) Touch(planned.record);
  }
  for (const auto& group : groups_) {
    if (group.empty() || Same(group)) continue;
    Person& person = persons_.emplace_back();
    person.group = &group;
    person.live = group.size();
    for (const auto& member : group) {
      person.members.push_back(member.record);
      person_at_[member.record] = persons_.size() - 1;
      Touch(member.record);
    }
  }
  // Those that somebody leaves who had stayed with them.
  for (const auto& planned : planned_) {
    const RecordNo with = registry_.At(planned.record).with;
    if (planned.change->returns && with != Registry::kNobody) Ensure(EndOfChain(with));
  }
  PlaceGone();
  FinishPeople();
}

// A person whose records in the index have not moved.
void Batch::Ensure(RecordNo live) {
  if (StateOf(live) != Registry::kLive || person_at_.contains(live)) return;
  Person& person = persons_.emplace_back();
  person.members = index_.GroupOf(live);
  person.live = person.members.size();
  for (const RecordNo member : person.members) {
    person_at_[member] = persons_.size() - 1;
    Touch(member);
  }
}

// The eldest of those that it was with and that are still there.
void Batch::StayWithSomebody(RecordNo gone) {
  const RecordNo person = registry_.At(gone).person;
  RecordNo with = Registry::kNobody;
  const auto consider = [&](RecordNo record) {
    if (record == gone || registry_.At(record).person != person || StateOf(record) != Registry::kLive) return;
    if (with == Registry::kNobody || registry_.Elder(record, with)) with = record;
  };
  for (const auto& each : persons_) {
    for (const RecordNo member : each.members) consider(member);
  }
  after_[gone].with = with;
}

void Batch::PlaceGone() {
  std::vector<RecordNo> leaving, all;
  for (const auto& planned : planned_) {
    const auto it = after_.find(planned.record);
    if (it != after_.end() && it->second.state == Registry::kGone &&
        registry_.At(planned.record).state == Registry::kLive) {
      leaving.push_back(planned.record);
    }
  }
  // Of several that go at once one stays with the next, so that they stay together.
  for (size_t at = 0; at < leaving.size(); ++at) {
    StayWithSomebody(leaving[at]);
    if (after_[leaving[at]].with != Registry::kNobody) continue;
    for (size_t next = at + 1; next < leaving.size(); ++next) {
      if (registry_.At(leaving[next]).person == registry_.At(leaving[at]).person)
        after_[leaving[at]].with = leaving[next];
      if (after_[leaving[at]].with != Registry::kNobody) break;
    }
  }
  all = leaving;
  for (const RecordNo person : touched_) {
    for (const RecordNo gone : registry_.GoneOf(person)) {
      if (StateOf(gone) == Registry::kGone) all.push_back(gone);
    }
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  for (const RecordNo gone : all) {
    const RecordNo end = EndOfChain(gone);
    Ensure(end);
    auto it = person_at_.find(end);
    if (it == person_at_.end()) {
      persons_.emplace_back();
      it = person_at_.emplace(end, persons_.size() - 1).first;
    }
    persons_[it->second].members.push_back(gone);
    if (gone != end) person_at_[gone] = it->second;
  }
}

void Batch::FinishPeople() {
  std::unordered_set<RecordNo> eldest;
  for (auto& person : persons_) {
    person.eldest = person.members.front();
    for (const RecordNo member : person.members) {
      if (registry_.Elder(member, person.eldest)) person.eldest = member;
      const auto planned = planned_at_.find(member);
      if (planned != planned_at_.end()) person.by = planned_[planned->second].by;
    }
    eldest.insert(person.eldest);
  }
  for (const RecordNo person : touched_) {
    if (Exists(person) && !eldest.contains(person)) ended_.push_back(person);
  }
  // Whoever comes to another person brings what was said there.
  for (const auto& person : persons_) {
    for (const RecordNo member : person.members) {
      const RecordNo before = registry_.At(member).person;
      stricter_ = stricter_ || (before != Registry::kNobody && before != person.eldest);
    }
  }
}

std::vector<std::string> Batch::RecordsToOpen() const {
  std::vector<std::string> names;
  for (const auto& person : persons_) {
    for (size_t at = 0; at < person.live; ++at) {
      const auto planned = planned_at_.find(person.members[at]);
      const bool at_hand = planned != planned_at_.end() && planned_[planned->second].change->refeature;
      if (!at_hand) names.emplace_back(registry_.Name(person.members[at]));
    }
  }
  return names;
}

absl::Status Batch::Write(storage::Transaction& tx) {
  PersonStore::Writer writer(people_, tx, change_, now_);
  for (auto& planned : planned_) PHAROS_RETURN_IF_ERROR(WriteRecord(writer, tx, planned));
  PHAROS_ASSIGN_OR_RETURN(FormerNames former, MoveFormerNames(writer));
  for (const auto& person : persons_) {
    PHAROS_RETURN_IF_ERROR(WritePerson(writer, person, std::move(former[person.eldest])));
  }
  for (const RecordNo person : ended_) {
    const auto at = person_at_.find(person);
    const ChangeMaker* by = at == person_at_.end() ? nullptr : persons_[at->second].by;
    writer.SetChange(by == nullptr ? change_ : *by);
    PHAROS_RETURN_IF_ERROR(
        writer.EndPerson(registry_.PersonName(person), std::string(registry_.Name(person)), cause_));
    if (registry_.At(person).live > 0) writer.CountPeople(-1);
  }
  writer.SetChange(change_);
  return writer.Finish();
}

void Batch::WritePosting(storage::Transaction& tx, const Prepared& change) const {
  if (change.posting == change.old_posting) return;
  if (!change.old_posting.empty()) {
    tx.Delete(PostingKey(change.old_posting, change.id));
    tx.Touch(PostingPrefix(change.old_posting));
  }
  if (!change.posting.empty()) {
    tx.Put(PostingKey(change.posting, change.id), storage::Wrap({}));
    tx.Touch(PostingPrefix(change.posting));
  }
}

namespace {

void AddFacts(const RecordRow& said, RecordRow& row) {
  if (said.deceased()) row.set_deceased(true);
  if (said.paused()) row.set_paused(true);
  if (said.sensitive()) row.set_sensitive(true);
}

// What stays when new content comes over a record.
void TakeOver(const RecordRow& current, RecordRow& row) {
  row.set_create_time_us(current.create_time_us());
  row.set_person(current.person());
  row.set_link_rule(current.link_rule());
  row.set_birth(current.birth());
  *row.mutable_entries() = current.entries();
  AddFacts(current, row);
}

void MakeTombstone(RecordRow& row) {
  row.clear_sealed();
  row.clear_fields();
  row.clear_clean();
}

}  // namespace

absl::Status Batch::WriteRecord(PersonStore::Writer& writer, storage::Transaction& tx, Planned& planned) {
  Prepared& change = *planned.change;
  RecordRow& said = change.change.row;
  writer.SetChange(*planned.by);
  RecordRow* row = &said;
  if (change.effect == Effect::kNew) {
    said.clear_entries();
    said.clear_person();
    said.clear_link_rule();
    said.set_create_time_us(registry_.At(planned.record).create_time_us);
    writer.CountRecords(1);
  } else {
    PHAROS_ASSIGN_OR_RETURN(row, writer.Change(said.name()));
    if (row == nullptr) return absl::DataLossError("a record that is known is not in the store");
  }
  // Entries first: against what was known before.
  if (change.effect == Effect::kCurrent) {
    TakeOver(*row, said);
    row = &said;
    if (change.returns) writer.CountRecords(1);
  } else if (change.effect == Effect::kLate) {
    if (!said.sealed().empty()) row->set_sealed(said.sealed());
  } else if (change.effect == Effect::kDelete) {
    row->set_delete_time_us(said.delete_time_us());
    row->set_update_time_us(said.update_time_us());
    writer.CountRecords(-1);
  } else if (change.effect == Effect::kErase) {
    if (registry_.At(planned.record).state == Registry::kLive) writer.CountRecords(-1);
    row->set_erase_time_us(said.erase_time_us());
    MakeTombstone(*row);
  }
  if (row == &said) writer.Use(said);
  stricter_ =
      stricter_ || SaysNewFact(said, *row) || (change.effect == Effect::kNew && SaysNewFact(said, {}));
  AddFacts(said, *row);
  writer.MarkChanged(said.name());
  for (const auto& [key, value] : change.rows) tx.Put(key, value);
  WritePosting(tx, change);
  return WriteEntries(writer, planned, *row);
}

absl::Status Batch::WriteEntries(PersonStore::Writer& writer, Planned& planned, const RecordRow& row) {
  const auto& entries = planned.change->change.entries;
  if (entries.empty()) return absl::OkStatus();
  const bool known = planned.change->effect == Effect::kOnly;
  for (const LedgerRow* fresh : NewEntries(row, entries, known)) {
    LedgerRow entry = *fresh;
    entry.clear_subjects();
    PHAROS_ASSIGN_OR_RETURN(const std::vector<std::string> subjects, SubjectsOf(writer, row, entry.gate()));
    for (const auto& subject : subjects) entry.add_subjects(subject);
    PHAROS_RETURN_IF_ERROR(writer.Append(entry));
    stricter_ = stricter_ || Restricts(entry.gate());
  }
  return absl::OkStatus();
}

// What is withdrawn while records are linked holds for all of them, whatever becomes of the link; a grant
// takes back what the same record had withdrawn there.
absl::StatusOr<std::vector<std::string>> Batch::SubjectsOf(PersonStore::Writer& writer, const RecordRow& row,
                                                           const type::v1::GateEntry& entry) {
  std::vector<std::string> subjects = {row.name()};
  if (row.person().empty()) return subjects;
  PHAROS_ASSIGN_OR_RETURN(const PersonRow* person, writer.Before(row.person()));
  for (const auto& other : person->records()) {
    if (other == row.name()) continue;
    bool concerned = Restricts(entry);
    if (!concerned) {
      PHAROS_ASSIGN_OR_RETURN(const RecordRow* other_row, writer.Record(other));
      concerned = other_row != nullptr && FindEntry(other_row->entries(), entry) != nullptr;
    }
    if (concerned) subjects.push_back(other);
  }
  return subjects;
}

// Where a former id belongs: with the record that it was born with; an older one stays where its person's
// eldest went.
absl::StatusOr<Batch::FormerNames> Batch::MoveFormerNames(PersonStore::Writer& writer) const {
  FormerNames former;
  std::vector<std::pair<std::string, RecordNo>> names;  // and the person whose they were
  std::vector<RecordNo> order = ended_;
  for (const RecordNo person : touched_) {
    if (std::find(ended_.begin(), ended_.end(), person) == ended_.end() && Exists(person))
      order.push_back(person);
  }
  for (size_t at = 0; at < order.size(); ++at) {
    const std::string name = registry_.PersonName(order[at]);
    if (at < ended_.size()) names.emplace_back(name, order[at]);
    PHAROS_ASSIGN_OR_RETURN(const PersonRow* before, writer.Before(name));
    for (const auto& each : before->former_names()) names.emplace_back(each, order[at]);
  }
  if (names.empty()) return former;
  std::unordered_map<std::string, size_t> born;
  for (size_t at = 0; at < persons_.size(); ++at) {
    for (const RecordNo member : persons_[at].members) born[registry_.PersonName(member)] = at;
  }
  for (const auto& [name, from] : names) {
    const auto at = born.find(name);
    const auto home = person_at_.find(from);
    if (at == born.end() && home == person_at_.end()) continue;
    const RecordNo eldest = persons_[at != born.end() ? at->second : home->second].eldest;
    auto& its = former[eldest];
    const bool there = std::find(its.begin(), its.end(), name) != its.end();
    if (registry_.PersonName(eldest) != name && !there) its.push_back(name);
  }
  return former;
}

absl::Status Batch::WritePerson(PersonStore::Writer& writer, const Person& person,
                                std::vector<std::string> former_names) {
  const std::string name = registry_.PersonName(person.eldest);
  const bool exists = Exists(person.eldest);
  if (!exists) writer.IsNew(name);
  PersonStore::Writer::Membership membership;
  membership.former_names = std::move(former_names);
  membership.cause = cause_;
  membership.change = person.by == nullptr ? &change_ : person.by;
  for (size_t at = 0; at < person.members.size(); ++at) {
    const RecordNo member = person.members[at];
    membership.records.emplace_back(registry_.Name(member));
    const RecordNo before = registry_.At(member).person;
    if (before != Registry::kNobody && Exists(before)) {
      PHAROS_ASSIGN_OR_RETURN(const PersonRow* row, writer.Before(registry_.PersonName(before)));
      membership.version = std::max(membership.version, row->version() + 1);
      membership.returns = true;
    }
    std::optional<std::string> rule;
    if (at >= person.live) {
      rule = StaysWith(member);
    } else if (person.group != nullptr) {
      rule = RuleOf((*person.group)[at]);
    }
    PHAROS_RETURN_IF_ERROR(WriteMember(writer, member, rule, name));
  }
  const bool lived = exists && registry_.At(person.eldest).live > 0;
  if (lived != (person.live > 0)) writer.CountPeople(lived ? -1 : 1);
  writer.SetMembers(name, std::move(membership));
  return absl::OkStatus();
}

absl::Status Batch::WriteMember(PersonStore::Writer& writer, RecordNo record,
                                const std::optional<std::string>& rule, const std::string& person) {
  const std::string name(registry_.Name(record));
  PHAROS_ASSIGN_OR_RETURN(RecordRow * row, writer.Record(name));
  if (row == nullptr) return absl::DataLossError("a record that is known is not in the store");
  const std::string_view birth = registry_.Birth(record);
  const bool same_rule = !rule || row->link_rule() == *rule;
  if (row->person() == person && same_rule && row->birth() == birth) return absl::OkStatus();
  row->set_person(person);
  if (rule) row->set_link_rule(*rule);
  row->set_birth(std::string(birth));
  writer.MarkChanged(name);
  return absl::OkStatus();
}

std::string Batch::RuleOf(const identity::Membership& membership) const {
  switch (membership.why) {
    case identity::Why::kAlone:
      return "only record";
    case identity::Why::kAsserted:
      return fmt::format("decided by a person, with {}", registry_.Name(membership.with));
    case identity::Why::kDeterministic:
      return fmt::format("same identifier, with {}", registry_.Name(membership.with));
    case identity::Why::kScore:
      break;
  }
  return fmt::format("score {:.1f} with {}", membership.weight / kUnitsPerBit,
                     registry_.Name(membership.with));
}

std::string Batch::StaysWith(RecordNo record) const {
  const auto it = after_.find(record);
  const RecordNo with = it == after_.end() ? registry_.At(record).with : it->second.with;
  return with == Registry::kNobody ? std::string() : fmt::format("{}{}", kStaysWith, registry_.Name(with));
}

void Batch::Keep() {
  index_.Keep();
  for (const auto& [record, after] : after_) registry_.SetState(record, after.state, after.with);
  for (const auto& planned : planned_) registry_.Stamp(planned.record);
  for (const RecordNo person : ended_) registry_.EndPerson(person);
  for (const auto& person : persons_) registry_.SetPerson(person.eldest, person.members);
}

std::string Batch::PersonOf(const std::string& record, bool stored) const {
  const auto number = registry_.Find(record);
  if (!number) return {};
  const auto at = person_at_.find(*number);
  if (stored || at == person_at_.end()) return registry_.PersonOf(*number);
  const RecordNo eldest = persons_[at->second].eldest;
  return Exists(eldest) ? registry_.PersonName(eldest) : std::string();
}

}  // namespace pharos::customer
