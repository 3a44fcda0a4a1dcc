// pharos agreement: data-sharing agreements with partners.
#include "fmt/format.h"
#include "ops/cli/command.h"
#include "ops/cli/words.h"
#include "pharos/customer/v1/agreement_service.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace customer::v1;
using Words = google::protobuf::RepeatedPtrField<std::string>;

constexpr int kPage = 1000;

std::string Shorts(const Words& names) {
  std::vector<std::string> shorts;
  for (const auto& name : names) shorts.push_back(Short(name));
  return shorts.empty() ? "nothing" : fmt::format("{}", fmt::join(shorts, ", "));
}

void Show(Output& out, const Agreement& agreement) {
  if (out.json()) return out.Json(agreement);
  const std::string end = agreement.end_time_us() > 0 ? "ended " + Time(agreement.end_time_us())
                                                      : "until " + Time(agreement.expire_time_us());
  out.Data(fmt::format("{}  {}, {}", agreement.name(), agreement.display_name(), end));
  out.Data(fmt::format("  for {}: sources {}; purposes {}", Shorts(agreement.principals()),
                       Shorts(agreement.sources()), Shorts(agreement.purposes())));
  out.Data(fmt::format("  may bring {}; may read {}", Shorts(agreement.write_fields()),
                       Shorts(agreement.read_fields())));
}

void AddNames(const Args& args, std::string_view option, std::string_view collection, Words& names) {
  for (const auto& value : args.All(option)) {
    for (const auto& word : CommaWords(value)) *names.Add() = Name(collection, word);
  }
}
void AddWords(const Args& args, std::string_view option, Words& words) {
  for (const auto& value : args.All(option)) {
    for (const auto& word : CommaWords(value)) *words.Add() = word;
  }
}

absl::Status Create(Context& c) {
  CreateAgreementRequest request;
  request.set_agreement_id(c.args.Operand(0));
  Agreement& agreement = *request.mutable_agreement();
  agreement.set_display_name(c.args.Get("display-name", c.args.Operand(0)));
  agreement.set_reference(c.args.Get("reference"));
  AddNames(c.args, "principal", "principals", *agreement.mutable_principals());
  AddNames(c.args, "source", "sources", *agreement.mutable_sources());
  AddNames(c.args, "may-speak-of", "purposes", *agreement.mutable_purposes());
  AddWords(c.args, "may-bring", *agreement.mutable_write_fields());
  AddWords(c.args, "may-read", *agreement.mutable_read_fields());
  PHAROS_ASSIGN_OR_RETURN(const int64_t until, ParseTime(c.args.Get("until")));
  agreement.set_expire_time_us(until);
  Agreement made;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &made));
  Show(c.out, made);
  return absl::OkStatus();
}

absl::Status Get(Context& c) {
  GetAgreementRequest request;
  request.set_name(Name("agreements", c.args.Operand(0)));
  Agreement agreement;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &agreement));
  Show(c.out, agreement);
  return absl::OkStatus();
}

absl::Status List(Context& c) {
  ListAgreementsRequest request;
  request.set_page_size(kPage);
  ListAgreementsResponse page;
  return c.client.EachPage(request, &page, [&] {
    for (const Agreement& agreement : page.agreements()) Show(c.out, agreement);
    return absl::OkStatus();
  });
}

absl::Status End(Context& c) {
  EndAgreementRequest request;
  request.set_name(Name("agreements", c.args.Operand(0)));
  Agreement ended;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &ended));
  Show(c.out, ended);
  c.out.Say("Ended: nothing is read or written under it any more, and streams that ran under it are closed.");
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> AgreementCommands() {
  return {{"agreement",
           "create",
           "ID",
           "Register what a partner may bring and learn.",
           {"agreement create leeds-2026 --principal leeds-crm --source leeds --may-speak-of stop-smoking "
            "--may-bring "
            "given_name,family_name,phone --may-read given_name --until 2027-03-31",
            "agreement create clinic --principal clinic --source clinic --may-bring email --until 2026-12-31 "
            "--reference "
            "\"DSA 0042\""},
           {{"principal", "PRINCIPAL", "the partner's system; may be repeated", true, true},
            {"source", "SOURCE", "whose records it keeps; may be repeated", true, true},
            {"until", "TIME", "when it ends", true},
            {"may-speak-of", "PURPOSE,…", "purposes whose consent it brings and learns", false, true},
            {"may-bring", "FIELD,…", "fields that it may send", false, true},
            {"may-read", "FIELD,…", "fields that it gets, of people whom it has a record of", false, true},
            {"display-name", "TEXT", "name for people"},
            {"reference", "TEXT", "where the signed paper is"}},
           Create},
          {"agreement", "list", "", "All agreements; a partner sees its own.", {"agreement list"}, {}, List},
          {"agreement", "get", "ID", "One agreement.", {"agreement get leeds-2026"}, {}, Get},
          {"agreement",
           "end",
           "ID",
           "End it at once; streams that run under it are closed.",
           {"agreement end leeds-2026"},
           {},
           End}};
}

}  // namespace pharos::cli
