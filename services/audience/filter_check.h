// Filters, step 3 of 4: a tree to a predicate: every name known, every value of its field's type. Pure.
//
// A person without a value matches no comparison with it, != included; field:* asks whether there is one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/type/v1/types.pb.h"
#include "services/audience/engagement_book.h"
#include "services/audience/filter_fields.h"
#include "services/audience/filter_parser.h"

namespace pharos::audience {

struct Predicate {
  enum class Kind {
    kEverybody,
    kAnd,
    kOr,
    kNot,
    kText,  // texts[field.text], or the name of what it is the code of, is `text` (or starts with it, if
            // `prefix`)
    kAge,
    kBorn,
    kUpdated,  // low <= value < high
    kLevel,    // deprivation or digital inclusion, by `field`: low <= value < high
    kPerson,   // the id is `text`
    kInterest,
    kSource,     // the set holds `text`
    kAudience,   // the set holds audience kind `low`
    kPresent,    // `field` has a value
    kReachable,  // on `channel`
    kConsent,    // on `channel` for the purpose `text`
    kEngaged,    // `event` in the campaign `text` ("*": in any), on one of the last `high` days (0: ever)
  };
  Kind kind = Kind::kEverybody;
  std::vector<Predicate> parts;
  const FieldInfo* field = nullptr;
  bool unequal = false;  // !=: there is a value and it is another
  bool prefix = false;
  std::string text;  // as compared
  int64_t low = 0, high = 0;
  type::v1::Channel channel = type::v1::CHANNEL_UNSPECIFIED;
  EngagementEvent event = EngagementEvent::kNone;
  uint32_t symbol = StringPool::kNowhere;  // of `text`, set when bound to an index
};

// ParseFilter and the check. FILTER_WRONG.
absl::StatusOr<Predicate> CompileFilter(std::string_view filter);

// kEngaged: the first day of the window, counted since 1 January 1970; EngagementBook::kEver: none.
int32_t EngagedSince(const Predicate& predicate, PackedDate today);
// Campaigns that the filter's engaged(…) name, "campaigns/…" or "*", each once.
std::vector<std::string> CampaignsIn(const Predicate& predicate);

// Purposes that the filter's consent(…) name, "purposes/…", each once.
std::vector<std::string> PurposesIn(const Predicate& predicate);

}  // namespace pharos::audience
