#include "services/access/principal.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/access/errors.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"

namespace pharos::access {
namespace {

using record::v1::PrincipalRow;
using record::v1::TokenRow;

constexpr size_t kTokenIdDigits = 12;
constexpr std::string_view kOurselves = "pharosd";  // the name under which our own processes act
constexpr int64_t kMicrosPerSecond = 1'000'000;

absl::Status CheckRoles(const v1::Principal& asked, const policy::Policy& policy) {
  for (const std::string& role : asked.roles()) {
    // These read and send everything: only who may write the bootstrap file can give them.
    if (role == policy::kServiceRole || role == policy::kConnectorRole) return errors::RoleBuiltIn(role);
    if (!policy.HasRole(role)) return errors::RoleUnknown(role, base::Nearest(role, policy.roles()));
  }
  return absl::OkStatus();
}

std::string EtagOf(const PrincipalRow& row) {
  return fmt::format("r{}", row.revision());
}

// What people may set; roles sorted, each once.
void Take(const v1::Principal& asked, PrincipalRow& row) {
  std::vector<std::string> roles(asked.roles().begin(), asked.roles().end());
  std::sort(roles.begin(), roles.end());
  roles.erase(std::unique(roles.begin(), roles.end()), roles.end());
  row.mutable_principal()->set_display_name(asked.display_name());
  row.mutable_principal()->mutable_roles()->Assign(roles.begin(), roles.end());
  row.mutable_principal()->set_disabled(asked.disabled());
}

bool Valid(const TokenRow& token, int64_t now_us) {
  return token.expire_time_us() == 0 || token.expire_time_us() > now_us;
}

std::string TokenId(const TokenRow& token) {
  return base::ToHex(token.digest()).substr(0, kTokenIdDigits);
}

// Next revision of `before`, with those of its tokens that `keep` keeps.
template <typename Keep>
PrincipalRow Next(const PrincipalRow& before, const Keep& keep) {
  PrincipalRow row = before;
  row.set_revision(before.revision() + 1);
  row.clear_tokens();
  for (const TokenRow& token : before.tokens()) {
    if (keep(token)) *row.add_tokens() = token;
  }
  return row;
}

}  // namespace

absl::StatusOr<PrincipalRow> NewPrincipal(std::string_view id, const v1::Principal& asked,
                                          const policy::Policy& policy, int64_t now_us) {
  if (!base::IsChosenId(id) || id == kOurselves) return errors::PrincipalIdWrong();
  PHAROS_RETURN_IF_ERROR(CheckRoles(asked, policy));
  PrincipalRow row;
  row.mutable_principal()->set_name(fmt::format("principals/{}", id));
  row.mutable_principal()->set_create_time_us(now_us);
  row.set_revision(1);
  Take(asked, row);
  return row;
}

absl::StatusOr<PrincipalRow> Changed(const PrincipalRow& before, const v1::Principal& asked,
                                     std::string_view caller, const policy::Policy& policy) {
  const std::string& name = before.principal().name();
  if (name == caller) return errors::OwnRoles();
  if (asked.etag().empty()) return errors::EtagMissing(name);
  if (asked.etag() != EtagOf(before)) return errors::EtagMismatch(name);
  PHAROS_RETURN_IF_ERROR(CheckRoles(asked, policy));
  PrincipalRow row = Next(before, [](const TokenRow&) { return true; });
  Take(asked, row);
  return row;
}

absl::StatusOr<PrincipalRow> WithToken(const PrincipalRow& before, std::string_view digest, int64_t valid_s,
                                       int64_t now_us) {
  PrincipalRow row = Next(before, [&](const TokenRow& token) { return Valid(token, now_us); });
  if (row.tokens_size() >= kMaxTokens) return errors::TokensTooMany(before.principal().name(), kMaxTokens);
  TokenRow& token = *row.add_tokens();
  token.set_digest(std::string(digest));
  token.set_create_time_us(now_us);
  token.set_expire_time_us(valid_s == 0 ? 0 : now_us + valid_s * kMicrosPerSecond);
  return row;
}

absl::StatusOr<PrincipalRow> WithoutToken(const PrincipalRow& before, std::string_view token_id) {
  PrincipalRow row = Next(before, [&](const TokenRow& token) { return TokenId(token) != token_id; });
  if (row.tokens_size() == before.tokens_size()) return errors::TokenNotFound(before.principal().name());
  return row;
}

v1::Principal Shown(const PrincipalRow& row, int64_t now_us) {
  v1::Principal shown = row.principal();
  shown.set_etag(EtagOf(row));
  for (const TokenRow& token : row.tokens()) {
    if (Valid(token, now_us)) *shown.add_tokens() = Shown(token);
  }
  return shown;
}

v1::Token Shown(const TokenRow& token) {
  v1::Token shown;
  shown.set_id(TokenId(token));
  shown.set_create_time_us(token.create_time_us());
  shown.set_expire_time_us(token.expire_time_us());
  return shown;
}

}  // namespace pharos::access
