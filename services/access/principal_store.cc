#include "services/access/principal_store.h"

#include <algorithm>

#include "services/access/paging.h"
#include "services/access/principal.h"
#include "services/access/tables.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::access {
namespace {

using record::v1::PrincipalRow;
using storage::KeyWriter;

std::string KeyOf(std::string_view name) {
  return KeyWriter(kPrincipal).String(base::Segment(name, "principals"));
}

}  // namespace

FilePrincipals PrincipalsOf(const std::vector<FileCaller>& callers) {
  FilePrincipals principals;
  for (const FileCaller& caller : callers) {
    v1::Principal& principal = principals[caller.principal];
    principal.set_name(caller.principal);
    principal.set_from_file(true);
    for (const std::string& role : caller.roles) {
      const auto& had = principal.roles();
      if (std::find(had.begin(), had.end(), role) == had.end()) principal.add_roles(role);
    }
    record::v1::TokenRow token;
    token.set_digest(caller.digest);
    *principal.add_tokens() = Shown(token);
  }
  return principals;
}

absl::StatusOr<bool> FindPrincipal(storage::Transaction& tx, std::string_view name, PrincipalRow& row) {
  return storage::GetRecord(tx, KeyOf(name), row);
}

absl::StatusOr<bool> FindPrincipal(const storage::Store& store, std::string_view name, PrincipalRow& row) {
  return storage::GetRecord(store, KeyOf(name), row);
}

void SavePrincipal(storage::Transaction& tx, const PrincipalRow& row) {
  storage::PutRecord(tx, KeyOf(row.principal().name()), row);
}

absl::Status ForEachPrincipal(const storage::View& view, std::string_view after_key,
                              const std::function<bool(const PrincipalRow&)>& visit) {
  storage::KeyRange range = storage::PrefixRange(KeyWriter(kPrincipal).str());
  if (!after_key.empty()) range.begin = std::string(after_key) + '\0';
  absl::Status read;
  PHAROS_RETURN_IF_ERROR(view.Scan(range, [&](std::string_view, std::string_view value) {
    PrincipalRow row;
    read = storage::DecodeRecord(value, row);
    return read.ok() && visit(row);
  }));
  return read;
}

absl::StatusOr<PrincipalPage> ListPrincipalPage(const storage::Store& store, const FilePrincipals& file,
                                                int page_size, std::string_view page_token, int64_t now_us) {
  PHAROS_ASSIGN_OR_RETURN(const std::string after, AfterKey(page_token, kPrincipal));
  const size_t most = PageSize(page_size);
  std::map<std::string, v1::Principal> found;  // by key
  for (const auto& [name, principal] : file) {
    if (KeyOf(name) > after) found[KeyOf(name)] = principal;
  }
  size_t read = 0;
  PHAROS_RETURN_IF_ERROR(ForEachPrincipal(*store.Read(), after, [&](const PrincipalRow& row) {
    found.emplace(KeyOf(row.principal().name()), Shown(row, now_us));  // the file's stays
    return ++read <= most;
  }));
  PrincipalPage page;
  for (const auto& [key, principal] : found) {
    if (page.principals.size() == most) {
      page.next_page_token = PageToken(KeyOf(page.principals.back().name()));
      break;
    }
    page.principals.push_back(principal);
  }
  return page;
}

}  // namespace pharos::access
