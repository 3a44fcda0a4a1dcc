#include "services/edge/notify_api_settings.h"

#include <fmt/format.h>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/errors.h"
#include "services/edge/settings.h"

namespace pharos::edge {
namespace {

// Notify's clients cut a key "{name}-{service id}-{secret}" by its length.
constexpr size_t kSecretCharacters = 36;

absl::StatusOr<NotifyKey> ReadKey(const std::string& service, const config::NotifyKey& from) {
  const std::string where = fmt::format("edge.notify_keys.\"{}\"", service);
  if (!IsUuid(service))
    return errors::SettingWrong(fmt::format(
        "{}: a service's id is a UUID, as clients take it out of their key by its length.", where));
  NotifyKey key;
  for (const std::string& file : from.secrets) {
    PHAROS_ASSIGN_OR_RETURN(key.secrets.emplace_back(), ReadSecret(where + ".secret", file));
    if (key.secrets.back().size() != kSecretCharacters)
      return errors::SettingWrong(
          fmt::format("{}: the secret in {} must have {} characters, as GOV.UK Notify's: take a random UUID.",
                      where, file, kSecretCharacters));
  }
  PHAROS_ASSIGN_OR_RETURN(key.token, ReadSecret(where + ".token", from.token));
  for (const std::string& name : from.campaigns) {
    const bool whole = name.rfind("campaigns/", 0) == 0;
    key.campaigns.push_back(whole ? name : "campaigns/" + name);
    if (!base::IsChosenId(base::Segment(key.campaigns.back(), "campaigns")))
      return errors::SettingWrong(fmt::format("{}.campaign: \"{}\" names no campaign.", where, name));
  }
  return key;
}

}  // namespace

absl::StatusOr<std::map<std::string, NotifyKey>> ReadNotifyKeys(const config::Edge& edge) {
  std::map<std::string, NotifyKey> keys;
  for (const auto& [service, from] : edge.notify_keys) {
    PHAROS_ASSIGN_OR_RETURN(keys[service], ReadKey(service, from));
  }
  return keys;
}

}  // namespace pharos::edge
