// What a source may say of one record, and what is made of it: the same whether it comes in a contact file or
// on a stream. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pharos/record/v1/customer.pb.h"

namespace pharos::customer {

// Every field of a person that a source may give, sorted.
const std::vector<std::string>& KnownFields();
bool IsKnownField(std::string_view field);
// Facts that a source may state: "deceased", "paused", "sensitive".
const std::vector<std::string>& KnownFacts();

// Sources that nobody but the product itself writes: `direct` (what people tell us) and `stewards`
// (corrections).
bool IsReservedSource(std::string_view source_id);

inline constexpr size_t kLongestField = 4096;  // bytes as typed; the longest real ones are lists of interests
inline constexpr int64_t kMostAheadMicros =
    86'400'000'000;  // clocks and time zones of senders; past it a date is wrong
// A grant ahead of our clock would outrank an opt-out that is said after it: only what clocks differ by.
inline constexpr int64_t kMostGrantAheadMicros = 300ll * 1'000'000;

// Keeps a value as typed, and cleaned. False: it is kept, but it cannot be read. An empty value says nothing.
bool ReadField(record::v1::RecordRow& row, const std::string& field, const std::string& typed);

// States a fact; false: there is no such fact.
bool ReadFact(record::v1::RecordRow& row, std::string_view fact);

// What the source says about consent.
struct RowConsent {
  type::v1::EntryKind kind = type::v1::ENTRY_KIND_UNSPECIFIED;
  type::v1::Channel channel = type::v1::CHANNEL_UNSPECIFIED;  // unspecified: every channel
  // Cleaned; empty: none that can be read (only ever for a withdrawal, which then covers all, or for every
  // channel).
  std::string address;
  int64_t event_time_us = 0;
};
// nullopt: a grant without an address that can be used grants nothing. `row` has its fields already.
std::optional<RowConsent> ReadConsent(const record::v1::RecordRow& row, type::v1::EntryKind kind,
                                      type::v1::Channel channel, int64_t event_time_us);

// How an entry came.
struct EntryOrigin {
  std::string purpose;  // "purposes/…"
  std::string how;      // "import", "sync"
  std::string wording;
  std::string principal;  // who brought it
  int64_t now = 0;
};
// Blind index of an address.
using AddressIndex = std::function<std::string(type::v1::Channel channel, std::string_view address)>;
// When a word about consent counts from: an opt-out whose time is not known from when it came, so that no
// grant with a date outranks it; nothing from the future.
int64_t EffectiveTime(type::v1::EntryKind kind, int64_t said_us, int64_t now_us);
record::v1::LedgerRow MakeEntry(const std::string& record, const RowConsent& consent,
                                const EntryOrigin& origin, const AddressIndex& index);

}  // namespace pharos::customer
