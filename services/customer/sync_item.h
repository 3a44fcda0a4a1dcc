// One item of a partner's feed: what is wrong with it, or what it changes. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pharos/customer/v1/sync_service.pb.h"
#include "pharos/record/v1/sync.pb.h"
#include "services/customer/linker.h"
#include "services/customer/record_reading.h"

namespace pharos::customer {

// What is known of a purpose.
enum class PurposeState : uint8_t { kUnknown, kInUse, kRetired };

// What items are read against.
struct SyncTerms {
  std::string source_id;
  const record::v1::AgreementRow* agreement = nullptr;  // nullptr: every field and purpose
  std::string principal;
  int64_t now = 0;
  std::function<PurposeState(std::string_view purpose)> purpose;
  AddressIndex index;
};

// A grant that the item gives last for its purpose and channel: it has to be looked at whether it opens the
// gate.
struct SyncGrant {
  std::string purpose;
  type::v1::Channel channel = type::v1::CHANNEL_UNSPECIFIED;
  std::string endpoint;  // blind index; empty: every channel
};

struct SyncReading {
  bool refused = true;  // `result` says why
  // cursor and record_id; where refused: outcome, reason, message, field. Else reason, message and field of
  // what of it is left out.
  v1::SyncResult result;
  RecordChange change;
  std::vector<SyncGrant> grants;
};
SyncReading ReadItem(const v1::SyncItem& item, const SyncTerms& terms);

// Outcomes of what was stored, or would be.
void SetOutcome(const RecordResult& stored, v1::SyncResult& result);
// Notes what of a stored record has no effect. What is noted already stays, but for `reason` OPT_OUT_STANDS,
// which matters most.
void NotePart(std::string_view reason, std::string_view field, v1::SyncResult& result);
// What to do, in words.
std::string_view SyncAdvice(std::string_view reason);

inline constexpr size_t kMostItemBytes = 64 << 10;  // a contact takes some 300
inline constexpr int kMostItemFields = 64;
inline constexpr int kMostItemConsents = 64;
inline constexpr int kMostItemFacts = 8;
inline constexpr size_t kLongestWording = 1000;

}  // namespace pharos::customer
