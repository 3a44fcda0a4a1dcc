// A new campaign in two steps. What the first one said stays in the form until the campaign can be made: a
// campaign has an audience, a purpose, a template and a way from its beginning.
#include <fmt/format.h>

#include <cctype>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/console/campaign_pages.h"

namespace pharos::edge::console {
namespace {

namespace v1 = campaign::v1;

constexpr size_t kMostOfName = 40;  // of an id; a suffix makes it unique

// "Quit smoking: spring!" → "quit-smoking-spring".
std::string IdFrom(std::string_view name) {
  std::string id;
  for (const char c : name.substr(0, kMostOfName)) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (plain) id += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (!plain && !id.empty() && id.back() != '-') id += '-';
  }
  while (!id.empty() && id.back() == '-') id.pop_back();
  return id.empty() ? "campaign" : id;
}

Reply StepOne(Visit& visit, const FieldErrors& errors) {
  PageOfBlocks page(visit, "Who is it for?", "/console/campaigns");
  page.Caption("Start a campaign, step 1 of 2");
  FormBlock form;
  form.fields = WhoFields(visit, {});
  Refill(form.fields, visit.form);
  form.submits = {{"Continue", "step", "1"}};
  form.errors = errors;
  page.Add(form);
  AddCopyAs(
      page.model(),
      "pharos campaign create quit-2 --audience public --purpose stop-smoking --template quit-1 --sender "
      "60777",
      "campaign.v1.CampaignService/CreateCampaign",
      R"j({"campaignId": "quit-2", "campaign": {"audience": "audiences/public", "purpose": "purposes/stop-smoking", "template": "templates/quit-1", "channels": ["CHANNEL_SMS"], "smsSender": "60777"}})j");
  return errors.empty() ? page.Show() : page.ShowWith(errors);
}

Reply StepTwo(Visit& visit, const FieldErrors& errors) {
  PageOfBlocks page(visit, "What is sent?", "/console/campaigns/new");
  page.Caption("Start a campaign, step 2 of 2");
  FormBlock form;
  form.fields = WhatFields(visit, {});
  if (visit.form.Get("step") == "2") Refill(form.fields, visit.form);
  for (const char* kept : {"display_name", "audience", "purpose"}) {
    form.fields.push_back({Field::Kind::kHidden, kept});
    form.fields.back().value = visit.form.Get(kept);
  }
  form.submits = {{"Save and continue", "step", "2"}};
  form.errors = errors;
  page.Add(form);
  return errors.empty() ? page.Show() : page.ShowWith(errors);
}

absl::StatusOr<Reply> ShowNew(Visit& visit) {
  return StepOne(visit, {});
}

absl::StatusOr<Reply> Create(Visit& visit) {
  v1::CreateCampaignRequest request;
  v1::Campaign& campaign = *request.mutable_campaign();
  if (const FieldErrors errors = TakeWho(visit.form, campaign); !errors.empty())
    return StepOne(visit, errors);
  if (visit.form.Get("step") != "2") return StepTwo(visit, {});
  if (const FieldErrors errors = TakeWhat(visit.form, campaign); !errors.empty())
    return StepTwo(visit, errors);
  request.set_campaign_id(IdFrom(campaign.display_name()));
  request.set_request_id(visit.form.Get("request_id"));
  v1::Campaign made;
  absl::Status status = visit.Call(request, &made);
  if (absl::IsAlreadyExists(status)) {
    // The same name again is another campaign: the id gets the end of this form's request id, which a second
    // click repeats.
    const std::string once = visit.form.Get("request_id");
    std::string end;
    for (const char c : once.substr(once.size() - std::min<size_t>(once.size(), 6)))
      if (std::isalnum(static_cast<unsigned char>(c)) != 0)
        end += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    request.set_campaign_id(fmt::format("{}-{}", request.campaign_id(), end.empty() ? "2" : end));
    request.set_request_id(once + "-2");
    status = visit.Call(request, &made);
  }
  if (status.ok()) return Go("/console/" + made.name(), "The campaign is saved as a draft.");
  if (!IsMendable(status)) return status;
  return StepTwo(visit, {{"", WordsOf(status)}});
}

}  // namespace

void AddCampaignNewPages(Routes& routes) {
  routes.Get("/console/campaigns/new", "campaigns.write", &ShowNew);
  routes.Post("/console/campaigns/new", "campaigns.write", &Create);
}

}  // namespace pharos::edge::console
