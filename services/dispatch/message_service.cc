#include "services/dispatch/message_service.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/content/sms_text.h"
#include "services/dispatch/errors.h"
#include "services/dispatch/message.h"
#include "services/dispatch/tables.h"
#include "services/rpc/audit.h"

namespace pharos::dispatch {
namespace {

constexpr int kDefaultPage = 100;
constexpr int kMaxPage = 1000;
constexpr size_t kMostLooked = 5'000;  // messages looked at for one page: a rare state must not read them all
constexpr int64_t kMostWaitMicros = 10'000'000;  // for customer

// The range of a list in its order, after the page token and after `older_than`.
struct Order {
  std::string prefix;  // of the table, up to the complement of the id
  storage::KeyRange range;
};

absl::StatusOr<Order> OrderOf(std::string prefix, const v1::ListMessagesRequest& request) {
  Order order{prefix, storage::PrefixRange(prefix)};
  const auto after = [&](const std::string& id) {
    if (id.size() != kMessageIdBytes) return false;
    order.range.begin = std::max(order.range.begin, prefix + Complement(id) + '\0');
    return true;
  };
  if (!request.older_than().empty() && !after(MessageIdOf(request.older_than())))
    return DispatchErrors::MessageNotFound();
  if (!request.page_token().empty() && !after(base::FromHex(request.page_token())))
    return DispatchErrors::PageTokenWrong();
  return order;
}

// What a repeat of a request is compared by: a keyed hash stands for what is personal in it, as the
// comparison lies on disk for a week.
v1::SendMessageRequest Masked(const v1::SendMessageRequest& request, const storage::BlindIndex& key) {
  std::string personal = request.address() + '\0' + request.reference() + '\0';
  for (const auto& [name, value] :
       std::map<std::string, std::string>(request.personalisation().begin(), request.personalisation().end()))
    personal += name + '\0' + value + '\0';
  v1::SendMessageRequest masked = request;
  masked.clear_personalisation();
  masked.clear_reference();
  masked.set_address(base::ToHex(key.Of("message-request", personal)));
  return masked;
}

std::string IntentName(const record::v1::IntentKey& key) {
  return key.campaign() + "/intents/" + key.step() + "-" + base::Segment(key.person(), "people");
}

// A sender sees what it has sent itself; whoever may see what people told us sees all.
bool MaySee(const rpc::Call& call, const record::v1::MessageRow& row) {
  return row.principal() == call.caller().principal || call.Has("people.read_personal");
}

bool Matches(const v1::ListMessagesRequest& request, const record::v1::IntentRow& intent) {
  if (request.channel() != type::v1::CHANNEL_UNSPECIFIED && request.channel() != intent.channel())
    return false;
  const auto& states = request.states();
  return states.empty() || std::find(states.begin(), states.end(), intent.state()) != states.end();
}

}  // namespace

absl::Status MessageService::SendMessage(rpc::Call& call, const v1::SendMessageRequest& request,
                                         v1::Message& response) {
  std::vector<Draft> drafts(1);
  drafts[0].request = &request;
  SendAll(call, drafts);
  response = std::move(drafts[0].shown);
  return drafts[0].status;
}

absl::Status MessageService::SendMessages(rpc::Call& call, const v1::SendMessagesRequest& request,
                                          v1::SendMessagesResponse& response) {
  std::vector<Draft> drafts(static_cast<size_t>(request.messages_size()));
  for (size_t i = 0; i < drafts.size(); ++i) drafts[i].request = &request.messages(static_cast<int>(i));
  SendAll(call, drafts);
  for (Draft& draft : drafts) {
    v1::SentMessage& result = *response.add_results();
    if (draft.status.ok()) {
      *result.mutable_message() = std::move(draft.shown);
      continue;
    }
    result.mutable_refusal()->set_reason(base::ReasonOf(draft.status));
    result.mutable_refusal()->set_text(std::string(base::FromAbsl(draft.status.message())));
    result.mutable_refusal()->set_retry(absl::IsUnavailable(draft.status));
  }
  return absl::OkStatus();
}

void MessageService::SendAll(rpc::Call& call, std::vector<Draft>& drafts) {
  for (Draft& draft : drafts) draft.status = Check(draft);
  Resolve(call, drafts);
  AcceptAll(drafts);
  for (Draft& draft : drafts) {
    if (draft.status.ok()) draft.status = Finish(draft);
  }
}

absl::Status MessageService::Check(Draft& draft) {
  const v1::SendMessageRequest& request = *draft.request;
  PHAROS_ASSIGN_OR_RETURN(draft.approved, steps_.Find(request.campaign()));
  if (draft.approved->RouteOf(request.channel()) == nullptr)
    return DispatchErrors::ChannelNotApproved(request.campaign());
  draft.text = draft.approved->OfTemplate(request.template_());
  const bool email = request.channel() == type::v1::CHANNEL_EMAIL;
  if (draft.text == nullptr || (email ? !draft.text->email : !draft.text->sms))
    return DispatchErrors::TemplateNotApproved(request.campaign(), request.template_());
  Brought brought =
      TakeValues(request.personalisation(), email ? draft.text->email->fields() : draft.text->sms->fields());
  if (!brought.missing.empty()) return DispatchErrors::PersonalisationMissing(brought.missing);
  PHAROS_RETURN_IF_ERROR(Write(*draft.approved, *draft.text, request.channel(), brought.values, draft.shown));
  draft.content.set_reference(request.reference());
  draft.content.mutable_personalisation()->insert(brought.values.begin(), brought.values.end());
  return absl::OkStatus();
}

absl::Status MessageService::Write(const StandingCampaign& approved, const MessageStepText& text,
                                   type::v1::Channel channel,
                                   const std::map<std::string, std::string>& values,
                                   v1::Message& response) const {
  response.set_campaign(approved.manifest.campaign());
  response.set_template_(text.template_name);
  response.set_template_version(text.template_version);
  response.set_channel(channel);
  if (const auto* route = approved.RouteOf(channel)) response.set_sender(route->sender());
  if (channel == type::v1::CHANNEL_EMAIL) {
    if (!text.email) return DispatchErrors::ChannelHasNoText();
    PHAROS_ASSIGN_OR_RETURN(content::Email email, text.email->Render(values));
    response.set_email_subject(std::move(email.subject));
    response.set_email_text(std::move(email.text));
    response.set_email_html(std::move(email.html));
    response.set_parts(1);
    return absl::OkStatus();
  }
  if (!text.sms) return DispatchErrors::ChannelHasNoText();
  PHAROS_ASSIGN_OR_RETURN(std::string sms, text.sms->Render(values));
  PHAROS_ASSIGN_OR_RETURN(const content::SmsText encoded, content::EncodeSms(sms));
  response.set_sms_text(std::move(sms));
  response.set_parts(static_cast<int32_t>(encoded.parts.size()));
  return absl::OkStatus();
}

void MessageService::Resolve(const rpc::Call& call, std::vector<Draft>& drafts) {
  std::vector<Draft*> asking;
  std::vector<RecipientClient::Question> questions;
  for (Draft& draft : drafts) {
    if (!draft.status.ok()) continue;
    asking.push_back(&draft);
    questions.push_back(
        {draft.request->channel(), draft.approved->manifest.source(), draft.request->address()});
  }
  const auto answers =
      parts_.recipients.Resolve(std::move(questions), std::min(kMostWaitMicros, call.RemainingMicros()));
  for (size_t i = 0; i < asking.size(); ++i)
    asking[i]->status = answers[i].ok() ? Make(call, *answers[i], *asking[i]) : answers[i].status();
}

absl::Status MessageService::Make(const rpc::Call& call, const customer::internal::v1::Recipient& recipient,
                                  Draft& draft) {
  if (recipient.person().empty()) return DispatchErrors::RecipientRefused(recipient.refused());
  const v1::SendMessageRequest& request = *draft.request;
  NewMessage& message = draft.message;
  draft.content.set_address(recipient.address());
  const int64_t now = parts_.clock.WallMicros();
  message.id = NewMessageId(now);
  const std::string name = MessageName(message.id);
  PHAROS_ASSIGN_OR_RETURN(MessageVault::Sealed sealed, parts_.vault.Seal(draft.content, message.id, now));
  record::v1::IntentKey& key = *message.intent.mutable_key();
  key.set_campaign(request.campaign());
  key.set_step(MessageStep(draft.text->step, message.id));
  key.set_person(recipient.person());
  message.intent.set_channel(request.channel());
  message.intent.set_endpoint(recipient.endpoint());
  *message.row.mutable_key() = key;
  message.row.set_create_time_us(TimeOfMessage(message.id));
  message.row.set_template_(draft.text->template_name);
  message.row.set_template_version(draft.text->template_version);
  message.row.set_principal(call.caller().principal);
  if (!request.reference().empty())
    message.row.set_reference(ReferenceHash(request.campaign(), request.reference()));
  message.row.set_content(std::move(sealed.envelope));
  message.key_id = sealed.key_id;
  message.change = rpc::ChangeBy(call, name, "message.accepted", 1, now);
  message.remembered.set_name(name);
  draft.first.emplace(call, Masked(request, parts_.reference_key), now);
  message.first = &*draft.first;
  return absl::OkStatus();
}

void MessageService::AcceptAll(std::vector<Draft>& drafts) {
  std::vector<Draft*> going;
  std::vector<NewMessage*> messages;
  for (Draft& draft : drafts) {
    if (!draft.status.ok()) continue;
    parts_.vault.Keep(draft.message.id, draft.content);  // before the loop may want it
    going.push_back(&draft);
    messages.push_back(&draft.message);
  }
  const std::vector<absl::Status> accepted = intake_.Accept(messages);
  for (size_t i = 0; i < going.size(); ++i) {
    going[i]->status = accepted[i];
    if (!accepted[i].ok() || messages[i]->repeated) parts_.vault.Drop(messages[i]->id);
  }
}

absl::Status MessageService::Finish(Draft& draft) {
  const NewMessage& message = draft.message;
  if (message.repeated) {
    PHAROS_ASSIGN_OR_RETURN(auto kept, Load(*parts_.store.Read(), MessageIdOf(message.remembered.name())));
    draft.shown.Clear();
    return kept ? Show(*kept, draft.shown) : DispatchErrors::MessageNotFound();
  }
  draft.shown.set_name(MessageName(message.id));
  draft.shown.set_address(draft.content.address());
  draft.shown.set_reference(draft.content.reference());
  draft.shown.set_create_time_us(message.row.create_time_us());
  draft.shown.set_intent(IntentName(message.row.key()));
  ShowIntent(message.intent, draft.shown);
  return absl::OkStatus();
}

std::string MessageService::ReferenceHash(const std::string& campaign, const std::string& reference) const {
  return parts_.reference_key.Of("message-reference", campaign + "\n" + reference);
}

absl::StatusOr<std::optional<MessageService::Kept>> MessageService::Load(const storage::View& view,
                                                                         const std::string& id) const {
  using Answer = std::optional<Kept>;
  if (id.size() != kMessageIdBytes) return Answer();
  Kept kept;
  kept.id = id;
  PHAROS_ASSIGN_OR_RETURN(bool found, storage::GetRecord(view, MessageKey(id), kept.row));
  if (!found) return Answer();
  PHAROS_ASSIGN_OR_RETURN(found, storage::GetRecord(view, IntentKeyOf(kept.row.key()), kept.intent));
  return found ? Answer(std::move(kept)) : Answer();
}

absl::Status MessageService::Show(Kept& kept, v1::Message& message) {
  PHAROS_ASSIGN_OR_RETURN(kept.content, parts_.vault.Open(kept.row.content(), kept.id));
  PHAROS_ASSIGN_OR_RETURN(const Approved approved, steps_.Find(kept.row.key().campaign()));
  const auto text = approved->texts.find(DeclaredStep(kept.row.key().step()));
  if (text == approved->texts.end()) return DispatchErrors::MessageDamaged();
  const std::map<std::string, std::string> values(kept.content.personalisation().begin(),
                                                  kept.content.personalisation().end());
  PHAROS_RETURN_IF_ERROR(Write(*approved, text->second, kept.intent.channel(), values, message));
  message.set_name(MessageName(kept.id));
  message.set_address(kept.content.address());
  message.set_reference(kept.content.reference());
  message.set_create_time_us(kept.row.create_time_us());
  message.set_intent(IntentName(kept.row.key()));
  ShowIntent(kept.intent, message);
  return absl::OkStatus();
}

absl::Status MessageService::GetMessage(rpc::Call& call, const v1::GetMessageRequest& request,
                                        v1::Message& response) {
  PHAROS_ASSIGN_OR_RETURN(auto kept, Load(*parts_.store.Read(), MessageIdOf(request.name())));
  if (kept && !MaySee(call, kept->row)) kept.reset();
  PHAROS_RETURN_IF_ERROR(
      Audit(call, kept ? std::vector<std::string>{request.name()} : std::vector<std::string>()));
  return kept ? Show(*kept, response) : DispatchErrors::MessageNotFound();
}

absl::Status MessageService::ListMessages(rpc::Call& call, const v1::ListMessagesRequest& request,
                                          v1::ListMessagesResponse& response) {
  const std::string prefix = request.reference().empty()
                                 ? storage::KeyWriter(kMessageOrder).String(request.parent()).str()
                                 : storage::KeyWriter(kMessageReference)
                                       .Raw(ReferenceHash(request.parent(), request.reference()))
                                       .str();
  PHAROS_ASSIGN_OR_RETURN(const Order order, OrderOf(prefix, request));
  const size_t page = request.page_size() <= 0 ? kDefaultPage : std::min(request.page_size(), kMaxPage);
  const auto view = parts_.store.Read();
  std::vector<Kept> found;
  size_t looked = 0;
  std::string last;
  absl::Status loaded;
  PHAROS_RETURN_IF_ERROR(view->Scan(order.range, [&](std::string_view key, std::string_view) {
    if (found.size() == page || looked++ == kMostLooked) {
      response.set_next_page_token(base::ToHex(last));
      return false;
    }
    last = Complement(key.substr(order.prefix.size()));
    auto kept = Load(*view, last);
    loaded = kept.status();
    if (!loaded.ok()) return false;
    if (*kept && MaySee(call, (*kept)->row) && Matches(request, (*kept)->intent))
      found.push_back(**std::move(kept));
    return true;
  }));
  PHAROS_RETURN_IF_ERROR(loaded);
  std::vector<std::string> envelopes, names;
  for (const Kept& kept : found) {
    envelopes.push_back(kept.row.content());
    names.push_back(MessageName(kept.id));
  }
  PHAROS_RETURN_IF_ERROR(parts_.vault.Prepare(envelopes));
  PHAROS_RETURN_IF_ERROR(Audit(call, names));
  for (Kept& kept : found) PHAROS_RETURN_IF_ERROR(Show(kept, *response.add_messages()));
  return absl::OkStatus();
}

// Durable before the answer; the loop owns the store.
absl::Status MessageService::Audit(const rpc::Call& call, const std::vector<std::string>& names) {
  return parts_.loop.Run([&](Turn& turn) {
    rpc::AuditReadIn(call, turn.tx, "message.read", names, turn.now_us);
    return absl::OkStatus();
  });
}

}  // namespace pharos::dispatch
