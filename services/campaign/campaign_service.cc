#include "services/campaign/campaign_service.h"

#include <fmt/format.h>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/campaign/campaign_store.h"
#include "services/campaign/draft.h"
#include "services/campaign/errors.h"
#include "services/campaign/standing.h"
#include "services/campaign/submission.h"
#include "services/campaign/template_store.h"
#include "services/content/email_text.h"
#include "services/rpc/once.h"

namespace pharos::campaign {

using google::protobuf::Message;
using record::v1::CampaignRow;

namespace {

// The change log's name of what a verb did.
std::string_view KindOf(Verb verb) {
  switch (verb) {
    case Verb::kSubmit:
      return "campaign.submitted";
    case Verb::kApprove:
      return "campaign.approved";
    case Verb::kReject:
      return "campaign.rejected";
    case Verb::kLaunch:
      return "campaign.launched";
    case Verb::kPause:
      return "campaign.paused";
    case Verb::kResume:
      return "campaign.resumed";
    case Verb::kStop:
      return "campaign.stopped";
    case Verb::kFinish:
      return "campaign.finished";
    case Verb::kUpdate:
      return "campaign.updated";
  }
  return "";
}

v1::Campaign& Whole(Message& response) {
  return static_cast<v1::Campaign&>(response);
}
v1::Campaign& OfStop(Message& response) {
  return *static_cast<v1::StopCampaignResponse&>(response).mutable_campaign();
}
absl::Status Nothing(CampaignRow&) {
  return absl::OkStatus();
}

void AddTally(const dispatch::v1::Tally& tally, v1::Report& report) {
  report.set_intents(tally.intents());
  report.set_pending(tally.pending());
  report.set_in_flight(tally.in_flight());
  report.set_sent(tally.sent());
  report.set_delivered(tally.delivered());
  *report.mutable_failed() = tally.failed();
  report.set_unconfirmed(tally.unconfirmed());
  *report.mutable_withheld() = tally.withheld();
  report.set_bounced(tally.bounced());
  report.set_opted_out(tally.opted_out());
  *report.mutable_accepted_by_channel() = tally.accepted_by_channel();
  report.set_complained(tally.complained());
  report.set_parts(tally.parts());
  report.set_cost_micropounds(tally.cost_micropounds());
}

// What was followed, by the addresses of the text that was approved.
void AddLinks(const CampaignRow& row, const dispatch::v1::Tally& tally, v1::Report& report) {
  report.set_followed(tally.followed());
  const auto& text = row.frozen().content();
  if (!row.campaign().measure_links() || text.email_body().empty()) return;
  const auto email = content::EmailTemplate::Parse(text.email_subject(), text.email_body());
  if (!email.ok()) return;
  for (size_t i = 0; i < email->links().size(); ++i) {
    v1::FollowedLink& link = *report.add_followed_links();
    link.set_url(email->links()[i]);
    link.set_link(static_cast<int>(i + 1));
    const auto at = tally.followed_by_link().find(fmt::format("{}/{}", kStep, i + 1));
    if (at != tally.followed_by_link().end()) link.set_followed(at->second);
  }
}

// The templates are there and have the texts that they need.
absl::Status CheckTemplates(storage::Transaction& tx, const v1::Campaign& asked) {
  for (const std::string& name : TemplatesOf(asked)) {
    record::v1::TemplateRow text;
    PHAROS_ASSIGN_OR_RETURN(const bool written, FindTemplate(tx, name, text));
    if (!written) return errors::TemplateNotFound(name);
    PHAROS_RETURN_IF_ERROR(CheckTemplateFor(asked, text));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CampaignHandler::CreateCampaign(rpc::Call& call, const v1::CreateCampaignRequest& request,
                                             v1::Campaign& response) {
  if (!base::IsChosenId(request.campaign_id())) return errors::IdWrong("campaign_id", request.campaign_id());
  const std::string name = "campaigns/" + request.campaign_id();
  const int64_t now = clock_.WallMicros();
  PHAROS_RETURN_IF_ERROR(CheckDraft(request.campaign(), now));
  PHAROS_RETURN_IF_ERROR(CheckKind(request.campaign()));
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        CampaignRow row;
        PHAROS_ASSIGN_OR_RETURN(const bool exists, FindCampaign(tx, name, row));
        if (exists) return errors::CampaignExists(name);
        PHAROS_RETURN_IF_ERROR(CheckTemplates(tx, request.campaign()));
        *row.mutable_campaign() = MakeDraft(name, request.campaign(), now);
        row.set_editor(call.caller().principal);
        SaveCampaign(tx, row);
        tx.AppendChange(rpc::ChangeBy(call, name, "campaign.created", row.revision(), now));
        response = row.campaign();
        return absl::OkStatus();
      },
      now);
}

absl::Status CampaignHandler::GetCampaign(rpc::Call&, const v1::GetCampaignRequest& request,
                                          v1::Campaign& response) {
  PHAROS_ASSIGN_OR_RETURN(const CampaignRow row, LoadCampaign(store_, request.name()));
  response = row.campaign();
  return absl::OkStatus();
}

absl::Status CampaignHandler::ListCampaigns(rpc::Call&, const v1::ListCampaignsRequest& request,
                                            v1::ListCampaignsResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const CampaignPage page,
                          ListCampaignRows(store_, request.page_size(), request.page_token()));
  for (const CampaignRow& row : page.rows) *response.add_campaigns() = row.campaign();
  response.set_next_page_token(page.next_page_token);
  return absl::OkStatus();
}

absl::Status CampaignHandler::UpdateCampaign(rpc::Call& call, const v1::UpdateCampaignRequest& request,
                                             v1::Campaign& response) {
  const v1::Campaign& asked = request.campaign();
  const std::string& name = asked.name();
  if (asked.etag().empty()) return errors::EtagMissing(name);
  const int64_t now = clock_.WallMicros();
  PHAROS_RETURN_IF_ERROR(CheckDraft(asked, now));
  PHAROS_RETURN_IF_ERROR(CheckKind(asked));
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(CampaignRow row, LoadCampaign(tx, name));
        PHAROS_ASSIGN_OR_RETURN(const v1::CampaignState next,
                                Next(name, row.campaign().state(), Verb::kUpdate));
        if (asked.etag() != row.campaign().etag()) return errors::EtagMismatch(name);
        PHAROS_RETURN_IF_ERROR(CheckTemplates(tx, asked));
        Void(row);
        v1::Campaign draft = MakeDraft(name, asked, row.campaign().create_time_us());
        draft.set_state(next);
        draft.set_returned_reason(row.campaign().returned_reason());
        draft.set_returned_by(row.campaign().returned_by());
        *row.mutable_campaign() = std::move(draft);
        row.set_editor(call.caller().principal);
        SaveCampaign(tx, row);
        tx.AppendChange(rpc::ChangeBy(call, name, KindOf(Verb::kUpdate), row.revision(), now));
        response = row.campaign();
        return absl::OkStatus();
      },
      now);
}

absl::Status CampaignHandler::Change(rpc::Call& call, std::string_view name, Verb verb,
                                     const Message& request, Message& response,
                                     v1::Campaign& (*shown)(Message&), const Apply& apply) {
  const int64_t now = clock_.WallMicros();
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(CampaignRow row, LoadCampaign(tx, name));
        const v1::CampaignState before = row.campaign().state();
        PHAROS_ASSIGN_OR_RETURN(const v1::CampaignState next, Next(name, before, verb));
        if (next != before) {
          PHAROS_RETURN_IF_ERROR(apply(row));
          row.mutable_campaign()->set_state(next);
          SaveCampaign(tx, row);
          tx.AppendChange(rpc::ChangeBy(call, name, KindOf(verb), row.revision(), now));
        }
        shown(response) = row.campaign();
        return absl::OkStatus();
      },
      now);
}

absl::Status CampaignHandler::Change(rpc::Call& call, std::string_view name, Verb verb,
                                     const Message& request, v1::Campaign& response, const Apply& apply) {
  return Change(call, name, verb, request, response, &Whole, apply);
}

absl::StatusOr<std::optional<Gathered>> CampaignHandler::Gather(const v1::SubmitCampaignRequest& request,
                                                                std::string_view principal) {
  const std::string& name = request.name();
  const int64_t now = clock_.WallMicros();
  PHAROS_ASSIGN_OR_RETURN(const CampaignRow row, LoadCampaign(store_, name));
  const v1::Campaign& draft = row.campaign();
  if (!Allows(draft.state(), Verb::kSubmit)) return std::optional<Gathered>();
  Gathered gathered;
  gathered.etag = draft.etag();
  PHAROS_RETURN_IF_ERROR(CheckNotPast(draft, now));
  PHAROS_RETURN_IF_ERROR(CheckDraft(draft, now));
  for (const std::string& text : TemplatesOf(draft)) {
    PHAROS_ASSIGN_OR_RETURN(gathered.texts.emplace_back(), LoadTemplate(store_, text, 0));
    PHAROS_RETURN_IF_ERROR(CheckTemplateFor(draft, gathered.texts.back()));
  }
  PHAROS_ASSIGN_OR_RETURN(gathered.purpose, peers_.GetPurpose(draft.purpose(), principal));
  if (gathered.purpose.retire_time_us() != 0) return errors::PurposeRetired(draft.purpose());
  PHAROS_RETURN_IF_ERROR(CheckRulesFor(draft, gathered.purpose.purpose_class()));
  if (IsStanding(draft)) return std::optional<Gathered>(std::move(gathered));
  PHAROS_ASSIGN_OR_RETURN(const audience::v1::Audience audience,
                          peers_.GetAudience(draft.audience(), principal));
  audience::internal::v1::PinMembersRequest pin;
  // A repeated submission pins once; another one of the same draft pins anew, as the people have changed
  // since.
  const std::string repeat = request.request_id().empty() ? base::NewId(now) : request.request_id();
  pin.set_request_id(base::ToHex(base::Sha256(fmt::format("pin\n{}\n{}\n{}\n", name, draft.etag(), repeat))));
  pin.set_campaign(name);
  pin.set_filter(audience.filter());
  pin.set_purpose(draft.purpose());
  *pin.mutable_channels() = draft.channels();
  PHAROS_ASSIGN_OR_RETURN(gathered.pin, peers_.PinMembers(pin, principal));
  return std::optional<Gathered>(std::move(gathered));
}

absl::Status CampaignHandler::SubmitCampaign(rpc::Call& call, const v1::SubmitCampaignRequest& request,
                                             v1::Campaign& response) {
  const std::string& author = call.caller().principal;
  PHAROS_ASSIGN_OR_RETURN(const std::optional<Gathered> gathered, Gather(request, author));
  return Change(call, request.name(), Verb::kSubmit, request, response,
                [&](CampaignRow& row) -> absl::Status {
                  if (!gathered || gathered->etag != row.campaign().etag())
                    return errors::EtagMismatch(request.name());
                  Freeze(row, *gathered, author);
                  return absl::OkStatus();
                });
}

absl::StatusOr<std::optional<type::v1::SignedApproval>> CampaignHandler::Sign(
    const v1::ApproveCampaignRequest& request, std::string_view approver) {
  using Answer = std::optional<type::v1::SignedApproval>;
  PHAROS_ASSIGN_OR_RETURN(const CampaignRow row, LoadCampaign(store_, request.name()));
  if (!Allows(row.campaign().state(), Verb::kApprove)) return Answer();
  if (!CheckApproval(row.campaign(), approver, request.digest()).ok()) return Answer();
  PHAROS_ASSIGN_OR_RETURN(type::v1::SignedApproval signed_now,
                          peers_.SignApproval(row.frozen().manifest(), approver));
  return Answer(std::move(signed_now));
}

// Signs first, then commits: the commit looks again whether what was signed is what the campaign holds.
absl::Status CampaignHandler::ApproveCampaign(rpc::Call& call, const v1::ApproveCampaignRequest& request,
                                              v1::Campaign& response) {
  const std::string& approver = call.caller().principal;
  PHAROS_ASSIGN_OR_RETURN(const auto approval, Sign(request, approver));
  return Change(call, request.name(), Verb::kApprove, request, response,
                [&](CampaignRow& row) -> absl::Status {
                  PHAROS_RETURN_IF_ERROR(CheckApproval(row.campaign(), approver, request.digest()));
                  if (row.editor() == approver)
                    return errors::ApproverIsAuthor(request.name());             // wrote it last
                  if (!approval) return errors::DigestMismatch(request.name());  // submitted meanwhile
                  return TakeApproval(row, *approval, approver);
                });
}

absl::Status CampaignHandler::RejectCampaign(rpc::Call& call, const v1::RejectCampaignRequest& request,
                                             v1::Campaign& response) {
  return Change(call, request.name(), Verb::kReject, request, response, [&](CampaignRow& row) {
    Void(row);
    row.mutable_campaign()->set_returned_reason(request.reason());
    row.mutable_campaign()->set_returned_by(call.caller().principal);
    return absl::OkStatus();
  });
}

absl::Status CampaignHandler::LaunchCampaign(rpc::Call& call, const v1::LaunchCampaignRequest& request,
                                             v1::Campaign& response) {
  const int64_t now = clock_.WallMicros();
  PHAROS_RETURN_IF_ERROR(
      Change(call, request.name(), Verb::kLaunch, request, response, [&](CampaignRow& row) {
        row.mutable_campaign()->set_launch_time_us(now);
        return CheckNotPast(row.campaign(), now);
      }));
  loop_.Wake();
  return absl::OkStatus();
}

absl::Status CampaignHandler::PauseCampaign(rpc::Call& call, const v1::PauseCampaignRequest& request,
                                            v1::Campaign& response) {
  PHAROS_RETURN_IF_ERROR(Change(call, request.name(), Verb::kPause, request, response, &Nothing));
  if (steering_.Assert(request.name(), /*again=*/true).ok()) return absl::OkStatus();
  loop_.Wake();
  return errors::SteeringUnconfirmed(request.name(), "PAUSED");
}

absl::Status CampaignHandler::ResumeCampaign(rpc::Call& call, const v1::ResumeCampaignRequest& request,
                                             v1::Campaign& response) {
  PHAROS_ASSIGN_OR_RETURN(const CampaignRow row, LoadCampaign(store_, request.name()));
  const bool runs = row.campaign().state() == v1::RUNNING;
  PHAROS_RETURN_IF_ERROR(Change(call, request.name(), Verb::kResume, request, response, &Nothing));
  if (runs) return GoOn(call, request.name());
  loop_.Wake();  // late is harmless here: until dispatch hears of it, nothing leaves
  return absl::OkStatus();
}

// Of a campaign that nothing holds there is nothing to resume, and its canary must not be cut short.
absl::Status CampaignHandler::GoOn(rpc::Call& call, const std::string& name) {
  PHAROS_ASSIGN_OR_RETURN(const dispatch::v1::Tally tally, peers_.GetTally(name, call.caller().principal));
  if (tally.held().empty()) return absl::OkStatus();
  if (!steering_.GoOn(name).ok()) return errors::GoOnUnheard(name);
  return store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    PHAROS_ASSIGN_OR_RETURN(const CampaignRow row, LoadCampaign(tx, name));
    tx.AppendChange(rpc::ChangeBy(call, name, "campaign.went_on", row.revision(), clock_.WallMicros()));
    return absl::OkStatus();
  });
}

absl::Status CampaignHandler::StopCampaign(rpc::Call& call, const v1::StopCampaignRequest& request,
                                           v1::StopCampaignResponse& response) {
  PHAROS_RETURN_IF_ERROR(Change(call, request.name(), Verb::kStop, request, response, &OfStop, &Nothing));
  if (!steering_.Assert(request.name(), /*again=*/false).ok()) {
    loop_.Wake();
    return errors::SteeringUnconfirmed(request.name(), "STOPPED");
  }
  PHAROS_ASSIGN_OR_RETURN(const CampaignRow row, LoadCampaign(store_, request.name()));
  response.set_left(row.launch().left());
  response.set_in_flight(row.launch().in_flight());
  response.set_not_sent(row.launch().not_sent());
  return absl::OkStatus();
}

absl::Status CampaignHandler::GetReport(rpc::Call& call, const v1::GetReportRequest& request,
                                        v1::Report& response) {
  PHAROS_ASSIGN_OR_RETURN(const CampaignRow row, LoadCampaign(store_, request.name()));
  const v1::Campaign& c = row.campaign();
  response.set_name(c.name());
  response.set_state(c.state());
  response.set_matched(c.matched());
  response.set_members(c.members());
  *response.mutable_excluded() = c.excluded();
  if (c.launch_time_us() == 0) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(const dispatch::v1::Tally tally,
                          peers_.GetTally(c.name(), call.caller().principal));
  AddTally(tally, response);
  AddLinks(row, tally, response);
  if (IsStanding(c)) {  // its members are those whom it has been given one by one
    response.set_matched(tally.declared());
    response.set_members(tally.declared());
  }
  // Of one that was paused or is over, its own state says why nothing leaves.
  if (c.state() == v1::RUNNING) response.set_held(tally.held());
  return absl::OkStatus();
}

}  // namespace pharos::campaign
