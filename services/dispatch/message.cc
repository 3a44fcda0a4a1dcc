#include "services/dispatch/message.h"

#include <algorithm>

#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/dispatch/intent.h"

namespace pharos::dispatch {
namespace {

constexpr size_t kGroups[] = {8, 4, 4, 4, 12};  // hex digits of a UUID between its hyphens
constexpr size_t kUuidCharacters = 36;
constexpr char kMark = '~';

// base::NewId's 26 characters of Crockford base 32 as 16 bytes.
std::string BytesOfNewId(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string bytes(kMessageIdBytes, '\0');
  int bit = 0;  // from the end
  for (auto at = text.rbegin(); at != text.rend(); ++at) {
    const size_t digit = kDigits.find(*at);
    for (int i = 0; i < 5 && bit < 128; ++i, ++bit) {
      if ((digit >> i) & 1) bytes[15 - bit / 8] = static_cast<char>(bytes[15 - bit / 8] | (1 << (bit % 8)));
    }
  }
  return bytes;
}

}  // namespace

std::string UuidOf(std::string_view id) {
  const std::string hex = base::ToHex(id);
  std::string text;
  size_t at = 0;
  for (const size_t length : kGroups) {
    if (!text.empty()) text += '-';
    text += hex.substr(at, length);
    at += length;
  }
  return text;
}

std::string BytesOfUuid(std::string_view text) {
  if (text.size() != kUuidCharacters) return "";
  std::string hex;
  size_t at = 0;
  for (const size_t length : kGroups) {
    if (at > 0 && text[at++] != '-') return "";
    hex += text.substr(at, length);
    at += length;
  }
  return base::FromHex(base::LowerAscii(hex));
}

std::string NewMessageId(int64_t wall_us) {
  std::string id = BytesOfNewId(base::NewId(wall_us));
  id[6] = static_cast<char>((id[6] & 0x0F) | 0x70);
  id[8] = static_cast<char>((id[8] & 0x3F) | 0x80);
  return id;
}

int64_t TimeOfMessage(std::string_view id) {
  int64_t milliseconds = 0;
  for (size_t i = 0; i < 6 && i < id.size(); ++i)
    milliseconds = (milliseconds << 8) | static_cast<uint8_t>(id[i]);
  return milliseconds * 1'000;
}

std::string MessageName(std::string_view id) {
  return "messages/" + UuidOf(id);
}

std::string MessageIdOf(std::string_view name) {
  return BytesOfUuid(base::Segment(name, "messages"));
}

std::string Complement(std::string_view id) {
  std::string turned(id);
  for (char& byte : turned) byte = static_cast<char>(~byte);
  return turned;
}

std::string MessageStep(std::string_view declared_step, std::string_view id) {
  return std::string(declared_step) + kMark + UuidOf(id);
}

bool IsMessageStep(std::string_view step) {
  return step.find(kMark) != std::string_view::npos;
}

std::string DeclaredStep(std::string_view step) {
  return std::string(step.substr(0, step.find(kMark)));
}

std::string MessageIdOfStep(std::string_view step) {
  const size_t mark = step.find(kMark);
  return mark == std::string_view::npos ? "" : BytesOfUuid(step.substr(mark + 1));
}

Brought TakeValues(const google::protobuf::Map<std::string, std::string>& personalisation,
                   const std::vector<std::string>& needed) {
  std::map<std::string, std::string> all;
  for (const auto& [name, value] : personalisation) all[content::BroughtName(name)] = value;
  Brought brought;
  for (const std::string& name : needed) {
    const auto at = all.find(name);
    if (at == all.end()) {
      brought.missing.push_back(name);
    } else {
      brought.values.insert(*at);
    }
  }
  return brought;
}

void ShowIntent(const record::v1::IntentRow& intent, v1::Message& message) {
  message.set_state(static_cast<v1::IntentState>(intent.state()));
  message.set_reason(intent.reason());
  for (const auto& event : intent.events()) {
    const auto state = static_cast<State>(event.state());
    const bool accepted = state == State::kSent || state == State::kDelivered;
    if (accepted && message.sent_time_us() == 0) message.set_sent_time_us(event.time_us());
  }
  const State now = StateOf(intent);
  if (now != State::kPending && now != State::kInFlight && intent.events_size() > 0)
    message.set_end_time_us(intent.events(intent.events_size() - 1).time_us());
}

}  // namespace pharos::dispatch
