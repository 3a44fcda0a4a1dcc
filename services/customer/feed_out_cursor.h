// Cursors of the feeds that partners follow: where they are, sealed, so that they say nothing and cannot be
// made by anybody else.
//   cursor := hex(check(16) ‖ (phase(1) position(8) person) ⊕ mask)
// `check` is the keyed index of feed, agreement and content; the mask is made of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/blind_index.h"

namespace pharos::customer {

struct FeedPlace {
  bool snapshot = true;  // everybody first
  uint64_t position =
      0;               // of the change log: changes up to here are told, or (snapshot) will be told from here
  std::string person;  // snapshot: everybody up to this one ("people/…") has been told
};

// `feed` is the name of the feed and of the agreement.
std::string WriteFeedCursor(const storage::BlindIndex& blind, std::string_view feed, const FeedPlace& place);
// nullopt: not one of this feed.
std::optional<FeedPlace> ReadFeedCursor(const storage::BlindIndex& blind, std::string_view feed,
                                        std::string_view cursor);

}  // namespace pharos::customer
