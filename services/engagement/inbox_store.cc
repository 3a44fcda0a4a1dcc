#include "services/engagement/inbox_store.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/engagement/errors.h"
#include "services/engagement/inbox_reply.h"
#include "services/engagement/tables.h"
#include "storage/blind_index.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::engagement {

using record::v1::InboxCountRow;
using record::v1::InboxRow;
using storage::KeyWriter;

namespace {

constexpr char kBreak = '\n';         // between the parts of a facet; none of them holds it
constexpr size_t kPositionBytes = 8;  // of a page token
constexpr int64_t kClockSlack =
    3'600'000'000;  // so far back a clock may have been set: lists are in the order of the log

std::string RowKey(const std::string& name) {
  return KeyWriter(kInboxReply).String(name);
}
std::string ListKey(const std::string& facet, uint64_t position) {
  return KeyWriter(kInboxList).String(facet).U64(~position);
}
std::string CountKey(const std::string& campaign) {
  return KeyWriter(kInboxCount).String(campaign);
}

// ---- Facets: the lists that a reply stands in, without the state ------------------------------------------

std::string FacetOf(std::string_view campaign, int kind, int channel) {
  std::string facet;
  if (!campaign.empty()) facet += "c" + std::string(campaign) + kBreak;
  if (kind != 0) facet += "k" + std::to_string(kind) + kBreak;
  if (channel != 0) facet += "h" + std::to_string(channel) + kBreak;
  return facet;
}

std::vector<std::string> FacetsOf(const InboxRow& row) {
  std::vector<std::string> facets = {FacetOf("", 0, 0), FacetOf("", row.kind(), 0),
                                     FacetOf("", 0, static_cast<int>(row.channel()))};
  if (row.campaign().empty()) return facets;
  facets.push_back(FacetOf(row.campaign(), 0, 0));
  facets.push_back(FacetOf(row.campaign(), row.kind(), 0));
  return facets;
}

// The narrowest list that holds all that a question asks for.
std::string FacetOf(const v1::ListRepliesRequest& request) {
  const bool narrow = !request.campaign().empty() || request.kind() != v1::REPLY_KIND_UNSPECIFIED;
  return FacetOf(request.campaign(), request.kind(), narrow ? 0 : static_cast<int>(request.channel()));
}

std::string WithState(const std::string& facet, int state) {
  return facet + "s" + std::to_string(state);
}

std::string FacetOf(const type::v1::ReplyReader& reader) {
  return "r" + reader.principal() + kBreak + reader.campaign();
}

void PutInto(storage::Transaction& tx, const std::string& facet, const InboxRow& row) {
  tx.Put(ListKey(facet, row.position()), storage::Wrap(row.name()));
}

// ---- Counts -----------------------------------------------------------------------------------------------

void AddTo(google::protobuf::Map<std::string, int64_t>& counts, int kind, int64_t more) {
  const std::string name = v1::ReplyKind_Name(static_cast<v1::ReplyKind>(kind));
  if ((counts[name] += more) == 0) counts.erase(name);
}

absl::Status AddToCounts(storage::Transaction& tx, const InboxRow& row, int64_t all, int64_t waiting) {
  std::vector<std::string> campaigns = {""};
  if (!row.campaign().empty()) campaigns.push_back(row.campaign());
  for (const std::string& campaign : campaigns) {
    InboxCountRow count;
    PHAROS_RETURN_IF_ERROR(storage::GetRecord(tx, CountKey(campaign), count).status());
    AddTo(*count.mutable_all_by_kind(), row.kind(), all);
    AddTo(*count.mutable_waiting_by_kind(), row.kind(), waiting);
    storage::PutRecord(tx, CountKey(campaign), count);
  }
  return absl::OkStatus();
}

absl::Status TakeNew(storage::Transaction& tx, const InboxRow& row) {
  for (const std::string& facet : FacetsOf(row)) {
    PutInto(tx, facet, row);
    PutInto(tx, WithState(facet, row.state()), row);
  }
  for (const auto& reader : row.readers()) PutInto(tx, FacetOf(reader), row);
  storage::PutRecord(tx, RowKey(row.name()), row);
  return AddToCounts(tx, row, 1, row.state() == v1::NEW ? 1 : 0);
}

// ---- Page tokens: a position and what the question was ----------------------------------------------------

// No secret: a token of another question is a mistake, not an attack.
std::string DigestOf(const v1::ListRepliesRequest& request) {
  static const storage::BlindIndex kIndex(std::string(32, 'p'));
  v1::ListRepliesRequest question = request;
  question.clear_page_token();
  question.clear_page_size();
  return kIndex.Of("page", question.SerializeAsString()).substr(0, kPositionBytes);
}

std::string TokenOf(uint64_t position, const v1::ListRepliesRequest& request) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>((position >> shift) & 0xFF);
  return base::ToHex(bytes + DigestOf(request));
}

// The position before which to go on; the newest for no token.
absl::StatusOr<uint64_t> PositionOf(const v1::ListRepliesRequest& request) {
  if (request.page_token().empty()) return UINT64_MAX;
  const std::string bytes = base::FromHex(request.page_token());
  if (bytes.size() != 2 * kPositionBytes || bytes.substr(kPositionBytes) != DigestOf(request))
    return errors::PageTokenWrong();
  uint64_t position = 0;
  for (size_t i = 0; i < kPositionBytes; ++i) position = (position << 8) | static_cast<uint8_t>(bytes[i]);
  return position;
}

bool Fits(const InboxRow& row, const v1::ListRepliesRequest& request) {
  return (request.campaign().empty() || row.campaign() == request.campaign()) &&
         (request.kind() == 0 || row.kind() == request.kind()) &&
         (request.channel() == 0 || row.channel() == request.channel()) &&
         (request.state() == 0 || row.state() == request.state()) &&
         row.create_time_us() >= request.since_us();
}

// Rows of one list that came before a position, newest first, until `visit` says false.
absl::Status Walk(const storage::View& view, const std::string& facet, uint64_t before,
                  const std::function<bool(InboxRow)>& visit) {
  storage::KeyRange range = storage::PrefixRange(KeyWriter(kInboxList).String(facet).str());
  if (before != UINT64_MAX) range.begin = ListKey(facet, before) + '\0';
  absl::Status read;
  PHAROS_RETURN_IF_ERROR(view.Scan(range, [&](std::string_view, std::string_view value) {
    const auto name = storage::Unwrap(value);
    InboxRow row;
    read = name.status();
    if (read.ok()) read = storage::GetRecord(view, RowKey(std::string(*name)), row).status();
    return read.ok() && visit(std::move(row));
  }));
  return read;
}

}  // namespace

absl::Status InboxStore::Take(storage::Transaction& tx, const type::v1::ReplyEvent& event) {
  PHAROS_ASSIGN_OR_RETURN(const std::optional<InboxRow> known, Load(tx, event.reply()));
  if (!event.forgotten()) return known ? absl::OkStatus() : TakeNew(tx, NewReply(event));
  if (!known) return absl::OkStatus();
  for (const auto& reader : known->readers()) tx.Delete(ListKey(FacetOf(reader), known->position()));
  InboxRow row = *known;
  Forget(row);
  storage::PutRecord(tx, RowKey(row.name()), row);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<InboxRow>> InboxStore::Load(const std::string& name) const {
  InboxRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(store_, RowKey(name), row));
  return found ? std::optional(std::move(row)) : std::nullopt;
}

absl::StatusOr<std::optional<InboxRow>> InboxStore::Load(storage::Transaction& tx, const std::string& name) {
  InboxRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(tx, RowKey(name), row));
  return found ? std::optional(std::move(row)) : std::nullopt;
}

absl::Status InboxStore::Save(storage::Transaction& tx, const InboxRow& before, const InboxRow& after) {
  storage::PutRecord(tx, RowKey(after.name()), after);
  if (before.state() == after.state()) return absl::OkStatus();
  for (const std::string& facet : FacetsOf(after)) {
    tx.Delete(ListKey(WithState(facet, before.state()), before.position()));
    PutInto(tx, WithState(facet, after.state()), after);
  }
  return AddToCounts(tx, after, 0, after.state() == v1::NEW ? 1 : -1);
}

absl::StatusOr<InboxStore::Page> InboxStore::List(const v1::ListRepliesRequest& request, size_t size) const {
  PHAROS_ASSIGN_OR_RETURN(const uint64_t before, PositionOf(request));
  std::string facet = FacetOf(request);
  if (request.state() != v1::REPLY_STATE_UNSPECIFIED) facet = WithState(facet, request.state());
  Page page;
  size_t looked = 0;
  uint64_t last = before;
  const auto view = store_.Read();
  PHAROS_RETURN_IF_ERROR(Walk(*view, facet, before, [&](InboxRow row) {
    if (row.create_time_us() < request.since_us() - kClockSlack) return false;
    if (page.rows.size() == size || looked++ == kMostLookedAt) {
      page.next_token = TokenOf(last, request);
      return false;
    }
    last = row.position();
    if (Fits(row, request)) page.rows.push_back(std::move(row));
    return true;
  }));
  return page;
}

absl::StatusOr<std::vector<InboxRow>> InboxStore::TextsOf(const type::v1::ReplyReader& reader,
                                                          uint64_t before, size_t size) const {
  std::vector<InboxRow> rows;
  const auto view = store_.Read();
  PHAROS_RETURN_IF_ERROR(Walk(*view, FacetOf(reader), before == 0 ? UINT64_MAX : before, [&](InboxRow row) {
    rows.push_back(std::move(row));
    return rows.size() < size;
  }));
  return rows;
}

absl::StatusOr<InboxCountRow> InboxStore::Count(const std::string& campaign) const {
  InboxCountRow count;
  PHAROS_RETURN_IF_ERROR(storage::GetRecord(store_, CountKey(campaign), count).status());
  return count;
}

}  // namespace pharos::engagement
