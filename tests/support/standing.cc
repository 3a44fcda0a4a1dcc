#include "tests/support/standing.h"

#include "pharos/campaign/v1/template_service.pb.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/customer/v1/source_service.pb.h"

namespace pharos::tests {
namespace {

void CreateSource(const Client& client) {
  customer::v1::CreateSourceRequest request;
  request.set_source_id("bookings");
  request.mutable_source()->set_audience_kind(type::v1::AUDIENCE_KIND_PUBLIC);
  request.mutable_source()->set_owner("the booking team");
  request.mutable_source()->set_trust(30);
  Must(client.Call<customer::v1::Source>("customer.v1.SourceService/CreateSource", request));
}

void CreatePurpose(const Client& client) {
  customer::v1::CreatePurposeRequest request;
  request.set_purpose_id("booking");
  request.mutable_purpose()->set_purpose_class(type::v1::PURPOSE_CLASS_SERVICE);
  request.mutable_purpose()->set_lawful_basis(type::v1::LAWFUL_BASIS_PUBLIC_TASK);
  request.mutable_purpose()->set_controller("A public health body");
  Must(client.Call<customer::v1::Purpose>("customer.v1.PurposeService/CreatePurpose", request));
}

void CreateTexts(const Client& client) {
  campaign::v1::CreateTemplateRequest sms;
  sms.set_template_id("booked");
  sms.mutable_template_()->set_display_name("Appointment booked");
  sms.mutable_template_()->set_single_messages(true);
  sms.mutable_template_()->set_sms_body("((name)), see you on ((when))((late?? - sorry for the delay)).");
  Must(client.Call<campaign::v1::Template>("campaign.v1.TemplateService/CreateTemplate", sms));
  campaign::v1::CreateTemplateRequest email;
  email.set_template_id("details");
  email.mutable_template_()->set_display_name("Appointment details");
  email.mutable_template_()->set_single_messages(true);
  email.mutable_template_()->set_email_subject("Your appointment ((ref no))");
  email.mutable_template_()->set_email_body("Dear ((name)),\n\nyour number is **((ref_no))**.");
  Must(client.Call<campaign::v1::Template>("campaign.v1.TemplateService/CreateTemplate", email));
}

}  // namespace

void RunStanding(const Story& story, const std::string& id, const std::vector<std::string>& templates) {
  campaign::v1::CreateCampaignRequest request;
  request.set_campaign_id(id);
  campaign::v1::Campaign& draft = *request.mutable_campaign();
  draft.set_kind(type::v1::STANDING);
  draft.set_template_(templates.front());
  for (size_t i = 1; i < templates.size(); ++i) draft.add_more_templates(templates[i]);
  draft.set_purpose(kBookingPurpose);
  draft.set_source(kBookings);
  draft.add_channels(type::v1::CHANNEL_SMS);
  draft.add_channels(type::v1::CHANNEL_EMAIL);
  draft.set_sms_sender("60777");
  draft.set_email_from("booking@trust.example");
  Must(story.marketing.Call<campaign::v1::Campaign>("campaign.v1.CampaignService/CreateCampaign", request));
  story.Approve(story.Submit(id));
  story.Launch(id);
}

Standing::Standing(const Story& the_story) : story(the_story), sender(the_story.system.As("sender")) {
  CreateSource(story.operator_);
  CreatePurpose(story.operator_);
  CreateTexts(story.marketing);
  RunStanding(story, "booking");
  // Launched is durable at once; its steps reach dispatch a moment later.
  EXPECT_TRUE(Eventually(
      [&] { return base::ReasonOf(Text("no number", "never").status()) != "CAMPAIGN_NOT_STANDING"; }));
}

absl::StatusOr<dispatch::v1::Message> Standing::Text(const std::string& phone, const std::string& when,
                                                     const std::string& request_id,
                                                     const std::string& campaign) const {
  dispatch::v1::SendMessageRequest request;
  request.set_campaign(campaign);
  request.set_template_(kBooked);
  request.set_channel(type::v1::CHANNEL_SMS);
  request.set_address(phone);
  (*request.mutable_personalisation())["Name"] = "Ann";
  (*request.mutable_personalisation())["when"] = when;
  (*request.mutable_personalisation())["late"] = "no";
  request.set_reference("ref-" + when);
  request.set_request_id(request_id);
  return sender.Call<dispatch::v1::Message>("dispatch.v1.MessageService/SendMessage", request);
}

absl::StatusOr<dispatch::v1::Message> Standing::Mail(const std::string& address,
                                                     const std::string& number) const {
  dispatch::v1::SendMessageRequest request;
  request.set_campaign(kBooking);
  request.set_template_(kDetails);
  request.set_channel(type::v1::CHANNEL_EMAIL);
  request.set_address(address);
  (*request.mutable_personalisation())["name"] = "Bob";
  (*request.mutable_personalisation())["Ref No"] = number;
  return sender.Call<dispatch::v1::Message>("dispatch.v1.MessageService/SendMessage", request);
}

dispatch::v1::Message Standing::Get(const std::string& name) const {
  dispatch::v1::GetMessageRequest request;
  request.set_name(name);
  return Must(sender.Call<dispatch::v1::Message>("dispatch.v1.MessageService/GetMessage", request));
}

dispatch::v1::ListMessagesResponse Standing::List(const dispatch::v1::ListMessagesRequest& request) const {
  return Must(
      sender.Call<dispatch::v1::ListMessagesResponse>("dispatch.v1.MessageService/ListMessages", request));
}

bool Standing::Becomes(const std::string& name, dispatch::v1::IntentState state, double seconds) const {
  return Eventually([&] { return Get(name).state() == state; }, seconds);
}

}  // namespace pharos::tests
