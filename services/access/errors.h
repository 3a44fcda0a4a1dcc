// The access service's errors, by name. Reasons are stable; messages say what to do next.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace pharos::access::errors {

absl::Status PageTokenWrong();                     // PAGE_TOKEN_WRONG
absl::Status EtagMissing(std::string_view name);   // ETAG_MISSING
absl::Status EtagMismatch(std::string_view name);  // ETAG_MISMATCH

// Principals.
absl::Status PrincipalIdWrong();                                                        // ID_WRONG
absl::Status PrincipalExists(std::string_view name);                                    // PRINCIPAL_EXISTS
absl::Status PrincipalNotFound(std::string_view name);                                  // PRINCIPAL_NOT_FOUND
absl::Status PrincipalFromFile(std::string_view name);                                  // PRINCIPAL_FROM_FILE
absl::Status PrincipalsTooMany(uint64_t limit);                                         // PRINCIPALS_TOO_MANY
absl::Status SnapshotFull();                                                            // SNAPSHOT_FULL
absl::Status RoleUnknown(std::string_view role, const std::string& nearest);            // ROLE_UNKNOWN
absl::Status RoleBuiltIn(std::string_view role);                                        // ROLE_BUILT_IN
absl::Status OwnRoles();                                                                // OWN_ROLES
absl::Status TokensTooMany(std::string_view name, int limit);                           // TOKENS_TOO_MANY
absl::Status TokenNotFound(std::string_view name);                                      // TOKEN_NOT_FOUND
absl::Status TokenFileWrong(const std::string& file, int line, std::string_view what);  // TOKEN_FILE_WRONG

// Acts.
absl::Status ActNotFound(std::string_view name);                       // ACT_NOT_FOUND
absl::Status ActNeedsPeople();                                         // ACT_NEEDS_PEOPLE
absl::Status ActNeedsSecondPerson(std::string_view name);              // ACT_NEEDS_SECOND_PERSON
absl::Status ActState(std::string_view name, std::string_view state);  // ACT_STATE
absl::Status ActKindWrong();                                           // ACT_KIND_WRONG
absl::Status PolicyNotWanted();                                        // POLICY_NOT_WANTED
absl::Status ModeAlready(std::string_view what);                       // MODE_ALREADY
absl::Status DigestMismatch(std::string_view name);                    // DIGEST_MISMATCH

// Keys.
absl::Status KekUnusable(const std::string& file, std::string_view what);  // KEK_UNUSABLE
absl::Status KekMissing(const std::string& file);                          // KEK_MISSING
absl::Status KekWrong(const std::string& file);                            // KEK_WRONG
absl::Status KeyDamaged(uint64_t id);                                      // KEY_DAMAGED
absl::Status KeyUnknown(uint64_t id);                                      // KEY_UNKNOWN

// Approvals.
absl::Status ManifestWrong();                              // MANIFEST_WRONG
absl::Status ApproverIsAuthor(std::string_view campaign);  // APPROVER_IS_AUTHOR
absl::Status ApproverMayNot(std::string_view principal);   // PERMISSION_MISSING

}  // namespace pharos::access::errors
