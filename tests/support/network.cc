#include "tests/support/network.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/system.h"

namespace pharos::tests {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kConfirmation =
    "You have been opted out";  // services/dispatch/desk.h, kConfirmationText
constexpr std::string_view kSubmissions[] = {"\"event\":\"submit\"", "\"event\":\"mail\""};

using OpenParts = std::map<std::pair<std::string, int>, size_t>;  // (number, reference) → its submission

void AddSubmission(const Json& event, Network& network, OpenParts& open) {
  if (event["status"] != 0) {
    ++network.refused;
    return;
  }
  const std::string number = event["dest"], text = event["text"];
  const std::pair<std::string, int> key{number, event["ref"]};
  const bool later_part = event["parts"] > 1 && event["part"] > 1 && open.contains(key);
  if (later_part) {
    Submission& known = network.accepted[open[key]];
    known.t_ns = std::max<int64_t>(known.t_ns, event["t_ns"]);
    known.text += text;
    return;
  }
  if (event["parts"] > 1) open[key] = network.accepted.size();
  network.accepted.push_back({number, event["id"], text, event["t_ns"], text.starts_with(kConfirmation)});
}

// The Message-ID up to its '@'.
std::string MailId(const Json& event) {
  const std::string id = event["message_id"];
  const size_t begin = id.starts_with('<') ? 1 : 0;
  return id.substr(begin, id.find('@') - begin);
}

void AddMail(const Json& event, Network& network) {
  if (event["status"] != 250) {
    ++network.refused;
    return;
  }
  Submission mail{event["dest"], MailId(event), event["subject"], event["t_ns"]};
  mail.mail = true;
  network.accepted.push_back(std::move(mail));
}

}  // namespace

Network ReadNetwork(const std::string& journal) {
  Network network;
  OpenParts open;
  std::ifstream in(journal);
  for (std::string line; std::getline(in, line);) {
    const Json event = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (event.is_discarded()) break;  // still being written
    const std::string kind = event["event"];
    if (kind == "submit") AddSubmission(event, network, open);
    if (kind == "mail") AddMail(event, network);
    if (kind == "dsn")
      network.receipts[MailId(event)].push_back(event["action"] == "failed" ? "UNDELIV" : "ENROUTE");
    if (kind == "unsubscribe") network.unsubscribed.emplace(MailId(event), event["t_ns"]);
    if (kind == "receipt") network.receipts[event["id"]].push_back(event["state"]);
    if (kind == "reply" && event["text"] == "STOP")
      network.stop_replies.emplace(event["source"], event["t_ns"]);
  }
  return network;
}

int CountSubmissions(const std::string& journal) {
  const std::string text = ReadFile(journal);
  int count = 0;
  for (const std::string_view event : kSubmissions)
    for (size_t at = 0; (at = text.find(event, at)) != std::string::npos; at += event.size()) ++count;
  return count;
}

int Network::Duplicates() const {
  std::map<std::string, int> standing;
  for (const Submission& submission : accepted) {
    const auto states = receipts.find(submission.id);
    const bool failed = states != receipts.end() &&
                        std::any_of(states->second.begin(), states->second.end(), [](const std::string& s) {
                          return s != "DELIVRD" && s != "ACCEPTD" && s != "ENROUTE";
                        });
    if (!failed && !submission.confirmation) ++standing[submission.number];
  }
  int duplicates = 0;
  for (const auto& [number, count] : standing) duplicates += count - 1;
  return duplicates;
}

int Network::MessagesTo(const std::string& number) const {
  return static_cast<int>(std::count_if(accepted.begin(), accepted.end(), [&](const Submission& submission) {
    return submission.number == number && !submission.confirmation;
  }));
}

}  // namespace pharos::tests
