// pharos consent, pharos endpoint: what people agree to and take back, and the names of their numbers.
#include <chrono>
#include <fstream>
#include <iostream>

#include "fmt/format.h"
#include "ops/cli/find_person.h"
#include "ops/cli/words.h"
#include "pharos/customer/v1/consent_service.pb.h"
#include "pharos/customer/v1/endpoint_service.pb.h"
#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::cli {
namespace {

using namespace customer::v1;

std::string EntryLine(const ConsentEntry& entry) {
  std::string what = EnumWord(type::v1::EntryKind_descriptor(), "", entry.kind());
  std::string covers = entry.scope() == type::v1::SCOPE_EVERYTHING ? "everything"
                       : entry.scope() == type::v1::SCOPE_PAUSE    ? "a pause of all but urgent messages"
                       : entry.scope() == type::v1::SCOPE_ENDPOINT ? entry.endpoint()
                                                                   : entry.purpose();
  if (entry.kind() == type::v1::LIFTED) what += " " + entry.lifts() + " of";
  std::string channel = entry.channel() == type::v1::CHANNEL_UNSPECIFIED
                            ? "every channel"
                            : EnumWord(type::v1::Channel_descriptor(), "CHANNEL_", entry.channel());
  return fmt::format("{}  {} {} ({}), {} by {} on {}, {}", Time(entry.event_time_us()), what, covers, channel,
                     entry.how(), entry.principal(), entry.record(), entry.name());
}

void ShowEntry(Output& out, const ConsentEntry& entry) {
  if (out.json()) return out.Json(entry);
  out.Data(EntryLine(entry));
}

absl::Status Withdraw(Context& c) {
  if (c.args.Has("purpose") + c.args.Has("endpoint") + c.args.Has("everything") != 1) {
    return UsageError("Say what it covers: --purpose PURPOSE, --endpoint ENDPOINT or --everything.");
  }
  WithdrawConsentRequest request;
  PHAROS_ASSIGN_OR_RETURN(*request.mutable_person(), FindOnePerson(c));
  request.set_scope(c.args.Has("everything") ? type::v1::SCOPE_EVERYTHING
                    : c.args.Has("purpose")  ? type::v1::SCOPE_PURPOSE
                                             : type::v1::SCOPE_ENDPOINT);
  request.set_purpose(Name("purposes", c.args.Get("purpose")));
  request.set_endpoint(Name("endpoints", c.args.Get("endpoint")));
  request.set_objection(c.args.Has("objection"));
  request.set_how(c.args.Get("how"));
  ConsentEntry entry;
  auto begin = std::chrono::steady_clock::now();
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &entry));
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (c.args.Has("show-time"))
    c.out.Warn(fmt::format("answered at {} ns", base::Clock::System().WallNanos()));
  ShowEntry(c.out, entry);
  c.out.Say(fmt::format("Acknowledged after {:.2f} s: nothing that this covers can be sent any more.",
                        took.count()));
  return absl::OkStatus();
}

absl::Status Grant(Context& c) {
  GrantConsentRequest request;
  PHAROS_ASSIGN_OR_RETURN(*request.mutable_person(), FindOnePerson(c));
  PHAROS_ASSIGN_OR_RETURN(int channel,
                          Enum(type::v1::Channel_descriptor(), "CHANNEL_", c.args.Get("channel")));
  request.set_channel(static_cast<type::v1::Channel>(channel));
  request.set_purpose(Name("purposes", c.args.Get("purpose")));
  request.set_how(c.args.Get("how"));
  request.set_wording(c.args.Get("wording"));
  ConsentEntry entry;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &entry));
  ShowEntry(c.out, entry);
  return absl::OkStatus();
}

absl::Status ListEntries(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(auto people, FindPeople(c, PERSON_VIEW_BASIC, c.args.Operand(0)));
  for (const Person& person : people) {
    ListConsentEntriesRequest request;
    request.set_person(person.name());
    ListConsentEntriesResponse entries;
    PHAROS_RETURN_IF_ERROR(c.client.Call(request, &entries));
    if (!c.out.json()) c.out.Data(c.out.Bold(person.name()));
    for (const ConsentEntry& entry : entries.entries()) ShowEntry(c.out, entry);
  }
  return absl::OkStatus();
}

absl::Status Lift(Context& c) {
  ResolveOptOutRequest request;
  request.set_entry(Name("consentEntries", c.args.Operand(0)));
  PHAROS_ASSIGN_OR_RETURN(*request.mutable_person(), FindOnePerson(c));
  request.set_how(c.args.Get("how"));
  ConsentEntry entry;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &entry));
  ShowEntry(c.out, entry);
  c.out.Say("Lifted from this person; it stays in force for the other side, and in the ledger.");
  return absl::OkStatus();
}

std::vector<Option> With(std::vector<Option> more) {
  std::vector<Option> options = WhoOptions();
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

constexpr int kAddressesACall = 5000;

absl::Status ResolveBatch(Context& c, ResolveEndpointsRequest& request) {
  ResolveEndpointsResponse names;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &names));
  request.clear_addresses();
  if (c.out.json()) {
    c.out.Json(names);
    return absl::OkStatus();
  }
  for (const std::string& name : names.endpoints()) c.out.Data(name.empty() ? "-" : name);
  return absl::OkStatus();
}

absl::Status Resolve(Context& c) {
  ResolveEndpointsRequest request;
  PHAROS_ASSIGN_OR_RETURN(int channel,
                          Enum(type::v1::Channel_descriptor(), "CHANNEL_", c.args.Get("channel", "sms")));
  request.set_channel(static_cast<type::v1::Channel>(channel));
  std::ifstream file(c.args.Get("file"));
  bool standard_input = c.args.Get("file") == "-";
  if (!standard_input && !file)
    return UsageError(fmt::format("The file {} cannot be read.", c.args.Get("file")));
  std::istream& lines = standard_input ? std::cin : file;
  for (std::string line; std::getline(lines, line);) {
    request.add_addresses(std::string(base::TrimAscii(line)));
    if (request.addresses_size() == kAddressesACall) PHAROS_RETURN_IF_ERROR(ResolveBatch(c, request));
  }
  return request.addresses().empty() ? absl::OkStatus() : ResolveBatch(c, request);
}

}  // namespace

std::vector<Command> ConsentCommands() {
  return {
      {"consent",
       "withdraw",
       "",
       "Record that a person told us to stop. Answers when nothing it covers can be sent any more.",
       {"consent withdraw --phone \"07700 900123\" --purpose stop-smoking --how \"phone call\"",
        "consent withdraw --person 01jd3v7m8q0000000000000000 --everything --how letter"},
       With({{"purpose", "PURPOSE", "this purpose, on every endpoint of the person"},
             {"endpoint", "ENDPOINT", "this number or address, every purpose but urgent ones"},
             {"everything", "", "every purpose and endpoint"},
             {"objection", "", "an objection (Article 21) instead of a withdrawal"},
             {"show-time", "", "say on standard error when the answer was read, in nanoseconds since 1970"},
             {"how", "TEXT", "how the person told us", true}}),
       Withdraw},
      {"consent",
       "grant",
       "",
       "Record that a person told us directly that they agree.",
       {"consent grant --phone \"07700 900123\" --purpose stop-smoking --channel sms --how \"phone call\" "
        "--wording v3"},
       With({{"purpose", "PURPOSE", "to what", true},
             {"channel", "CHANNEL", "sms or email", true},
             {"how", "TEXT", "how the person told us", true},
             {"wording", "TEXT", "the wording shown, or its version", true}}),
       Grant},
      {"consent",
       "resolve",
       "ENTRY",
       "After an unlink: an opt-out of both sides was not this person's. Lifts it from them alone.",
       {"consent resolve 01jd3v7m8q0000000000000000 --person 01jd3v7m8q0000000000000001 --how \"asked "
        "both\""},
       With({{"how", "TEXT", "how that was found out", true}}),
       Lift},
      {"consent",
       "list",
       "[PERSON]",
       "The ledger entries that concern a person, oldest first.",
       {"consent list --phone \"07700 900123\""},
       WhoOptions(),
       ListEntries}};
}

std::vector<Command> EndpointCommands() {
  return {{"endpoint",
           "resolve",
           "",
           "Names of numbers or addresses, one a line, in order (\"-\" where one cannot be read).",
           {"endpoint resolve --file numbers.txt", "endpoint resolve --file - --channel email --json"},
           {{"file", "FILE", "one number or address a line; - is standard input", true},
            {"channel", "CHANNEL", "sms or email; else sms"}},
           Resolve}};
}

}  // namespace pharos::cli
