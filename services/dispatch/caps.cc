#include "services/dispatch/caps.h"

#include <algorithm>

namespace pharos::dispatch {
namespace {

using record::v1::ContactEntry;
using record::v1::ContactRow;
using record::v1::IntentKey;
using type::v1::PurposeClass;

constexpr int64_t kDayMicros = 86'400'000'000;

bool IsStep(const IntentKey& key, std::string_view campaign, std::string_view step) {
  return key.campaign() == campaign && key.step() == step;
}

bool IsSame(const IntentKey& a, const IntentKey& b) {
  return IsStep(a, b.campaign(), b.step()) && a.person() == b.person();
}

// Keeps the entries that `keep` says yes to, in order.
template <typename Keep>
void Filter(ContactRow& row, const Keep& keep) {
  auto& entries = *row.mutable_entries();
  int kept = 0;
  for (int i = 0; i < entries.size(); ++i) {
    if (keep(entries[i], i)) entries.SwapElements(kept++, i);
  }
  entries.DeleteSubrange(kept, entries.size() - kept);
}

void DropUseless(ContactRow& row, int64_t horizon_us, const std::function<bool(const IntentKey&)>& is_over) {
  int excess = row.entries_size() - kContacts;
  const int newest = row.entries_size() - 1;
  Filter(row, [&](const ContactEntry& entry, int index) {
    const bool goes = excess > 0 && index != newest && entry.time_us() <= horizon_us && is_over(entry.key());
    if (goes) --excess;
    return !goes;
  });
}

}  // namespace

bool IsCounted(PurposeClass purpose_class) {
  return purpose_class == type::v1::PURPOSE_CLASS_SERVICE || IsWithheldByCaps(purpose_class);
}

bool IsWithheldByCaps(PurposeClass purpose_class) {
  return purpose_class == type::v1::PURPOSE_CLASS_PUBLIC_TASK ||
         purpose_class == type::v1::PURPOSE_CLASS_MARKETING;
}

bool CapReached(const ContactRow& row, int most, int days, int64_t now_us, const IntentKey* but) {
  if (most <= 0 || days <= 0) return false;
  const int64_t horizon_us = now_us - days * kDayMicros;
  const auto counts = [&](const ContactEntry& entry) {
    return entry.time_us() > horizon_us && IsCounted(static_cast<PurposeClass>(entry.purpose_class())) &&
           (but == nullptr || !IsSame(entry.key(), *but));
  };
  return std::count_if(row.entries().begin(), row.entries().end(), counts) >= most;
}

bool IsCapped(PurposeClass purpose_class, const ContactRow& person, const ContactRow& endpoint,
              const CapSettings& caps, int64_t now_us, const IntentKey* but) {
  return IsWithheldByCaps(purpose_class) &&
         (CapReached(person, caps.person_most, caps.person_days, now_us, but) ||
          CapReached(endpoint, caps.endpoint_most, caps.endpoint_days, now_us, but));
}

int64_t KeepMicros(const CapSettings& caps) {
  const int person_days = caps.person_most > 0 ? caps.person_days : 0;
  const int endpoint_days = caps.endpoint_most > 0 ? caps.endpoint_days : 0;
  return std::max({person_days, endpoint_days, 0}) * kDayMicros;
}

int AddContact(ContactRow& row, const IntentKey& key, PurposeClass purpose_class, int64_t now_us,
               int64_t keep_us, const std::function<bool(const IntentKey&)>& is_over) {
  RemoveContact(row, key);
  ContactEntry& entry = *row.add_entries();
  *entry.mutable_key() = key;
  entry.set_time_us(now_us);
  entry.set_purpose_class(purpose_class);
  if (row.entries_size() > kContacts) DropUseless(row, now_us - keep_us, is_over);
  const int lost = std::max(0, row.entries_size() - kMostContacts);
  row.mutable_entries()->DeleteSubrange(0, lost);
  return lost;
}

bool RemoveContact(ContactRow& row, const IntentKey& key) {
  const auto is_it = [&](const ContactEntry& entry) { return IsSame(entry.key(), key); };
  if (std::none_of(row.entries().begin(), row.entries().end(), is_it)) return false;
  Filter(row, [&](const ContactEntry& entry, int) { return !is_it(entry); });
  return true;
}

void AddEntriesOf(const ContactRow& former, ContactRow& row) {
  const int own = row.entries_size();
  for (const ContactEntry& entry : former.entries()) {
    const auto is_it = [&](const ContactEntry& other) { return IsSame(other.key(), entry.key()); };
    if (std::none_of(row.entries().begin(), row.entries().begin() + own, is_it)) *row.add_entries() = entry;
  }
}

const ContactEntry* OfStep(const ContactRow& row, std::string_view campaign, std::string_view step) {
  for (int i = row.entries_size() - 1; i >= 0; --i) {
    if (IsStep(row.entries(i).key(), campaign, step)) return &row.entries(i);
  }
  return nullptr;
}

const ContactEntry* ClaimOfAnother(const ContactRow& row, const IntentKey& key) {
  for (const ContactEntry& entry : row.entries()) {
    if (IsStep(entry.key(), key.campaign(), key.step()) && entry.key().person() != key.person())
      return &entry;
  }
  return nullptr;
}

const ContactEntry* LastOf(const ContactRow& row) {
  return row.entries().empty() ? nullptr : &row.entries(row.entries_size() - 1);
}

}  // namespace pharos::dispatch
