#include "services/access/errors.h"

#include <fmt/format.h>

#include "services/base/errors.h"

namespace pharos::access::errors {

using absl::StatusCode;
using base::MakeError;

namespace {
std::string Str(std::string_view s) {
  return std::string(s);
}
}  // namespace

absl::Status PageTokenWrong() {
  return MakeError(StatusCode::kInvalidArgument, "PAGE_TOKEN_WRONG",
                   "page_token is not one that this list gave. Start again without it.");
}

absl::Status EtagMissing(std::string_view name) {
  return MakeError(StatusCode::kInvalidArgument,
                   "Send the etag that you read with the principal, so that nobody's edit is lost.",
                   {"ETAG_MISSING", {{"name", Str(name)}}, {{"principal.etag", "the etag that was read"}}});
}

absl::Status EtagMismatch(std::string_view name) {
  return MakeError(StatusCode::kAborted, "ETAG_MISMATCH",
                   fmt::format("{} has been changed since you read it. Read it again, then repeat.", name),
                   {{"name", Str(name)}});
}

absl::Status PrincipalIdWrong() {
  return MakeError(StatusCode::kInvalidArgument,
                   "A principal's id is 1 to 63 characters of a-z, 0-9 and '-', neither begins nor ends with "
                   "'-', and is not "
                   "\"pharosd\", which is this program itself.",
                   {"ID_WRONG", {}, {{"principal_id", "1 to 63 characters of a-z, 0-9 and '-'"}}});
}

absl::Status PrincipalExists(std::string_view name) {
  return MakeError(StatusCode::kAlreadyExists, "PRINCIPAL_EXISTS",
                   fmt::format("{} exists already. Choose another id, or update it.", name),
                   {{"name", Str(name)}});
}

absl::Status PrincipalNotFound(std::string_view name) {
  return MakeError(StatusCode::kNotFound, "PRINCIPAL_NOT_FOUND",
                   fmt::format("There is no {}. List the principals.", name), {{"name", Str(name)}});
}

absl::Status PrincipalFromFile(std::string_view name) {
  return MakeError(
      StatusCode::kFailedPrecondition, "PRINCIPAL_FROM_FILE",
      fmt::format("{} stands in the file of callers ([access] tokens in pharos.toml). Change it there and "
                  "restart the access service.",
                  name),
      {{"name", Str(name)}});
}

absl::Status PrincipalsTooMany(uint64_t limit) {
  return MakeError(
      StatusCode::kResourceExhausted, "PRINCIPALS_TOO_MANY",
      fmt::format("There are {} principals, which is the limit. Give several people of one team a place in "
                  "your identity provider instead.",
                  limit),
      {{"limit", fmt::format("{}", limit)}});
}

absl::Status SnapshotFull() {
  return MakeError(
      StatusCode::kResourceExhausted, "SNAPSHOT_FULL",
      "The list of valid tokens, which every process holds, is full. Revoke tokens that nobody uses, or "
      "disable principals.");
}

absl::Status RoleUnknown(std::string_view role, const std::string& nearest) {
  return MakeError(
      StatusCode::kInvalidArgument,
      nearest.empty() ? fmt::format("There is no role \"{}\". See the roles of the policy in force.", role)
                      : fmt::format("There is no role \"{}\". Did you mean \"{}\"?", role, nearest),
      {"ROLE_UNKNOWN", {{"role", Str(role)}, {"nearest", nearest}}, {{"principal.roles", "unknown role"}}});
}

absl::Status RoleBuiltIn(std::string_view role) {
  return MakeError(
      StatusCode::kPermissionDenied,
      fmt::format("The role \"{}\" belongs to our own processes and is not given here. Add the process to "
                  "the bootstrap file of "
                  "callers (access.tokens in pharos.toml) and restart access.",
                  role),
      {"ROLE_BUILT_IN", {{"role", Str(role)}}, {{"principal.roles", "a role of our own processes"}}});
}

absl::Status OwnRoles() {
  return MakeError(StatusCode::kPermissionDenied, "OWN_ROLES",
                   "Nobody changes their own principal. Ask another operator to do it.");
}

absl::Status TokensTooMany(std::string_view name, int limit) {
  return MakeError(StatusCode::kResourceExhausted, "TOKENS_TOO_MANY",
                   fmt::format("{} has {} valid tokens, which is the limit. Revoke one first.", name, limit),
                   {{"name", Str(name)}, {"limit", fmt::format("{}", limit)}});
}

absl::Status TokenNotFound(std::string_view name) {
  return MakeError(
      StatusCode::kNotFound, "TOKEN_NOT_FOUND",
      fmt::format("{} has no valid token of this id. Read the principal to see its tokens.", name),
      {{"name", Str(name)}});
}

absl::Status TokenFileWrong(const std::string& file, int line, std::string_view what) {
  return MakeError(
      StatusCode::kInvalidArgument, "TOKEN_FILE_WRONG",
      fmt::format("{}:{}: {}. A line is: <sha-256 of the token in hex> <principal id> <role>[,<role>…]", file,
                  line, what),
      {{"line", fmt::format("{}", line)}});
}

absl::Status ActNotFound(std::string_view name) {
  return MakeError(StatusCode::kNotFound, "ACT_NOT_FOUND",
                   fmt::format("There is no {}. List the acts.", name), {{"name", Str(name)}});
}

absl::Status ActNeedsPeople() {
  return MakeError(
      StatusCode::kPermissionDenied, "ACT_NEEDS_PEOPLE",
      "An act is proposed and confirmed by people with their own credentials, not by a process.");
}

absl::Status ActNeedsSecondPerson(std::string_view name) {
  return MakeError(
      StatusCode::kPermissionDenied, "ACT_NEEDS_SECOND_PERSON",
      fmt::format("You proposed {} yourself, and nobody may do this alone. Ask a second person who may "
                  "confirm acts to confirm it.",
                  name),
      {{"name", Str(name)}});
}

absl::Status ActState(std::string_view name, std::string_view state) {
  return MakeError(StatusCode::kFailedPrecondition, "ACT_STATE",
                   fmt::format("{} is {}. Propose it again if it is still wanted.", name, state),
                   {{"name", Str(name)}, {"state", Str(state)}});
}

absl::Status ActKindWrong() {
  return MakeError(StatusCode::kInvalidArgument, "Say what is proposed: GO_LIVE, GO_TRIAL or APPLY_POLICY.",
                   {"ACT_KIND_WRONG", {}, {{"kind", "GO_LIVE, GO_TRIAL or APPLY_POLICY"}}});
}

absl::Status PolicyNotWanted() {
  return MakeError(StatusCode::kInvalidArgument,
                   "Only APPLY_POLICY takes a policy; leave it out, or propose that.",
                   {"POLICY_NOT_WANTED", {}, {{"policy", "only with APPLY_POLICY"}}});
}

absl::Status ModeAlready(std::string_view what) {
  return MakeError(StatusCode::kFailedPrecondition, "MODE_ALREADY",
                   fmt::format("{} already; nothing would change.", what));
}

absl::Status DigestMismatch(std::string_view name) {
  return MakeError(
      StatusCode::kAborted, "DIGEST_MISMATCH",
      fmt::format("The digest is not that of {}. Read it again, and confirm what you then see.", name),
      {{"name", Str(name)}});
}

absl::Status KekUnusable(const std::string& file, std::string_view what) {
  return MakeError(StatusCode::kFailedPrecondition, "KEK_UNUSABLE",
                   fmt::format("The key-encryption key {} {}", file, what), {{"file", file}});
}

absl::Status KekMissing(const std::string& file) {
  return MakeError(
      StatusCode::kFailedPrecondition, "KEK_MISSING",
      fmt::format(
          "The key-encryption key {} is gone, and the access store holds keys wrapped under it. "
          "Restore the file: without it nothing that is sealed can be read again. No new one is made.",
          file),
      {{"file", file}});
}

absl::Status KekWrong(const std::string& file) {
  return MakeError(
      StatusCode::kFailedPrecondition, "KEK_WRONG",
      fmt::format("The key-encryption key {} is not the one that the keys in the access store are wrapped "
                  "under. Restore the file that belongs to this store, or the store that belongs to it.",
                  file),
      {{"file", file}});
}

absl::Status KeyDamaged(uint64_t id) {
  return MakeError(
      StatusCode::kDataLoss, "KEY_DAMAGED",
      fmt::format("Key {} in the access store is damaged. Restore the access store from its own backup.", id),
      {{"key", fmt::format("{}", id)}});
}

absl::Status KeyUnknown(uint64_t id) {
  return MakeError(StatusCode::kDataLoss, "KEY_UNKNOWN",
                   fmt::format("Data key {} was never given out by this key store: it does not belong to the "
                               "data, or is an older copy. Put the "
                               "newest access store and its keys/access.kek back; until then nobody's data "
                               "can be read, and nothing is lost.",
                               id),
                   {{"key", fmt::format("{}", id)}});
}

absl::Status ManifestWrong() {
  return MakeError(StatusCode::kInvalidArgument, "MANIFEST_WRONG",
                   "This is not a manifest of a campaign with its author. Submit the campaign again.");
}

absl::Status ApproverIsAuthor(std::string_view campaign) {
  return MakeError(StatusCode::kPermissionDenied, "APPROVER_IS_AUTHOR",
                   fmt::format("You submitted {} yourself. Somebody else has to approve it.", campaign),
                   {{"campaign", Str(campaign)}});
}

absl::Status ApproverMayNot(std::string_view principal) {
  return MakeError(
      StatusCode::kPermissionDenied, "PERMISSION_MISSING",
      fmt::format("{} may not approve campaigns. Ask somebody with a role that has campaigns.approve.",
                  principal),
      {{"permission", "campaigns.approve"}, {"principal", Str(principal)}});
}

}  // namespace pharos::access::errors
