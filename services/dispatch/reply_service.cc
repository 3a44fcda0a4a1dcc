#include "services/dispatch/reply_service.h"

#include "services/base/errors.h"
#include "services/dispatch/errors.h"
#include "services/dispatch/inbox_reply.h"
#include "services/dispatch/message.h"
#include "services/dispatch/tables.h"
#include "storage/envelope.h"

namespace pharos::dispatch {

absl::StatusOr<std::string> ReplyService::ContentOf(const storage::View& view, const std::string& id) const {
  if (id.size() != kMessageIdBytes) return std::string();
  record::v1::ReplyNameRow name;
  PHAROS_ASSIGN_OR_RETURN(bool found, storage::GetRecord(view, ReplyNameKey(id), name));
  record::v1::ReplyRow row;
  if (found) {
    PHAROS_ASSIGN_OR_RETURN(found, storage::GetRecord(view, ReplyKey(name.reply_id()), row));
  }
  return row.content();
}

absl::Status ReplyService::OpenReplies(rpc::Call&, const internal::v1::OpenRepliesRequest& request,
                                       internal::v1::OpenRepliesResponse& response) {
  const auto view = store_.Read();
  std::vector<std::string> contents, envelopes;
  for (const auto& asked : request.replies()) {
    PHAROS_ASSIGN_OR_RETURN(std::string content, ContentOf(*view, ReplyIdOf(asked.name())));
    if (!content.empty()) envelopes.push_back(content);
    if (!asked.note().empty()) envelopes.push_back(asked.note());
    contents.push_back(std::move(content));
  }
  PHAROS_RETURN_IF_ERROR(vault_.Prepare(envelopes));
  for (int i = 0; i < request.replies_size(); ++i) {
    const auto& asked = request.replies(i);
    const std::string id = ReplyIdOf(asked.name());
    internal::v1::OpenedReply& opened = *response.add_replies();
    if (const std::string& content = contents[static_cast<size_t>(i)]; !content.empty()) {
      PHAROS_ASSIGN_OR_RETURN(record::v1::ReplyContentRow row, vault_.OpenReply(content, id));
      opened.set_text(std::move(*row.mutable_text()));
      opened.set_address(std::move(*row.mutable_address()));
    }
    if (!asked.note().empty()) {
      PHAROS_ASSIGN_OR_RETURN(std::string note, vault_.OpenNote(asked.note(), id));
      opened.set_note(std::move(note));
    }
  }
  return absl::OkStatus();
}

absl::Status ReplyService::SealNote(rpc::Call&, const internal::v1::SealNoteRequest& request,
                                    internal::v1::SealNoteResponse& response) {
  const std::string id = ReplyIdOf(request.name());
  PHAROS_ASSIGN_OR_RETURN(const std::string content, ContentOf(*store_.Read(), id));
  if (content.empty()) return DispatchErrors::ReplyForgotten();
  PHAROS_ASSIGN_OR_RETURN(std::string note, vault_.SealNote(request.note(), content, id));
  response.set_note(std::move(note));
  response.set_digest(reference_key_.Of("reply-note", request.name() + "\n" + request.note()));
  return absl::OkStatus();
}

}  // namespace pharos::dispatch
