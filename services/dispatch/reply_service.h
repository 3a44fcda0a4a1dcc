// What is personal in replies, opened for engagement's inbox. Thread-safe; calls may wait for access.
#pragma once

#include "pharos/dispatch/internal/v1/reply_service.pb.h"
#include "pharos/dispatch/internal/v1/reply_service.serve.h"
#include "pharos/record/v1/dispatch.pb.h"
#include "services/dispatch/message_vault.h"
#include "storage/blind_index.h"
#include "storage/store.h"

namespace pharos::dispatch {

class ReplyService : public internal::v1::ReplyServiceHandler {
 public:
  ReplyService(const storage::Store& store, MessageVault& vault, const storage::BlindIndex& reference_key)
      : store_(store), vault_(vault), reference_key_(reference_key) {}

  absl::Status OpenReplies(rpc::Call& call, const internal::v1::OpenRepliesRequest& request,
                           internal::v1::OpenRepliesResponse& response) override;
  absl::Status SealNote(rpc::Call& call, const internal::v1::SealNoteRequest& request,
                        internal::v1::SealNoteResponse& response) override;

 private:
  // The envelope of what a reply says; "" if there is none, or it is not kept any more.
  absl::StatusOr<std::string> ContentOf(const storage::View& view, const std::string& id) const;

  const storage::Store& store_;
  MessageVault& vault_;
  const storage::BlindIndex& reference_key_;
};

}  // namespace pharos::dispatch
