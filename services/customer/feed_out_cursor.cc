#include "services/customer/feed_out_cursor.h"

#include <fmt/format.h>

#include "services/base/ids.h"

namespace pharos::customer {

namespace {

constexpr size_t kCheckBytes = 16;
constexpr size_t kPositionBytes = 8;
constexpr size_t kLongestPersonId = 38;  // so that a cursor has at most 128 characters; ours have 26
constexpr std::string_view kPeople = "people/";

std::string CheckOf(const storage::BlindIndex& blind, std::string_view feed, std::string_view content) {
  return blind.Of(fmt::format("feed-cursor:{}", feed), content);
}

std::string Masked(const storage::BlindIndex& blind, std::string_view check, std::string content) {
  std::string mask;
  for (int block = 0; mask.size() < content.size(); ++block) {
    mask += blind.Of(fmt::format("feed-cursor-mask:{}", block), check);
  }
  for (size_t at = 0; at < content.size(); ++at) content[at] = static_cast<char>(content[at] ^ mask[at]);
  return content;
}

}  // namespace

std::string WriteFeedCursor(const storage::BlindIndex& blind, std::string_view feed, const FeedPlace& place) {
  std::string content(1, place.snapshot ? 's' : 'f');
  for (int shift = 56; shift >= 0; shift -= 8) content += static_cast<char>(place.position >> shift & 0xFF);
  content += base::Segment(place.person, "people");
  const std::string check = CheckOf(blind, feed, content);
  return base::ToHex(check + Masked(blind, check, std::move(content)));
}

std::optional<FeedPlace> ReadFeedCursor(const storage::BlindIndex& blind, std::string_view feed,
                                        std::string_view cursor) {
  const std::string bytes = base::FromHex(cursor);
  if (bytes.size() < kCheckBytes + 1 + kPositionBytes ||
      bytes.size() > kCheckBytes + 1 + kPositionBytes + kLongestPersonId) {
    return std::nullopt;
  }
  const std::string check = bytes.substr(0, kCheckBytes);
  const std::string content = Masked(blind, check, bytes.substr(kCheckBytes));
  if (!base::SameBytes(check, CheckOf(blind, feed, content))) return std::nullopt;
  FeedPlace place;
  place.snapshot = content[0] == 's';
  for (size_t at = 0; at < kPositionBytes; ++at) {
    place.position = place.position << 8 | static_cast<uint8_t>(content[1 + at]);
  }
  const std::string person = content.substr(1 + kPositionBytes);
  if (!person.empty()) place.person = std::string(kPeople) + person;
  return place;
}

}  // namespace pharos::customer
