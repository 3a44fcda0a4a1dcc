#include "services/edge/console/operation_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "services/edge/console/page.h"

namespace pharos::edge::console {

namespace dv1 = dispatch::v1;
namespace av1 = access::v1;

std::string ReplyInWords(std::string_view kind) {
  if (kind == "STOP") return "Asked to stop";
  if (kind == "START") return "Wants messages again";
  if (kind == "WRONG_PERSON") return "Wrong person";
  if (kind == "HELP") return "Asks for help";
  if (kind == "UNSUBSCRIBE") return "Unsubscribed";
  if (kind == "UNSUBSCRIBE_ALL") return "Stopped everything";
  if (kind == "PAUSE") return "Asked for a pause";
  if (kind == "RESUME") return "Took a choice back";
  return "Something else";
}

std::string ReplyColour(std::string_view kind) {
  if (kind == "STOP" || kind == "UNSUBSCRIBE" || kind == "UNSUBSCRIBE_ALL") return "red";
  if (kind == "HELP" || kind == "PAUSE") return "yellow";
  if (kind == "START" || kind == "RESUME") return "green";
  return kind == "WRONG_PERSON" ? "orange" : "grey";
}

std::string HealthInWords(const dv1::Connector& connector) {
  if (connector.paused()) return "Paused";
  if (!connector.connected()) return "Not connected";
  if (!connector.link_up()) return "Provider away";
  return connector.problem().empty() ? "Working" : "Working, with a problem";
}

std::string HealthColour(const dv1::Connector& connector) {
  if (connector.paused()) return "yellow";
  if (!connector.connected() || !connector.link_up()) return "red";
  return connector.problem().empty() ? "green" : "orange";
}

std::string ProblemInWords(std::string_view problem) {
  static const auto* words = new std::map<std::string, std::string, std::less<>>{
      {"WRONG_PASSWORD", "The provider refused our name or password"},
      {"STARTING", "The link is being made"}};
  const auto at = words->find(problem);
  if (at != words->end()) return at->second;
  std::string plain(problem);
  for (size_t i = 0; i < plain.size(); ++i) {
    if (i > 0) plain[i] = static_cast<char>(std::tolower(static_cast<unsigned char>(plain[i])));
    if (plain[i] == '_') plain[i] = ' ';
  }
  return plain;
}

std::string QuestionInWords(std::string_view method) {
  const std::string_view name = method.substr(method.rfind('/') + 1);
  std::string words;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !words.empty()) words += ' ';
    words += upper && words.size() > 1 ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return words;
}

std::string ActInWords(av1::ActKind kind) {
  if (kind == av1::GO_LIVE) return "Go live: messages reach real people";
  if (kind == av1::GO_TRIAL) return "Back to trial: only the simulated network";
  return "Another policy";
}

std::string ActStateInWords(av1::ActState state) {
  if (state == av1::PROPOSED) return "Waiting for a second person";
  return state == av1::DONE ? "In force" : "Withdrawn";
}

std::string ActColour(av1::ActState state) {
  if (state == av1::PROPOSED) return "yellow";
  return state == av1::DONE ? "green" : "grey";
}

}  // namespace pharos::edge::console
