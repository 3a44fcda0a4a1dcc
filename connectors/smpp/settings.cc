#include "connectors/smpp/settings.h"

#include <fmt/format.h>

#include <cstdlib>

#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::smpp {

const char kHelp[] =
    "pharos-smpp: takes messages from dispatch and hands them over to a provider by SMPP 3.4.\n\n"
    "  --name=smpp-main            name of the connector in pharos.toml\n"
    "  --host=127.0.0.1 --port=2775  the provider\n"
    "  --tls                       TLS 1.2 or newer from the first octet\n"
    "  --ca-file=FILE              trust only these certificates (PEM); else the system's\n"
    "  --tls-name=TEXT             name in the provider's certificate, if it is not --host\n"
    "  --certificate-file=FILE --key-file=FILE  our own certificate, if the provider asks for one\n"
    "  --plaintext-allowed         no TLS beyond this machine: only where a VPN protects the way\n"
    "  --system-id=TEXT            our account there\n"
    "  --password-file=FILE        its password, on the first line (or PHAROS_SMPP_PASSWORD)\n"
    "  --system-type=TEXT          if the provider asks for one\n"
    "  --address-range=TEXT        if the provider asks for one\n"
    "  --bind=transceiver          or pair: a transmitter and a receiver\n"
    "  --binds=1                   connections (or pairs) of the account, 1-16\n"
    "  --window=64                 submissions without an answer on each connection, 1-1000\n"
    "  --per-second=N              parts a second of the account; 0 = as fast as the provider takes them\n"
    "  --bind-per-second=N         parts a second of each connection\n"
    "  --transient-status=0x401,…  statuses by which this provider means \"later\"\n"
    "  --sandbox                   the provider is a sandbox; in trial mode any other is refused\n"
    "  --source-ton=N --source-npi=N  of our senders; else letters 5/0, up to 8 digits as below, longer 1/1\n"
    "  --short-code-ton=3 --short-code-npi=0  of short codes\n"
    "  --dest-ton=1 --dest-npi=1   of people's numbers\n"
    "  --long=udh                  long texts: udh, sar (TLVs) or payload (one message_payload)\n"
    "  --wide-reference            number parts with 16 bits\n"
    "  --national-shift=LIST       shift tables the provider passes on: turkish,spanish,portuguese\n"
    "  --dcs0=gsm                  what data_coding 0 means to the provider: gsm or latin1\n"
    "  --priority=0                priority_flag, 0-3\n"
    "  --intermediate-receipts     ask for those too\n"
    "  --receipt-id=auto           how ids in receipts relate to those in answers: as-is, hex-to-dec, "
    "dec-to-hex,\n"
    "                              or auto: found out from the first receipts after each start\n"
    "  --inbound-id-tlv=N          TLV in which this provider names a person's message; 0 = none\n"
    "  --response-timeout-s=30     a submission without an answer for so long is in doubt\n"
    "  --enquire-s=30              silence after which enquire_link is sent; two unanswered end the "
    "connection\n";

namespace {

constexpr int kSandboxReplyIdTlv = 0x1401;  // the sandbox names replies in it
constexpr int kMostWindow = 1000;
constexpr int kIntermediateReceipts = 0x10;  // bit of registered_delivery

absl::Status Wrong(const std::string& what) {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "FLAG_WRONG", what);
}

absl::StatusOr<std::string> Password(const sdk::Flags& flags) {
  if (flags.Has("password-file")) return sdk::FirstLineOf(flags.Text("password-file", ""));
  const char* password = std::getenv("PHAROS_SMPP_PASSWORD");
  return std::string(password ? password : "");
}

std::vector<std::string> List(const std::string& text) {
  std::vector<std::string> items;
  for (size_t at = 0; at < text.size();) {
    size_t comma = std::min(text.find(',', at), text.size());
    std::string item(base::TrimAscii(std::string_view(text).substr(at, comma - at)));
    if (!item.empty()) items.push_back(base::LowerAscii(item));
    at = comma + 1;
  }
  return items;
}

absl::StatusOr<StatusRules> Statuses(const sdk::Flags& flags) {
  StatusRules rules;
  for (const auto& item : List(flags.Text("transient-status", ""))) {
    char* end = nullptr;
    unsigned long value = std::strtoul(item.c_str(), &end, 0);
    if (*end != '\0' || value == 0 || value > 0xFFFF)
      return Wrong(fmt::format("--transient-status: '{}' is no status, e.g. 0x401", item));
    rules.transient.insert(static_cast<uint32_t>(value));
  }
  return rules;
}

absl::Status ReadText(const sdk::Flags& flags, SubmitSettings& submit) {
  for (const auto& item : List(flags.Text("national-shift", ""))) {
    auto language = content::ShiftLanguageNamed(item);
    if (language == content::ShiftLanguage::kNone)
      return Wrong(fmt::format("--national-shift: '{}' is none of turkish, spanish, portuguese", item));
    submit.text.national.push_back(language);
  }
  submit.text.wide_reference = flags.On("wide-reference");
  const std::string form = flags.Text("long", "udh"), zero = flags.Text("dcs0", "gsm");
  if (form != "udh" && form != "sar" && form != "payload") return Wrong("--long must be udh, sar or payload");
  submit.long_form = form == "udh" ? LongForm::kUdh : form == "sar" ? LongForm::kSar : LongForm::kPayload;
  if (zero != "gsm" && zero != "latin1") return Wrong("--dcs0 must be gsm or latin1");
  submit.latin1 = zero == "latin1";
  return absl::OkStatus();
}

absl::Status ReadAddresses(const sdk::Flags& flags, SubmitSettings& submit) {
  struct Kind {
    const char* flag;
    int* value;
    int least, most;
  };
  const Kind kinds[] = {{"source-ton", &submit.source_ton, -1, 6},
                        {"source-npi", &submit.source_npi, -1, 18},
                        {"short-code-ton", &submit.short_code_ton, 0, 6},
                        {"short-code-npi", &submit.short_code_npi, 0, 18},
                        {"dest-ton", &submit.dest_ton, 0, 6},
                        {"dest-npi", &submit.dest_npi, 0, 18},
                        {"priority", &submit.priority, 0, 3}};
  for (const auto& kind : kinds) {
    PHAROS_ASSIGN_OR_RETURN(int64_t value, flags.Number(kind.flag, *kind.value, kind.least, kind.most));
    *kind.value = static_cast<int>(value);
  }
  submit.receipts = 1 | (flags.On("intermediate-receipts") ? kIntermediateReceipts : 0);
  return absl::OkStatus();
}

absl::Status ReadProvider(const sdk::Flags& flags, SessionOptions& session) {
  session.host = flags.Text("host", "127.0.0.1");
  session.system_id = flags.Text("system-id", "pharos");
  session.system_type = flags.Text("system-type", "");
  session.address_range = flags.Text("address-range", "");
  PHAROS_ASSIGN_OR_RETURN(session.password, Password(flags));
  PHAROS_ASSIGN_OR_RETURN(int64_t port, flags.Number("port", 2775, 1, 65535));
  session.port = static_cast<int>(port);
  session.plaintext_allowed = flags.On("plaintext-allowed");
  session.tls_name = flags.Text("tls-name", "");
  if (!flags.On("tls")) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(session.tls,
                          TlsTrust::Make({flags.Text("ca-file", ""), flags.Text("certificate-file", ""),
                                          flags.Text("key-file", "")}));
  return absl::OkStatus();
}

absl::Status ReadBinds(const sdk::Flags& flags, SessionOptions& session) {
  const std::string mode = flags.Text("bind", "transceiver");
  if (mode != "transceiver" && mode != "pair") return Wrong("--bind must be transceiver or pair");
  session.mode = mode == "pair" ? BindMode::kPair : BindMode::kTransceiver;
  PHAROS_ASSIGN_OR_RETURN(int64_t binds, flags.Number("binds", 1, 1, 16));
  PHAROS_ASSIGN_OR_RETURN(int64_t window, flags.Number("window", 64, 1, kMostWindow));
  PHAROS_ASSIGN_OR_RETURN(int64_t rate, flags.Number("per-second", 0, 0, 1'000'000));
  PHAROS_ASSIGN_OR_RETURN(int64_t each, flags.Number("bind-per-second", 0, 0, 1'000'000));
  PHAROS_ASSIGN_OR_RETURN(int64_t timeout, flags.Number("response-timeout-s", 30, 1, 3600));
  PHAROS_ASSIGN_OR_RETURN(int64_t enquire, flags.Number("enquire-s", 30, 1, 3600));
  session.binds = static_cast<int>(binds);
  session.window = static_cast<int>(window);
  session.per_second = static_cast<double>(rate);
  session.bind_per_second = static_cast<double>(each);
  session.response_timeout_us = timeout * 1'000'000;
  session.enquire_after_us = enquire * 1'000'000;
  return absl::OkStatus();
}

}  // namespace

const std::vector<std::string>& KnownFlags() {
  static const std::vector<std::string> known = {"host",
                                                 "port",
                                                 "tls",
                                                 "ca-file",
                                                 "tls-name",
                                                 "certificate-file",
                                                 "key-file",
                                                 "plaintext-allowed",
                                                 "system-id",
                                                 "password-file",
                                                 "system-type",
                                                 "address-range",
                                                 "bind",
                                                 "binds",
                                                 "window",
                                                 "per-second",
                                                 "bind-per-second",
                                                 "transient-status",
                                                 "sandbox",
                                                 "source-ton",
                                                 "source-npi",
                                                 "short-code-ton",
                                                 "short-code-npi",
                                                 "dest-ton",
                                                 "dest-npi",
                                                 "long",
                                                 "wide-reference",
                                                 "national-shift",
                                                 "dcs0",
                                                 "priority",
                                                 "intermediate-receipts",
                                                 "receipt-id",
                                                 "inbound-id-tlv",
                                                 "response-timeout-s",
                                                 "enquire-s"};
  return known;
}

absl::StatusOr<Settings> Configure(const sdk::Flags& flags) {
  Settings s;
  s.dispatch = flags.Text("dispatch", "127.0.0.1:7400");
  PHAROS_RETURN_IF_ERROR(sdk::HostPort(s.dispatch).status());
  s.work.connector = flags.Text("name", "smpp-main");
  s.work.sandbox = flags.On("sandbox");
  if (!flags.Has("token-file"))
    return Wrong("--token-file is missing: name the file that holds this connector's token");
  PHAROS_ASSIGN_OR_RETURN(s.work.token, sdk::FirstLineOf(flags.Text("token-file", "")));
  PHAROS_RETURN_IF_ERROR(ReadProvider(flags, s.session));
  PHAROS_RETURN_IF_ERROR(ReadBinds(flags, s.session));
  PHAROS_RETURN_IF_ERROR(ReadText(flags, s.session.submit));
  PHAROS_RETURN_IF_ERROR(ReadAddresses(flags, s.session.submit));
  PHAROS_ASSIGN_OR_RETURN(s.session.statuses, Statuses(flags));
  auto rule = ReceiptIdRuleNamed(flags.Text("receipt-id", "auto"));
  if (!rule) return Wrong("--receipt-id must be auto, as-is, hex-to-dec or dec-to-hex");
  s.session.receipt_ids = *rule;
  PHAROS_ASSIGN_OR_RETURN(int64_t tlv,
                          flags.Number("inbound-id-tlv", s.work.sandbox ? kSandboxReplyIdTlv : 0, 0, 0xFFFF));
  s.session.inbound_id_tlv = static_cast<int>(tlv);
  s.session.live = std::nullopt;  // dispatch says it
  s.work.limits.window = s.session.window * s.session.binds;
  return s;
}

}  // namespace pharos::smpp
