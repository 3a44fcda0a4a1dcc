// People's messages that come in parts (user data header or sar TLVs), put together again. A provider is
// answered only for what dispatch keeps; but one that sends the next part only after the answer to the last
// must not wait for ever. So parts are held without an answer for kHoldUs; then what is there is told as it
// is, with "[…]" where parts lack, and answered. The parts stay here for kKeepUs: when the rest comes, the
// whole text is told.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "connectors/smpp/inbound.h"
#include "connectors/smpp/pdu.h"

namespace pharos::smpp {

// Where an answer must go: only to the link over which the request came.
struct Ticket {
  int bind = 0;
  uint64_t link = 0;
  Header header{};
};

// Belongs to one thread. Times are CLOCK_BOOTTIME, but for wall_us.
class Assembler {
 public:
  static constexpr int64_t kHoldUs = 5'000'000;  // shorter than providers wait for an answer (10 s and more)
  static constexpr int64_t kKeepUs = 24LL * 3600 * 1'000'000;
  static constexpr int64_t kRepeatUs =
      300'000'000;                               // a whole message is remembered so long for repeated parts
  static constexpr size_t kMostGroups = 10'000;  // 160 octets to 40 KiB each; the oldest goes

  explicit Assembler(int64_t hold_us = kHoldUs) : hold_us_(hold_us) {}

  struct Group {
    Address from, to;
    int total = 0;
    struct Piece {
      uint8_t data_coding;
      UserHeader header;
      std::string octets;
    };
    std::map<int, Piece> pieces;
    std::vector<Ticket> tickets;  // unanswered, not told
    int64_t begun_us = 0, begun_wall_us = 0, hold_until_us = 0;
    bool whole() const { return static_cast<int>(pieces.size()) == total; }
  };

  // Takes a part; the name of its group. A repeated part adds its ticket only; a part that differs from the
  // one of that number begins a new message (references are used again).
  std::string Add(const Pdu& pdu, const UserHeader& header, const Concatenation& place,
                  std::string_view octets, const Ticket& ticket, int64_t now_us, int64_t wall_us);
  // Groups to tell now: whole ones with tickets, and those held long enough. Forgets old ones.
  std::vector<std::string> Due(int64_t now_us);
  Group* Find(const std::string& name);
  // It is kept by dispatch's side of the stream now: its tickets belong to the caller.
  std::vector<Ticket> Told(const std::string& name, int64_t now_us);
  // A link is gone: its tickets can never be used.
  void LinkLost(int bind, uint64_t link);
  size_t size() const { return groups_.size(); }

  static std::string TextOf(const Group& group, bool latin1);

 private:
  const int64_t hold_us_;
  std::map<std::string, Group> groups_;
};

}  // namespace pharos::smpp
