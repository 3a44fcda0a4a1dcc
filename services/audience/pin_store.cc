#include "services/audience/pin_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/audience/errors.h"
#include "services/audience/tables.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::audience {
namespace {

using record::v1::ExcludedChunkRow;
using record::v1::MemberChunkRow;
using record::v1::MemberRow;
using record::v1::PinRow;
using storage::KeyWriter;

constexpr size_t kChunksPerCommit = 16;  // about 1 MiB
constexpr size_t kDeletesPerCommit = 4096;
constexpr int64_t kRememberedUs =
    int64_t{7} * 24 * 3600 * 1'000'000;  // as every other request id (rpc/once.h)

std::string IdOf(const PinRow& pin) {
  return base::Segment(pin.name(), "pins");
}
std::string ChunkKey(Table table, std::string_view pin_id, uint64_t number) {
  return KeyWriter(table).String(pin_id).U64(number);
}
std::string RequestKey(const PinRequest& request) {
  return KeyWriter(kPinRequest).String(request.principal).String(request.request_id);
}
uint64_t ChunksFor(size_t people) {
  return (people + kChunkPeople - 1) / kChunkPeople;
}

MemberChunkRow MemberChunk(const std::vector<Member>& members, uint64_t number) {
  MemberChunkRow chunk;
  const size_t end = std::min(members.size(), (number + 1) * kChunkPeople);
  for (size_t i = number * kChunkPeople; i < end; ++i) {
    MemberRow& row = *chunk.add_members();
    row.set_person("people/" + members[i].person);
    row.set_channel(members[i].channel);
    row.set_endpoint(members[i].endpoint);
    for (const Alternative& alternative : members[i].alternatives) {
      row.add_alternative_channels(alternative.channel);
      row.add_alternative_endpoints(alternative.endpoint);
    }
  }
  return chunk;
}

ExcludedChunkRow ExcludedChunk(const std::vector<LeftOut>& left_out, uint64_t number) {
  ExcludedChunkRow chunk;
  const size_t end = std::min(left_out.size(), (number + 1) * kChunkPeople);
  for (size_t i = number * kChunkPeople; i < end; ++i) {
    chunk.add_people("people/" + left_out[i].person);
    chunk.add_reasons(left_out[i].reason);
  }
  return chunk;
}

template <typename Row>
absl::StatusOr<Row> LoadChunk(const storage::View& view, Table table, const PinRow& pin, uint64_t number) {
  Row row;
  PHAROS_ASSIGN_OR_RETURN(const bool found,
                          storage::GetRecord(view, ChunkKey(table, IdOf(pin), number), row));
  if (!found) return AudienceErrors::PinDamaged(pin.name());
  return row;
}

// The last of `chunks` chunks that begins at or before `person` (the first if none does); `first_of` reads a
// chunk's first person.
template <typename Row, typename FirstOf>
absl::StatusOr<Row> ChunkOf(const storage::View& view, Table table, const PinRow& pin, uint64_t chunks,
                            std::string_view person, FirstOf first_of) {
  uint64_t low = 0, high = chunks;  // the chunk is in [low, high)
  while (high - low > 1) {
    const uint64_t middle = low + (high - low) / 2;
    PHAROS_ASSIGN_OR_RETURN(const Row row, LoadChunk<Row>(view, table, pin, middle));
    (first_of(row) <= person ? low : high) = middle;
  }
  return LoadChunk<Row>(view, table, pin, low);
}

}  // namespace

std::vector<std::string> PagesOf(const std::vector<Member>& members) {
  std::vector<std::string> pages;
  std::string lines;
  for (size_t i = 0; i < members.size(); ++i) {
    const Member& member = members[i];
    lines += fmt::format("people/{}\t{}\t{}", member.person, static_cast<int>(member.channel),
                         base::ToHex(member.endpoint));
    for (const Alternative& other : member.alternatives)
      lines += fmt::format("\t{}\t{}", static_cast<int>(other.channel), base::ToHex(other.endpoint));
    lines += '\n';
    if ((i + 1) % kChunkPeople != 0 && i + 1 != members.size()) continue;
    pages.push_back(base::Sha256(lines));
    lines.clear();
  }
  return pages;
}

std::string DigestOf(const std::vector<std::string>& pages) {
  std::string all;
  for (const std::string& page : pages) all += page;
  return base::Sha256(all);
}

absl::StatusOr<std::optional<PinRow>> PinStore::Find(const PinRequest& request) const {
  record::v1::PinRequestRow made;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(store_, RequestKey(request), made));
  if (!found) return std::optional<PinRow>();
  if (made.request_digest() != request.digest) return AudienceErrors::RequestIdReused();
  PHAROS_ASSIGN_OR_RETURN(PinRow row, Load(made.pin()));
  return std::optional<PinRow>(std::move(row));
}

absl::StatusOr<PinRow> PinStore::Write(PinRow row, const Outcome& outcome, const PinRequest& request,
                                       const std::string& change) const {
  const std::string id = IdOf(row);
  row.set_member_chunks(ChunksFor(outcome.members.size()));
  row.set_excluded_chunks(ChunksFor(outcome.left_out.size()));
  PHAROS_RETURN_IF_ERROR(WriteChunks(id, outcome));
  bool late = false;
  PHAROS_RETURN_IF_ERROR(store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    record::v1::PinRequestRow made;
    PHAROS_ASSIGN_OR_RETURN(late, storage::GetRecord(tx, RequestKey(request), made));
    if (late) return absl::OkStatus();
    made.set_pin(row.name());
    made.set_request_digest(request.digest);
    record::v1::PinNameRow name;
    name.set_pin(row.name());
    storage::PutRecord(tx, RequestKey(request), made);
    storage::PutRecord(tx, KeyWriter(kPin).String(id), row);
    storage::PutRecord(tx, KeyWriter(kCampaignPin).String(base::Segment(row.campaign(), "campaigns")), name);
    tx.Delete(KeyWriter(kDraftPin).String(id));
    tx.AppendChange(change);
    return absl::OkStatus();
  }));
  if (!late) return row;
  PHAROS_RETURN_IF_ERROR(DropDraft(id));
  PHAROS_ASSIGN_OR_RETURN(const auto first, Find(request));
  if (!first) return AudienceErrors::PinNotFound(row.name());
  return *first;
}

absl::Status PinStore::WriteChunks(std::string_view pin_id, const Outcome& outcome) const {
  record::v1::PinNameRow draft;
  draft.set_pin(fmt::format("pins/{}", pin_id));
  PHAROS_RETURN_IF_ERROR(store_.Transact([&](storage::Transaction& tx) {
    storage::PutRecord(tx, KeyWriter(kDraftPin).String(pin_id), draft);
    return absl::OkStatus();
  }));
  const uint64_t members = ChunksFor(outcome.members.size());
  const uint64_t chunks = members + ChunksFor(outcome.left_out.size());
  for (uint64_t begin = 0; begin < chunks; begin += kChunksPerCommit) {
    PHAROS_RETURN_IF_ERROR(store_.Transact([&](storage::Transaction& tx) {
      for (uint64_t n = begin; n < std::min(chunks, begin + kChunksPerCommit); ++n) {
        if (n < members) {
          storage::PutRecord(tx, ChunkKey(kMemberChunk, pin_id, n), MemberChunk(outcome.members, n));
        } else {
          storage::PutRecord(tx, ChunkKey(kExcludedChunk, pin_id, n - members),
                             ExcludedChunk(outcome.left_out, n - members));
        }
      }
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

absl::Status PinStore::DropDraft(const std::string& pin_id) const {
  std::vector<std::string> keys;
  const auto collect = [&](std::string_view key, std::string_view) {
    keys.emplace_back(key);
    return true;
  };
  const auto view = store_.Read();
  for (const Table table : {kMemberChunk, kExcludedChunk}) {
    PHAROS_RETURN_IF_ERROR(view->Scan(storage::PrefixRange(KeyWriter(table).String(pin_id).str()), collect));
  }
  keys.push_back(KeyWriter(kDraftPin).String(pin_id));  // last: a crash in between finds it again
  return Delete(keys);
}

absl::Status PinStore::Delete(const std::vector<std::string>& keys) const {
  for (size_t begin = 0; begin < keys.size(); begin += kDeletesPerCommit) {
    PHAROS_RETURN_IF_ERROR(store_.Transact([&](storage::Transaction& tx) {
      for (size_t i = begin; i < std::min(keys.size(), begin + kDeletesPerCommit); ++i) tx.Delete(keys[i]);
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

absl::Status PinStore::DropOldRequests(int64_t now_us) const {
  std::vector<std::pair<std::string, std::string>> requests;  // key, pin
  absl::Status read;
  const auto collect = [&](std::string_view key, std::string_view value) {
    record::v1::PinRequestRow made;
    read = storage::DecodeRecord(value, made);
    requests.emplace_back(key, made.pin());
    return read.ok();
  };
  const auto view = store_.Read();
  PHAROS_RETURN_IF_ERROR(view->Scan(storage::PrefixRange(KeyWriter(kPinRequest).str()), collect));
  PHAROS_RETURN_IF_ERROR(read);
  std::vector<std::string> old;
  for (const auto& [key, name] : requests) {
    PinRow pin;
    const std::string pin_key = KeyWriter(kPin).String(base::Segment(name, "pins"));
    PHAROS_RETURN_IF_ERROR(storage::GetRecord(*view, pin_key, pin).status());
    if (pin.create_time_us() < now_us - kRememberedUs) old.push_back(key);
  }
  return Delete(old);
}

absl::Status PinStore::DropDrafts() const {
  std::vector<std::string> ids;
  const auto range = storage::PrefixRange(KeyWriter(kDraftPin).str());
  PHAROS_RETURN_IF_ERROR(store_.Read()->Scan(range, [&](std::string_view key, std::string_view) {
    ids.push_back(storage::KeyReader(key).String());
    return true;
  }));
  for (const std::string& id : ids) PHAROS_RETURN_IF_ERROR(DropDraft(id));
  return absl::OkStatus();
}

absl::StatusOr<PinRow> PinStore::Load(std::string_view pin) const {
  PinRow row;
  const std::string key = KeyWriter(kPin).String(base::Segment(pin, "pins"));
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(store_, key, row));
  if (!found) return AudienceErrors::PinNotFound(pin);
  return row;
}

absl::StatusOr<PinRow> PinStore::NewestOf(std::string_view campaign) const {
  record::v1::PinNameRow newest;
  const std::string key = KeyWriter(kCampaignPin).String(base::Segment(campaign, "campaigns"));
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(store_, key, newest));
  if (!found) return AudienceErrors::NothingPinned(campaign);
  return Load(newest.pin());
}

absl::StatusOr<std::vector<MemberRow>> PinStore::Members(const PinRow& pin, uint64_t first,
                                                         size_t most) const {
  std::vector<MemberRow> page;
  const auto view = store_.Read();
  const auto total = static_cast<uint64_t>(pin.members());
  while (page.size() < most && first + page.size() < total) {
    const uint64_t next = first + page.size();
    PHAROS_ASSIGN_OR_RETURN(MemberChunkRow chunk,
                            LoadChunk<MemberChunkRow>(*view, kMemberChunk, pin, next / kChunkPeople));
    const auto offset = static_cast<int>(next % kChunkPeople);
    if (offset >= chunk.members_size()) return AudienceErrors::PinDamaged(pin.name());
    for (int i = offset; i < chunk.members_size() && page.size() < most; ++i) {
      page.push_back(std::move(*chunk.mutable_members(i)));
    }
  }
  return page;
}

absl::StatusOr<std::optional<type::v1::GateReason>> PinStore::ReasonOf(const PinRow& pin,
                                                                       std::string_view person) const {
  using Answer = std::optional<type::v1::GateReason>;
  const auto view = store_.Read();
  if (pin.member_chunks() > 0) {
    PHAROS_ASSIGN_OR_RETURN(const auto chunk,
                            ChunkOf<MemberChunkRow>(*view, kMemberChunk, pin, pin.member_chunks(), person,
                                                    [](const auto& row) { return row.members(0).person(); }));
    for (const MemberRow& member : chunk.members()) {
      if (member.person() == person) return Answer(type::v1::ALLOW);
    }
  }
  if (pin.excluded_chunks() > 0) {
    PHAROS_ASSIGN_OR_RETURN(
        const auto chunk, ChunkOf<ExcludedChunkRow>(*view, kExcludedChunk, pin, pin.excluded_chunks(), person,
                                                    [](const auto& row) { return row.people(0); }));
    const auto found = std::lower_bound(chunk.people().begin(), chunk.people().end(), person);
    if (found != chunk.people().end() && *found == person)
      return Answer(chunk.reasons(found - chunk.people().begin()));
  }
  return Answer();
}

}  // namespace pharos::audience
