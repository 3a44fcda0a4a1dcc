#include "services/access/act_store.h"

#include <fmt/format.h>

#include "services/access/errors.h"
#include "services/access/paging.h"
#include "services/access/tables.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::access {
namespace {

using storage::KeyWriter;

constexpr size_t kMaxPageBytes =
    3u << 20;  // an act may carry a policy of 256 KiB; an answer has at most 4 MiB

std::string KeyOf(std::string_view name) {
  return KeyWriter(kAct).String(base::Segment(name, "acts"));
}
std::string NewestKey(const v1::Act& act) {
  return KeyWriter(kNewestAct)
      .U64(~static_cast<uint64_t>(act.propose_time_us()))
      .String(base::Segment(act.name(), "acts"));
}
std::string NameOf(std::string_view newest_key) {
  storage::KeyReader reader(newest_key);
  reader.U64();
  return fmt::format("acts/{}", reader.String());
}

template <typename From>
absl::StatusOr<v1::Act> Load(From& from, std::string_view name) {
  record::v1::ActRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(from, KeyOf(name), row));
  if (!found) return errors::ActNotFound(name);
  return row.act();
}

}  // namespace

absl::StatusOr<v1::Act> LoadAct(storage::Transaction& tx, std::string_view name) {
  return Load(tx, name);
}

absl::StatusOr<v1::Act> LoadAct(const storage::Store& store, std::string_view name) {
  return Load(store, name);
}

void SaveAct(storage::Transaction& tx, const v1::Act& act) {
  record::v1::ActRow row;
  *row.mutable_act() = act;
  storage::PutRecord(tx, KeyOf(act.name()), row);
  tx.Put(NewestKey(act), storage::Wrap(""));
}

absl::StatusOr<ActPage> ListActPage(const storage::Store& store, int page_size, std::string_view page_token) {
  storage::KeyRange range = storage::PrefixRange(KeyWriter(kNewestAct).str());
  PHAROS_ASSIGN_OR_RETURN(const std::string after, AfterKey(page_token, kNewestAct));
  if (!after.empty()) range.begin = after + '\0';
  const std::unique_ptr<storage::View> view = store.Read();
  ActPage page;
  std::string last;
  size_t bytes = 0;
  absl::Status read;
  PHAROS_RETURN_IF_ERROR(view->Scan(range, [&](std::string_view key, std::string_view) {
    if (page.acts.size() == PageSize(page_size) || bytes > kMaxPageBytes) {
      page.next_page_token = PageToken(last);
      return false;
    }
    auto act = Load(*view, NameOf(key));
    read = act.status();
    if (!act.ok()) return false;
    bytes += act->ByteSizeLong();
    page.acts.push_back(*std::move(act));
    last = key;
    return true;
  }));
  PHAROS_RETURN_IF_ERROR(read);
  return page;
}

}  // namespace pharos::access
