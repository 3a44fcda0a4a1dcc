// Handlers of InboxService. What replies say comes from dispatch, one call a page; nothing of it is kept
// here.
#pragma once

#include <string>
#include <vector>

#include "pharos/engagement/v1/inbox_service.serve.h"
#include "services/base/clock.h"
#include "services/engagement/inbox_reply.h"
#include "services/engagement/inbox_store.h"
#include "services/engagement/reply_client.h"

namespace pharos::engagement {

class InboxService : public v1::InboxServiceHandler {
 public:
  InboxService(storage::Store& store, const ReplyClient& replies, base::Clock& clock)
      : store_(store), inbox_(store), replies_(replies), clock_(clock) {}

  absl::Status ListReplies(rpc::Call& call, const v1::ListRepliesRequest& request,
                           v1::ListRepliesResponse& response) override;
  absl::Status GetReply(rpc::Call& call, const v1::GetReplyRequest& request, v1::Reply& response) override;
  absl::Status UpdateReply(rpc::Call& call, const v1::UpdateReplyRequest& request,
                           v1::Reply& response) override;
  absl::Status CountReplies(rpc::Call& call, const v1::CountRepliesRequest& request,
                            v1::CountRepliesResponse& response) override;
  absl::Status ListReceivedTexts(rpc::Call& call, const v1::ListReceivedTextsRequest& request,
                                 v1::ListReceivedTextsResponse& response) override;

 private:
  using Rows = std::vector<record::v1::InboxRow>;
  // Whole replies, as this caller may see them.
  absl::StatusOr<std::vector<v1::Reply>> Open(const rpc::Call& call, const Rows& rows) const;
  absl::StatusOr<dispatch::internal::v1::OpenRepliesResponse> Ask(const rpc::Call& call,
                                                                  const Rows& rows) const;
  absl::Status Audit(const rpc::Call& call, const Rows& rows) const;
  // The command, with its note sealed; and the request as it is remembered: a keyed hash stands for the note.
  absl::StatusOr<ReplyCommand> CommandOf(const rpc::Call& call, const v1::UpdateReplyRequest& request,
                                         v1::UpdateReplyRequest& masked) const;

  storage::Store& store_;
  const InboxStore inbox_;
  const ReplyClient& replies_;
  base::Clock& clock_;
};

}  // namespace pharos::engagement
