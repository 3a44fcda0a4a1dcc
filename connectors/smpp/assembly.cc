#include "connectors/smpp/assembly.h"

#include <fmt/format.h>

#include <algorithm>

namespace pharos::smpp {
namespace {

constexpr size_t kMostTickets = 256;  // of one group: 255 parts, or repeats
constexpr char kGap[] = " […] ";

bool SameReading(const Assembler::Group::Piece& a, const Assembler::Group::Piece& b) {
  return a.data_coding == b.data_coding && a.header.locking_shift == b.header.locking_shift &&
         a.header.single_shift == b.header.single_shift;
}

}  // namespace

std::string Assembler::Add(const Pdu& pdu, const UserHeader& header, const Concatenation& place,
                           std::string_view octets, const Ticket& ticket, int64_t now_us, int64_t wall_us) {
  std::string name = fmt::format("{}:{}:{}:{}:{}", pdu.source.digits.size(), pdu.source.digits,
                                 pdu.destination.digits, place.reference, place.total);
  if (!groups_.count(name) && groups_.size() >= kMostGroups) {
    auto oldest = std::min_element(groups_.begin(), groups_.end(), [](const auto& a, const auto& b) {
      return a.second.begun_us < b.second.begun_us;
    });
    groups_.erase(oldest);  // its tickets stay unanswered: the provider says those parts again
  }
  Group& group = groups_[name];
  auto had = group.pieces.find(place.part);
  if (had != group.pieces.end() && had->second.octets != octets) group = Group{};
  if (group.total == 0) {
    group.from = pdu.source;
    group.to = pdu.destination;
    group.total = place.total;
    group.begun_us = now_us;
    group.begun_wall_us = wall_us;
  }
  group.pieces.emplace(place.part, Group::Piece{pdu.data_coding, header, std::string(octets)});
  if (group.tickets.empty()) group.hold_until_us = now_us + hold_us_;
  if (group.tickets.size() < kMostTickets) group.tickets.push_back(ticket);
  return name;
}

std::vector<std::string> Assembler::Due(int64_t now_us) {
  std::vector<std::string> due;
  for (auto it = groups_.begin(); it != groups_.end();) {
    const Group& group = it->second;
    if (!group.tickets.empty()) {
      if (group.whole() || now_us >= group.hold_until_us) due.push_back(it->first);
    } else if (now_us - group.begun_us >= kKeepUs || (group.whole() && now_us >= group.hold_until_us)) {
      it = groups_.erase(it);
      continue;
    }
    ++it;
  }
  return due;
}

Assembler::Group* Assembler::Find(const std::string& name) {
  auto it = groups_.find(name);
  return it == groups_.end() ? nullptr : &it->second;
}

std::vector<Ticket> Assembler::Told(const std::string& name, int64_t now_us) {
  Group* group = Find(name);
  if (!group) return {};
  if (group->whole()) group->hold_until_us = now_us + kRepeatUs;
  return std::exchange(group->tickets, {});
}

// What was not told is said again by the provider, on another link.
void Assembler::LinkLost(int bind, uint64_t link) {
  for (auto& [name, group] : groups_)
    std::erase_if(group.tickets, [&](const Ticket& t) { return t.bind == bind && t.link == link; });
}

std::string Assembler::TextOf(const Group& group, bool latin1) {
  std::string text;
  int expected = 1;
  for (auto it = group.pieces.begin(); it != group.pieces.end();) {
    if (it->first != expected) text += kGap;
    const auto& first = it->second;
    std::string octets;  // of a run without a gap, read at once: a pair may be cut between two parts
    for (expected = it->first;
         it != group.pieces.end() && it->first == expected && SameReading(first, it->second);
         ++it, ++expected)
      octets += it->second.octets;
    text += DecodeText(first.data_coding, octets, first.header, latin1);
  }
  if (expected <= group.total) text += kGap;
  return text;
}

}  // namespace pharos::smpp
