#include "services/dispatch/inbox_reply.h"

#include "services/base/ids.h"
#include "services/dispatch/message.h"

namespace pharos::dispatch {
namespace {

std::string Digits(std::string_view sender) {
  std::string plain;
  for (const char c : sender) {
    if (c != '+' && c != ' ') plain += c;
  }
  return plain;
}

bool ContinuesCharacter(char c) {
  return (static_cast<uint8_t>(c) & 0xC0) == 0x80;
}

}  // namespace

std::string ReplyName(std::string_view id) {
  return "replies/" + UuidOf(id);
}

std::string ReplyIdOf(std::string_view name) {
  return BytesOfUuid(base::Segment(name, "replies"));
}

std::string KeptText(std::string_view text) {
  if (text.size() <= kMostReplyText) return std::string(text);
  size_t end = kMostReplyText;
  while (end > 0 && ContinuesCharacter(text[end])) --end;
  return std::string(text.substr(0, end));
}

bool IsSameSender(std::string_view a, std::string_view b) {
  return !a.empty() && Digits(a) == Digits(b);
}

type::v1::ReplyEvent EventOf(const record::v1::ReplyRow& row,
                             const std::optional<record::v1::IntentKey>& answered, std::string_view holder,
                             const std::vector<type::v1::ReplyReader>& readers, int64_t now_us) {
  type::v1::ReplyEvent event;
  event.set_time_us(now_us);
  event.set_reply(ReplyName(row.inbox_id()));
  event.set_kind(row.kind());
  event.set_channel(row.channel());
  if (answered) event.set_campaign(answered->campaign());
  event.set_person(answered ? answered->person() : std::string(holder));
  event.set_sender(row.sent_to());
  event.set_receive_time_us(row.received_time_ns() / 1000);
  event.set_for_review(row.for_review());
  for (const auto& reader : readers) {
    if (event.readers_size() < kMostReaders) *event.add_readers() = reader;
  }
  return event;
}

}  // namespace pharos::dispatch
