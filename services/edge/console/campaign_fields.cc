// The two forms that make a campaign: who and what for; which text, how and from whom.
#include <fmt/format.h>

#include <algorithm>

#include "pharos/campaign/v1/template_service.pb.h"
#include "services/base/ids.h"
#include "services/edge/console/audience_pages.h"
#include "services/edge/console/campaign_pages.h"

namespace pharos::edge::console {
namespace {

namespace v1 = campaign::v1;

std::vector<Choice> AudienceChoices(const Visit& visit) {
  std::vector<Choice> choices = {{"", "Choose an audience", ""}};
  audience::v1::ListAudiencesRequest request;
  request.set_page_size(1'000);
  audience::v1::ListAudiencesResponse response;
  if (!visit.Call(request, &response).ok()) return choices;
  for (const auto& audience : response.audiences())
    choices.push_back({audience.name(), NameForPeople(audience), ""});
  return choices;
}

std::vector<Choice> TemplateChoices(const Visit& visit) {
  std::vector<Choice> choices = {{"", "Choose a template", ""}};
  v1::ListTemplatesRequest request;
  request.set_page_size(1'000);
  v1::ListTemplatesResponse response;
  if (!visit.Call(request, &response).ok()) return choices;
  for (const v1::Template& text : response.templates()) {
    if (text.single_messages()) continue;
    choices.push_back(
        {text.name(),
         text.display_name().empty() ? base::Segment(text.name(), "templates") : text.display_name(), ""});
  }
  return choices;
}

}  // namespace

std::vector<Field> WhoFields(const Visit& visit, const v1::Campaign& campaign) {
  Field name{Field::Kind::kText, "display_name", "Campaign name", "Only you and your colleagues see it"};
  name.value = campaign.display_name();
  Field audience{Field::Kind::kSelect, "audience", "Who is it for?",
                 "Make a new one under Audiences if none fits"};
  audience.choices = AudienceChoices(visit);
  audience.value = campaign.audience();
  Field purpose{Field::Kind::kSelect, "purpose", "What is it for?",
                "Decides who may be written to: only those who agreed to this, where agreement is needed"};
  purpose.choices = PurposeChoices(visit, "Choose a purpose");
  purpose.value = campaign.purpose();
  return {name, audience, purpose};
}

std::vector<Field> WhatFields(const Visit& visit, const v1::Campaign& campaign) {
  Field text{Field::Kind::kSelect, "template", "Template", ""};
  text.choices = TemplateChoices(visit);
  text.value = campaign.template_();
  Field how{Field::Kind::kRadios, "how", "How is it sent?", ""};
  how.choices = {{"1", "Text message", ""},
                 {"2", "Email", ""},
                 {"12", "Text message, or email for those who cannot get one", ""},
                 {"21", "Email, or text message for those who cannot get one", ""}};
  for (const int channel : campaign.channels()) how.value += std::to_string(channel);
  Field fallback{Field::Kind::kCheckboxes, "fallback", "If a message is known to have failed", ""};
  fallback.choices = {{"1", "Try the other way too", ""}};
  if (campaign.fallback()) fallback.chosen = {"1"};
  Field measure{
      Field::Kind::kCheckboxes, "measure_links", "Links in emails",
      "People who agreed to be measured get links by way of a page of ours; nobody else’s links change"};
  measure.choices = {{"1", "Count who follows links (only people who agreed to it)", ""}};
  if (campaign.measure_links()) measure.chosen = {"1"};
  Field sender{Field::Kind::kText, "sms_sender", "Text messages come from",
               "A number, a short code, or a name of up to 11 characters"};
  sender.value = campaign.sms_sender();
  sender.width = "govuk-input--width-20";
  Field from{Field::Kind::kText, "email_from", "Emails come from",
             "An email address; needed if emails are sent"};
  from.value = campaign.email_from();
  Field name{Field::Kind::kText, "email_from_name", "Name shown with it",
             "For example, Stop Smoking Service"};
  name.value = campaign.email_from_name();
  return {text, how, fallback, sender, from, name, measure};
}

FieldErrors TakeWho(const FormValues& form, v1::Campaign& campaign) {
  FieldErrors errors;
  campaign.set_display_name(form.Get("display_name"));
  campaign.set_audience(form.Get("audience"));
  campaign.set_purpose(form.Get("purpose"));
  if (campaign.display_name().empty()) errors.emplace_back("display_name", "Enter a name for the campaign");
  if (campaign.audience().empty()) errors.emplace_back("audience", "Choose who it is for");
  if (campaign.purpose().empty()) errors.emplace_back("purpose", "Choose what it is for");
  return errors;
}

FieldErrors TakeWhat(const FormValues& form, v1::Campaign& campaign) {
  FieldErrors errors;
  campaign.set_template_(form.Get("template"));
  campaign.clear_channels();
  const std::string how = form.Get("how");
  if (how == "1" || how == "2" || how == "12" || how == "21")
    for (const char c : how) campaign.add_channels(static_cast<type::v1::Channel>(c - '0'));
  campaign.set_fallback(form.Get("fallback") == "1" && how.size() == 2);
  campaign.set_measure_links(form.Get("measure_links") == "1" && how.find('2') != std::string::npos);
  campaign.set_sms_sender(form.Get("sms_sender"));
  campaign.set_email_from(form.Get("email_from"));
  campaign.set_email_from_name(form.Get("email_from_name"));
  if (campaign.template_().empty()) errors.emplace_back("template", "Choose a template");
  if (campaign.channels().empty()) errors.emplace_back("how", "Select how it is sent");
  if (how.find('2') != std::string::npos && campaign.email_from().empty())
    errors.emplace_back("email_from", "Enter the address that emails come from");
  return errors;
}

}  // namespace pharos::edge::console
