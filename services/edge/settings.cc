#include "services/edge/settings.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <fstream>

#include "services/base/errors.h"
#include "services/edge/errors.h"

namespace pharos::edge {
namespace {

constexpr size_t kLeastTokenCharacters = 32;  // shorter ones can be guessed

}  // namespace

absl::StatusOr<std::string> ReadSecret(const std::string& setting, const std::string& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0)
    return errors::SettingWrong(
        fmt::format("{}: cannot read {}. Make it, or name another file.", setting, file));
  if ((info.st_mode & 077) != 0)
    return errors::SettingWrong(fmt::format("{}: others may read {}. Run chmod 600 on it.", setting, file));
  std::ifstream in(file);
  std::string secret;
  if (!(in >> secret))
    return errors::SettingWrong(fmt::format("{}: {} is empty. Put a long random word in it.", setting, file));
  return secret;
}

absl::StatusOr<CallbackSecrets> ReadSecrets(const config::Edge& edge) {
  CallbackSecrets secrets;
  for (const auto& [connector, file] : edge.callback_tokens) {
    const std::string setting = "edge.callbacks." + connector;
    PHAROS_ASSIGN_OR_RETURN(const std::string token, ReadSecret(setting, file));
    if (token.size() < kLeastTokenCharacters)
      return errors::SettingWrong(
          fmt::format("{}: the token in {} is short enough to be guessed. Take at least {} random "
                      "characters, and give them to the provider.",
                      setting, file, kLeastTokenCharacters));
    secrets.tokens[connector] = token;
  }
  for (const auto& [connector, files] : edge.signing_keys) {
    for (const std::string& file : files) {
      const std::string setting = "edge.signed." + connector;
      PHAROS_ASSIGN_OR_RETURN(const std::string text, ReadSecret(setting, file));
      auto key = ReadWebhookKey(text);
      if (!key.ok())
        return errors::SettingWrong(
            fmt::format("{}: {}: {}.", setting, file,
                        std::string(key.status().message().data(), key.status().message().size())));
      secrets.signing_keys[connector].push_back(*std::move(key));
    }
  }
  return secrets;
}

}  // namespace pharos::edge
