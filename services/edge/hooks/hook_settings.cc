#include "services/edge/hooks/hook_settings.h"

#include <fmt/format.h>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/errors.h"
#include "services/edge/settings.h"

namespace pharos::edge::hooks {
namespace {

std::string WordsOf(const absl::Status& status) {
  return std::string(status.message().data(), status.message().size());
}

// In the clear only to this machine, where it was allowed by name: for rehearsals.
bool MayBeClear(const Hook& hook) {
  const auto address = ReadAddress(hook.url.host);
  return address && IsLoopback(*address) && RefusalOf(*address, hook.allowed).empty();
}

absl::Status ReadUrl(const std::string& where, const config::Webhook& from, Hook& hook) {
  auto url = ReadReceiverUrl(from.url);
  if (!url.ok()) return errors::SettingWrong(fmt::format("{}.url: {}.", where, WordsOf(url.status())));
  hook.url = *std::move(url);
  if (!hook.url.tls && !MayBeClear(hook))
    return errors::SettingWrong(
        fmt::format("{}.url must begin with https://: only an address of this machine that stands in "
                    "allow_private too, such as 127.0.0.1, may be posted to in the clear.",
                    where));
  if (!hook.url.literal) return absl::OkStatus();
  const std::string_view why = RefusalOf(*ReadAddress(hook.url.host), hook.allowed);
  if (why.empty()) return absl::OkStatus();
  return errors::SettingWrong(
      fmt::format("{}.url leads to an address that is not of the public internet ({}). If a partner really "
                  "is there, name its network in allow_private.",
                  where, why));
}

absl::Status ReadAllowed(const std::string& where, const config::Webhook& from, Hook& hook) {
  if (from.allow_private.size() > kMostAllowed)
    return errors::SettingWrong(
        fmt::format("{}.allow_private names more than {} networks: name those of the receiver only.", where,
                    kMostAllowed));
  for (const std::string& text : from.allow_private) {
    const auto network = ReadNetwork(text);
    if (!network)
      return errors::SettingWrong(
          fmt::format("{}.allow_private: \"{}\" is no network such as \"10.20.0.0/16\" or \"127.0.0.1/32\".",
                      where, text));
    if (!MayBeAllowed(*network))
      return errors::SettingWrong(
          fmt::format("{}.allow_private: \"{}\" cannot be allowed: only networks within 10.0.0.0/8, "
                      "172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, 127.0.0.0/8, fc00::/7 and ::1/128 can.",
                      where, text));
    hook.allowed.push_back(*network);
  }
  return absl::OkStatus();
}

absl::Status ReadForm(const std::string& where, const config::Webhook& from, Hook& hook) {
  if (from.feed != "consent" && from.feed != "changes")
    return errors::SettingWrong(fmt::format("{}.feed must be \"consent\" or \"changes\".", where));
  if (from.payload != "thin" && from.payload != "full")
    return errors::SettingWrong(fmt::format(
        "{}.payload must be \"thin\" (ids only) or \"full\" (with the fields that the agreement shows).",
        where));
  const bool whole = from.agreement.rfind("agreements/", 0) == 0;
  hook.form.feed = from.feed == "consent" ? Feed::kConsent : Feed::kChanges;
  hook.form.payload = from.payload == "full" ? Payload::kFull : Payload::kThin;
  hook.form.agreement = whole ? from.agreement : "agreements/" + from.agreement;
  if (!base::IsChosenId(base::Segment(hook.form.agreement, "agreements")))
    return errors::SettingWrong(
        fmt::format("{}.agreement: \"{}\" names no agreement.", where, from.agreement));
  return absl::OkStatus();
}

absl::Status ReadKeys(const std::string& where, const config::Webhook& from, Hook& hook) {
  PHAROS_ASSIGN_OR_RETURN(hook.partner.token, ReadSecret(where + ".key_file", from.key_file));
  for (const std::string& file : from.secret_files) {
    PHAROS_ASSIGN_OR_RETURN(const std::string text, ReadSecret(where + ".secret_file", file));
    auto key = SigningKey::Read(text);
    if (!key.ok())
      return errors::SettingWrong(fmt::format("{}.secret_file: {}: {}.", where, file, WordsOf(key.status())));
    hook.keys.push_back(*std::move(key));
  }
  hook.ca_file = from.ca_file;
  return absl::OkStatus();
}

absl::StatusOr<Hook> ReadHook(const std::string& name, const config::Webhook& from) {
  const std::string where = "edge.webhooks." + name;
  Hook hook;
  hook.name = name;
  if (!base::IsChosenId(name))
    return errors::SettingWrong(fmt::format(
        "{}: a webhook's name has small letters, digits and hyphens: [edge.webhooks.leeds].", where));
  PHAROS_RETURN_IF_ERROR(ReadAllowed(where, from, hook));
  PHAROS_RETURN_IF_ERROR(ReadUrl(where, from, hook));
  PHAROS_RETURN_IF_ERROR(ReadForm(where, from, hook));
  PHAROS_RETURN_IF_ERROR(ReadKeys(where, from, hook));
  return hook;
}

}  // namespace

absl::StatusOr<std::vector<Hook>> ReadHooks(const config::Edge& edge) {
  if (edge.webhooks.size() > kMostHooks)
    return errors::SettingWrong(fmt::format(
        "edge.webhooks: one pharos-edge posts at most {}; give the others to another one.", kMostHooks));
  std::vector<Hook> hooks;
  for (const auto& [name, from] : edge.webhooks) {
    PHAROS_ASSIGN_OR_RETURN(hooks.emplace_back(), ReadHook(name, from));
  }
  return hooks;
}

}  // namespace pharos::edge::hooks
