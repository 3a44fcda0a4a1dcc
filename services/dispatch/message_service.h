// Single messages: one at a time, under what two people approved once. A handler thread checks and renders,
// customer says whose address it is, and the loop takes many at once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pharos/dispatch/v1/message_service.serve.h"
#include "services/base/clock.h"
#include "services/dispatch/message_intake.h"
#include "services/dispatch/message_steps.h"
#include "services/dispatch/message_vault.h"
#include "services/dispatch/recipient_client.h"
#include "storage/blind_index.h"

namespace pharos::dispatch {

class MessageService : public v1::MessageServiceHandler {
 public:
  struct Parts {
    const storage::Store& store;
    TurnLoop& loop;
    Desk& desk;
    MessageVault& vault;
    RecipientClient& recipients;
    const storage::BlindIndex& reference_key;
    base::Clock& clock;
  };
  explicit MessageService(const Parts& parts)
      : parts_(parts), steps_(parts.store), intake_(parts.loop, parts.desk) {}

  absl::Status SendMessage(rpc::Call& call, const v1::SendMessageRequest& request,
                           v1::Message& response) override;
  absl::Status SendMessages(rpc::Call& call, const v1::SendMessagesRequest& request,
                            v1::SendMessagesResponse& response) override;
  absl::Status GetMessage(rpc::Call& call, const v1::GetMessageRequest& request,
                          v1::Message& response) override;
  absl::Status ListMessages(rpc::Call& call, const v1::ListMessagesRequest& request,
                            v1::ListMessagesResponse& response) override;

 private:
  using Approved = std::shared_ptr<const StandingCampaign>;
  // What is kept of a message and its intent, opened.
  struct Kept {
    std::string id;
    record::v1::MessageRow row;
    record::v1::IntentRow intent;
    record::v1::MessageContentRow content;
  };
  // The text with its values into `response`; the error is why it cannot be said.
  absl::Status Write(const StandingCampaign& approved, const MessageStepText& text, type::v1::Channel channel,
                     const std::map<std::string, std::string>& values, v1::Message& response) const;
  // One message on its way; it is over as soon as `status` is not OK.
  struct Draft {
    const v1::SendMessageRequest* request = nullptr;
    absl::Status status;
    Approved approved;
    const MessageStepText* text = nullptr;  // of `approved`
    record::v1::MessageContentRow content;
    NewMessage message;
    std::optional<rpc::FirstAnswer> first;
    v1::Message shown;
  };
  // Accepts them together; each ends with its status and what is shown of it.
  void SendAll(rpc::Call& call, std::vector<Draft>& drafts);
  absl::Status Check(Draft& draft);
  void Resolve(const rpc::Call& call, std::vector<Draft>& drafts);
  absl::Status Make(const rpc::Call& call, const customer::internal::v1::Recipient& recipient, Draft& draft);
  void AcceptAll(std::vector<Draft>& drafts);
  absl::Status Finish(Draft& draft);
  std::string ReferenceHash(const std::string& campaign, const std::string& reference) const;
  // nullopt: there is none.
  absl::StatusOr<std::optional<Kept>> Load(const storage::View& view, const std::string& id) const;
  absl::Status Show(Kept& kept, v1::Message& message);
  absl::Status Audit(const rpc::Call& call, const std::vector<std::string>& names);

  const Parts parts_;
  MessageSteps steps_;
  MessageIntake intake_;
};

}  // namespace pharos::dispatch
