#include "services/engagement/inbox_service.h"

#include <algorithm>
#include <functional>
#include <map>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/engagement/errors.h"
#include "services/rpc/audit.h"
#include "services/rpc/once.h"

namespace pharos::engagement {

namespace inner = dispatch::internal::v1;
using record::v1::InboxRow;

namespace {

constexpr int kDefaultPage = 50;
constexpr int kMostOnAPage = 250;
constexpr char kReadChange[] = "reply.read";

size_t SizeOf(int asked, int usual) {
  return static_cast<size_t>(asked <= 0 ? usual : std::min(asked, kMostOnAPage));
}

v1::ReceivedText TextOf(const InboxRow& row, const std::string& campaign, inner::OpenedReply& opened) {
  v1::ReceivedText text;
  text.set_name(row.name());
  text.set_campaign(campaign);
  text.set_address(std::move(*opened.mutable_address()));
  text.set_sender(row.sender());
  text.set_text(std::move(*opened.mutable_text()));
  text.set_receive_time_us(row.receive_time_us());
  return text;
}

}  // namespace

absl::Status InboxService::Audit(const rpc::Call& call, const Rows& rows) const {
  std::vector<std::string> names;
  for (const InboxRow& row : rows) names.push_back(row.name());
  return rpc::AuditRead(call, store_, kReadChange, names, clock_.WallMicros());
}

absl::StatusOr<inner::OpenRepliesResponse> InboxService::Ask(const rpc::Call& call, const Rows& rows) const {
  inner::OpenRepliesRequest request;
  for (const InboxRow& row : rows) {
    auto* asked = request.add_replies();
    asked->set_name(row.name());
    asked->set_note(row.note());
  }
  return replies_.Open(request, call.RemainingMicros());
}

absl::StatusOr<std::vector<v1::Reply>> InboxService::Open(const rpc::Call& call, const Rows& rows) const {
  PHAROS_ASSIGN_OR_RETURN(inner::OpenRepliesResponse opened, Ask(call, rows));
  PHAROS_RETURN_IF_ERROR(Audit(call, rows));
  const bool contact = call.Has("people.read_personal");
  std::vector<v1::Reply> replies;
  for (size_t i = 0; i < rows.size(); ++i) {
    inner::OpenedReply& said = *opened.mutable_replies(static_cast<int>(i));
    replies.push_back(Show(rows[i]));
    replies.back().set_text(std::move(*said.mutable_text()));
    replies.back().set_note(std::move(*said.mutable_note()));
    if (contact) replies.back().set_address(std::move(*said.mutable_address()));
  }
  return replies;
}

absl::Status InboxService::ListReplies(rpc::Call& call, const v1::ListRepliesRequest& request,
                                       v1::ListRepliesResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(InboxStore::Page page,
                          inbox_.List(request, SizeOf(request.page_size(), kDefaultPage)));
  PHAROS_ASSIGN_OR_RETURN(std::vector<v1::Reply> replies, Open(call, page.rows));
  for (v1::Reply& reply : replies) *response.add_replies() = std::move(reply);
  response.set_next_page_token(page.next_token);
  return absl::OkStatus();
}

absl::Status InboxService::GetReply(rpc::Call& call, const v1::GetReplyRequest& request,
                                    v1::Reply& response) {
  PHAROS_ASSIGN_OR_RETURN(const std::optional<InboxRow> row, inbox_.Load(request.name()));
  if (!row) {
    PHAROS_RETURN_IF_ERROR(Audit(call, {}));
    return errors::ReplyNotFound();
  }
  PHAROS_ASSIGN_OR_RETURN(std::vector<v1::Reply> replies, Open(call, {*row}));
  response = std::move(replies.front());
  return absl::OkStatus();
}

absl::StatusOr<ReplyCommand> InboxService::CommandOf(const rpc::Call& call,
                                                     const v1::UpdateReplyRequest& request,
                                                     v1::UpdateReplyRequest& masked) const {
  masked = request;
  ReplyCommand command{request.state(), std::nullopt, request.etag(), call.caller().principal};
  if (!request.has_note()) return command;
  command.note = "";
  if (request.note().empty()) return command;
  inner::SealNoteRequest seal;
  seal.set_name(request.name());
  seal.set_note(request.note());
  PHAROS_ASSIGN_OR_RETURN(const inner::SealNoteResponse sealed,
                          replies_.SealNote(seal, call.RemainingMicros()));
  command.note = sealed.note();
  masked.set_note(base::ToHex(sealed.digest()));
  return command;
}

// The answer is remembered, and so has nothing personal in it.
absl::Status InboxService::UpdateReply(rpc::Call& call, const v1::UpdateReplyRequest& request,
                                       v1::Reply& response) {
  PHAROS_ASSIGN_OR_RETURN(const std::optional<InboxRow> known, inbox_.Load(request.name()));
  if (!known) return errors::ReplyNotFound();
  v1::UpdateReplyRequest masked;
  PHAROS_ASSIGN_OR_RETURN(const ReplyCommand command, CommandOf(call, request, masked));
  const int64_t now = clock_.WallMicros();
  return rpc::Once(
      call, store_, masked, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(const std::optional<InboxRow> row, InboxStore::Load(tx, request.name()));
        if (!row) return errors::ReplyNotFound();
        PHAROS_ASSIGN_OR_RETURN(const std::optional<ReplyDecision> decision, Decide(*row, command, now));
        response = Show(decision ? decision->row : *row);
        if (!decision) return absl::OkStatus();
        tx.AppendChange(rpc::ChangeBy(call, request.name(), decision->change, decision->row.revision(), now));
        return InboxStore::Save(tx, *row, decision->row);
      },
      now);
}

absl::Status InboxService::CountReplies(rpc::Call&, const v1::CountRepliesRequest& request,
                                        v1::CountRepliesResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const record::v1::InboxCountRow count, inbox_.Count(request.campaign()));
  *response.mutable_waiting_by_kind() = count.waiting_by_kind();
  *response.mutable_all_by_kind() = count.all_by_kind();
  int64_t waiting = 0;
  for (const auto& [kind, many] : count.waiting_by_kind()) waiting += many;
  response.set_waiting(waiting);
  return absl::OkStatus();
}

absl::Status InboxService::ListReceivedTexts(rpc::Call& call, const v1::ListReceivedTextsRequest& request,
                                             v1::ListReceivedTextsResponse& response) {
  uint64_t before = 0;
  if (!request.older_than().empty()) {
    PHAROS_ASSIGN_OR_RETURN(const std::optional<InboxRow> known, inbox_.Load(request.older_than()));
    if (!known) return Audit(call, {});
    before = known->position();
  }
  const size_t size = SizeOf(request.page_size(), kMostOnAPage);
  std::map<uint64_t, std::pair<InboxRow, std::string>, std::greater<>> found;  // by position: each text once
  for (const std::string& campaign : request.campaigns()) {
    type::v1::ReplyReader reader;
    reader.set_campaign(campaign);
    reader.set_principal(call.caller().principal);
    PHAROS_ASSIGN_OR_RETURN(const Rows texts, inbox_.TextsOf(reader, before, size));
    for (const InboxRow& row : texts) found.try_emplace(row.position(), row, campaign);
  }
  Rows rows;
  std::vector<std::string> campaigns;
  for (const auto& [position, text] : found) {
    if (rows.size() == size) break;
    rows.push_back(text.first);
    campaigns.push_back(text.second);
  }
  PHAROS_ASSIGN_OR_RETURN(inner::OpenRepliesResponse opened, Ask(call, rows));
  PHAROS_RETURN_IF_ERROR(Audit(call, rows));
  for (size_t i = 0; i < rows.size(); ++i)
    *response.add_texts() = TextOf(rows[i], campaigns[i], *opened.mutable_replies(static_cast<int>(i)));
  return absl::OkStatus();
}

}  // namespace pharos::engagement
