// What was sent to a person or an endpoint: frequency caps over all campaigns, the claim (one message of a
// step to an endpoint), and whom a STOP answers. Pure rules over a ContactRow.
//
// Classes: URGENT is neither counted nor withheld. SERVICE counts but is never withheld. PUBLIC_TASK and
// MARKETING count and are withheld. Unspecified (an opt-out's confirmation has no purpose) is treated as
// URGENT.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "pharos/record/v1/dispatch.pb.h"
#include "pharos/type/v1/types.pb.h"
#include "services/dispatch/settings.h"

namespace pharos::dispatch {

inline constexpr int kContacts = 64;  // entries that a row is trimmed to
inline constexpr int kMostContacts =
    256;  // past this the oldest go, whatever they are good for: a row is about 100 bytes an entry

bool IsCounted(type::v1::PurposeClass purpose_class);
bool IsWithheldByCaps(type::v1::PurposeClass purpose_class);

// At least `most` counted messages in the last `days` days (24 hours each). most or days 0: there is no cap.
// `but` (may be null): this message does not count against itself (it is tried again).
bool CapReached(const record::v1::ContactRow& row, int most, int days, int64_t now_us,
                const record::v1::IntentKey* but = nullptr);
// Whether a message of this class must be withheld (FREQUENCY_CAP), by the rows of its person and its
// endpoint.
bool IsCapped(type::v1::PurposeClass purpose_class, const record::v1::ContactRow& person,
              const record::v1::ContactRow& endpoint, const CapSettings& caps, int64_t now_us,
              const record::v1::IntentKey* but = nullptr);
// The longest window of any cap, microseconds: what `keep_us` below is.
int64_t KeepMicros(const CapSettings& caps);

// Puts a hand-over at the end. The same message again (same key) moves its entry there instead: it is counted
// once. Then trims the row to kContacts: entries older than `keep_us` whose step is over go, oldest first;
// the newest entry never does. If more remain they stay up to kMostContacts; then the oldest go all the same.
// Gives how many went that way: caps and claims have lost them, log it. `is_over`: no message of that step
// can be sent any more; asked only about entries that may go.
int AddContact(record::v1::ContactRow& row, const record::v1::IntentKey& key,
               type::v1::PurposeClass purpose_class, int64_t now_us, int64_t keep_us,
               const std::function<bool(const record::v1::IntentKey&)>& is_over);
// The message is known not to have been handed over: it neither counts nor claims. False: it was not there.
bool RemoveContact(record::v1::ContactRow& row, const record::v1::IntentKey& key);

// What another name of the same person had, counted with `row`: entries that it has not got yet.
void AddEntriesOf(const record::v1::ContactRow& former, record::v1::ContactRow& row);

// The newest message of that step, or nullptr. Valid until the row changes.
const record::v1::ContactEntry* OfStep(const record::v1::ContactRow& row, std::string_view campaign,
                                       std::string_view step);
// In an endpoint's row: a message of the same step for another person than key.person, or nullptr: the
// endpoint has had it.
const record::v1::ContactEntry* ClaimOfAnother(const record::v1::ContactRow& row,
                                               const record::v1::IntentKey& key);
// The newest message, or nullptr: whom a STOP answers.
const record::v1::ContactEntry* LastOf(const record::v1::ContactRow& row);

}  // namespace pharos::dispatch
