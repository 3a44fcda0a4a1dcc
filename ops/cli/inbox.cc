#include "ops/cli/inbox.h"

#include <deque>
#include <optional>

#include "connectors/sandbox/mime.h"
#include "fmt/format.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "services/base/text.h"

namespace pharos::cli {
namespace {

using google::protobuf::Struct;

std::string Field(const Struct& object, const char* name) {
  auto it = object.fields().find(name);
  return it == object.fields().end() ? "" : it->second.string_value();
}

// "t_ns" has more digits than a double keeps.
int64_t TimeOf(std::string_view line) {
  constexpr std::string_view kName = "\"t_ns\":";
  size_t at = line.find(kName);
  return at == std::string_view::npos
             ? 0
             : std::strtoll(std::string(line.substr(at + kName.size(), 20)).c_str(), nullptr, 10);
}

std::optional<InboxMessage> Parse(const std::string& line) {
  Struct object;
  if (!google::protobuf::util::JsonStringToMessage(line, &object).ok()) return std::nullopt;
  InboxMessage message;
  message.t_ns = TimeOf(line);
  message.channel = Field(object, "channel");
  message.to = Field(object, "to");
  message.from = Field(object, "from");
  message.subject = Field(object, "subject");
  message.text = Field(object, "text");
  message.raw = sandbox::FromBase64(Field(object, "raw"));
  return message;
}

// A number as its last digits, however it is written; an address in lower case.
std::string Folded(std::string_view to) {
  if (to.find('@') != std::string_view::npos) return base::LowerAscii(base::TrimAscii(to));
  std::string digits;
  for (char c : to)
    if (c >= '0' && c <= '9') digits.push_back(c);
  if (digits.substr(0, 2) == "44") return digits.substr(2);
  return digits.substr(0, 1) == "0" ? digits.substr(1) : digits;
}

}  // namespace

std::vector<InboxMessage> ReadInbox(std::istream& file, const InboxChoice& choice) {
  std::deque<InboxMessage> last;
  const std::string to = Folded(choice.to);
  for (std::string line; std::getline(file, line);) {
    auto message = Parse(line);
    if (!message || (!choice.to.empty() && Folded(message->to) != to)) continue;
    last.push_back(std::move(*message));
    if (last.size() > choice.last) last.pop_front();
  }
  return {std::make_move_iterator(last.begin()), std::make_move_iterator(last.end())};
}

std::string TextOf(const InboxMessage& message, bool html) {
  if (message.raw.empty()) return message.text;
  return sandbox::PartOf(message.raw, html ? "text/html" : "text/plain").value_or("");
}

std::string JsonOf(const InboxMessage& message, bool html) {
  Struct object;
  auto& fields = *object.mutable_fields();
  fields["t_ns"].set_string_value(std::to_string(message.t_ns));
  fields["channel"].set_string_value(message.channel);
  fields["to"].set_string_value(message.to);
  fields["from"].set_string_value(message.from);
  fields["subject"].set_string_value(message.subject);
  fields["text"].set_string_value(TextOf(message, false));
  if (html && !message.raw.empty()) fields["html"].set_string_value(TextOf(message, true));
  std::string text;
  return google::protobuf::util::MessageToJsonString(object, &text).ok() ? text : "{}";
}

}  // namespace pharos::cli
