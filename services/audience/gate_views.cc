#include "services/audience/gate_views.h"

#include <algorithm>

#include "services/audience/filter_eval.h"

namespace pharos::audience {
namespace {

// Drops what was not used for longest, until one more has room.
template <typename Map>
void MakeRoom(Map& kept, size_t most) {
  while (kept.size() >= most) {
    kept.erase(std::min_element(kept.begin(), kept.end(),
                                [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
  }
}

uint8_t Judge(FactsReader& facts, const JudgeQuestion& question) {
  return static_cast<uint8_t>(gate::Choose(facts.Facts(), question.purpose, question.channels).reason);
}

}  // namespace

std::shared_ptr<const Roaring> GateViews::Consents(const IndexData& data, type::v1::Channel channel,
                                                   const std::string& purpose) const {
  base::MutexLock lock(mutex_);
  const ConsentKey key{channel, purpose};
  auto found = consents_.find(key);
  if (found == consents_.end()) {
    auto made = std::make_shared<Roaring>();
    FactsReader facts;
    for (const PersonNo person : data.alive) {
      facts.Start(data.gate[person]);
      if (facts.Consents(channel, purpose)) made->add(person);
    }
    MakeRoom(consents_, kMostConsents);
    found = consents_.emplace(key, Kept<Roaring>{std::move(made)}).first;
  }
  found->second.used = ++clock_;
  return found->second.view;
}

std::shared_ptr<const GateViews::Column> GateViews::Verdicts(const IndexData& data,
                                                             const JudgeQuestion& question) const {
  base::MutexLock lock(mutex_);
  const VerdictKey key{question.purpose.name, question.purpose.purpose_class, question.purpose.lawful_basis,
                       question.channels};
  auto found = verdicts_.find(key);
  if (found == verdicts_.end()) {
    KeptVerdicts kept;
    kept.question = question;
    kept.view = std::make_shared<Column>(data.ids.size());
    FactsReader facts;
    for (const PersonNo person : data.alive) {
      facts.Start(data.gate[person]);
      (*kept.view)[person] = Judge(facts, question);
    }
    MakeRoom(verdicts_, kMostVerdicts);
    found = verdicts_.emplace(key, std::move(kept)).first;
  }
  found->second.used = ++clock_;
  return found->second.view;
}

void GateViews::Changed(const IndexData& data, PersonNo person) {
  base::MutexLock lock(mutex_);
  const bool there = data.alive.contains(person);
  FactsReader facts;
  facts.Start(data.gate[person]);
  for (auto& [key, kept] : consents_) {
    if (there && facts.Consents(key.first, key.second)) {
      kept.view->add(person);
    } else {
      kept.view->remove(person);
    }
  }
  for (auto& [key, kept] : verdicts_) {
    if (kept.view->size() <= person) kept.view->resize(person + 1);
    (*kept.view)[person] = there ? Judge(facts, kept.question) : 0;
  }
}

void GateViews::Clear() {
  base::MutexLock lock(mutex_);
  consents_.clear();
  verdicts_.clear();
}

size_t GateViews::Bytes() const {
  base::MutexLock lock(mutex_);
  size_t bytes = 0;
  for (const auto& [key, kept] : consents_) bytes += kept.view->getSizeInBytes(false);
  for (const auto& [key, kept] : verdicts_) bytes += kept.view->capacity();
  return bytes;
}

}  // namespace pharos::audience
