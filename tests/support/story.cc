#include "tests/support/story.h"

#include <fmt/format.h>

#include <algorithm>

#include "pharos/campaign/v1/template_service.pb.h"
#include "pharos/customer/v1/endpoint_service.pb.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/customer/v1/source_service.pb.h"

namespace pharos::tests {
namespace {

using campaign::v1::Campaign;
using dispatch::v1::Intent;

constexpr int kPage = 1000;

std::string IdOf(const std::string& name) {
  return name.substr(name.find('/') + 1);
}

void CreateSource(const Client& client, const std::string& name, int trust) {
  customer::v1::CreateSourceRequest request;
  request.set_source_id(IdOf(name));
  request.mutable_source()->set_audience_kind(type::v1::AUDIENCE_KIND_PUBLIC);
  request.mutable_source()->set_owner("the team");
  request.mutable_source()->set_trust(trust);
  Must(client.Call<customer::v1::Source>("customer.v1.SourceService/CreateSource", request));
}

void CreatePurpose(const Client& client) {
  customer::v1::CreatePurposeRequest request;
  request.set_purpose_id(IdOf(kPurpose));
  request.mutable_purpose()->set_purpose_class(type::v1::PURPOSE_CLASS_MARKETING);
  request.mutable_purpose()->set_lawful_basis(type::v1::LAWFUL_BASIS_CONSENT);
  request.mutable_purpose()->set_controller("A public health body");
  Must(client.Call<customer::v1::Purpose>("customer.v1.PurposeService/CreatePurpose", request));
}

void CreateAudience(const Client& client) {
  audience::v1::CreateAudienceRequest request;
  request.set_audience_id(IdOf(kEverybody));
  request.mutable_audience()->set_filter("audience_kinds:PUBLIC");
  Must(client.Call<audience::v1::Audience>("audience.v1.AudienceService/CreateAudience", request));
}

void CreateText(const Client& client) {
  campaign::v1::CreateTemplateRequest request;
  request.set_template_id(IdOf(kText));
  request.mutable_template_()->set_sms_body(
      "Hello ((first name)), help to stop smoking is near. Reply STOP to end.");
  Must(client.Call<campaign::v1::Template>("campaign.v1.TemplateService/CreateTemplate", request));
  request.set_template_id(IdOf(kBothTexts));
  request.mutable_template_()->set_email_subject("Help to stop smoking, ((first name))");
  request.mutable_template_()->set_email_body("Hello ((first name)),\n\nhelp to **stop smoking** is near.");
  Must(client.Call<campaign::v1::Template>("campaign.v1.TemplateService/CreateTemplate", request));
}

std::string Resolve(const Client& client, type::v1::Channel channel, const std::string& address) {
  customer::v1::ResolveEndpointsRequest request;
  request.set_channel(channel);
  request.add_addresses(address);
  const auto answer = Must(client.Call<customer::v1::ResolveEndpointsResponse>(
      "customer.v1.EndpointService/ResolveEndpoints", request));
  return answer.endpoints_size() == 1 ? answer.endpoints(0) : "";
}

bool Has(const Plan& plan, type::v1::Channel channel) {
  return std::find(plan.channels.begin(), plan.channels.end(), channel) != plan.channels.end();
}

// How many messages the network must have accepted for an intent: at least, at most.
std::pair<int, int> Accepted(const Intent& intent) {
  switch (intent.state()) {
    case dispatch::v1::SENT:
    case dispatch::v1::INTENT_DELIVERED:
      return {1, 1};
    case dispatch::v1::FAILED:  // accepted and reported failed later; or refused
      return intent.provider_ids().empty() ? std::pair{0, 0} : std::pair{1, 1};
    case dispatch::v1::UNCONFIRMED:
    case dispatch::v1::IN_FLIGHT:
      return {0, 1};
    default:
      return {0, 0};
  }
}

}  // namespace

std::string Phone(int i) {
  return fmt::format("07700{:06}", 300'000 + i);
}
std::string Number(int i) {
  return "44" + Phone(i).substr(1);
}

std::string FileOf(const std::vector<Contact>& contacts) {
  std::string file = "record_id,given_name,family_name,email,phone,consent_sms,consent_at,consent_email\n";
  for (const Contact& c : contacts) {
    file += fmt::format("{},{},{},{},{},{},{},{}\n", c.id, c.given, c.family, c.email, c.phone, c.consent,
                        c.consent_at, c.consent_email);
  }
  return file;
}

std::string FileOf(int count) {
  std::vector<Contact> contacts;
  for (int i = 0; i < count; ++i) contacts.push_back({.id = fmt::format("r{}", i), .phone = Phone(i)});
  return FileOf(contacts);
}

Story::Story(System& s)
    : system(s),
      operator_(s.As("operator")),
      marketing(s.As("marketing")),
      approver(s.As("approver")),
      governance(s.As("governance")) {
  if (!s.ok()) return;  // reported already
  CreateSource(operator_, kQuit, 60);
  CreateSource(operator_, kNews, 40);
  CreatePurpose(operator_);
  CreateAudience(marketing);
  CreateText(marketing);
}

ImportResult Story::Import(const std::string& source, const std::string& file,
                           const Client::OnProgress& on_progress) const {
  customer::v1::ImportHeader header;
  header.set_source(source);
  header.set_consent_purpose(kPurpose);
  header.set_display_name("contacts.csv");
  return operator_.Import(header, file, on_progress);
}

void Story::ImportAll(const std::string& source, const std::string& file) const {
  const ImportResult result = Import(source, file);
  EXPECT_TRUE(result.status.ok() && result.complete) << result.status;
  EXPECT_EQ(result.summary.rejected(), 0)
      << (result.errors.empty() ? "" : result.errors[0].ShortDebugString());
}

customer::v1::Counts Story::Counts() const {
  return Must(operator_.Call<customer::v1::Counts>("customer.v1.PersonService/GetCounts",
                                                   customer::v1::GetCountsRequest()));
}

customer::v1::Person Story::PersonWithPhone(const std::string& phone) const {
  customer::v1::LookupPeopleRequest request;
  request.set_phone(phone);
  request.set_view(customer::v1::PERSON_VIEW_FULL);
  const auto found = Must(
      governance.Call<customer::v1::LookupPeopleResponse>("customer.v1.PersonService/LookupPeople", request));
  EXPECT_EQ(found.people_size(), 1) << phone;
  return found.people_size() == 1 ? found.people(0) : customer::v1::Person();
}

customer::v1::Person Story::PersonOf(const std::string& record) const {
  customer::v1::LookupPeopleRequest request;
  request.set_record(record);
  request.set_view(customer::v1::PERSON_VIEW_FULL);
  const auto found = Must(
      governance.Call<customer::v1::LookupPeopleResponse>("customer.v1.PersonService/LookupPeople", request));
  EXPECT_EQ(found.people_size(), 1) << record;
  return found.people_size() == 1 ? found.people(0) : customer::v1::Person();
}

customer::v1::Person Story::GetPerson(const std::string& name) const {
  customer::v1::GetPersonRequest request;
  request.set_name(name);
  request.set_view(customer::v1::PERSON_VIEW_FULL);
  return Must(governance.Call<customer::v1::Person>("customer.v1.PersonService/GetPerson", request));
}

customer::v1::Judgement Story::Judge(const std::string& person) const {
  customer::v1::JudgePersonRequest request;
  request.set_person(person);
  request.set_purpose(kPurpose);
  request.add_channels(type::v1::CHANNEL_SMS);
  return Must(marketing.Call<customer::v1::Judgement>("customer.v1.PersonService/JudgePerson", request));
}

std::string Story::EndpointOf(const std::string& phone) const {
  return Resolve(governance, type::v1::CHANNEL_SMS, phone);
}
std::string Story::EndpointOfEmail(const std::string& email) const {
  return Resolve(governance, type::v1::CHANNEL_EMAIL, email);
}

std::map<std::string, std::string> Story::NumbersOf(int count) const {
  customer::v1::ResolveEndpointsRequest request;
  request.set_channel(type::v1::CHANNEL_SMS);
  for (int i = 0; i < count; ++i) request.add_addresses(Phone(i));
  const auto answer = Must(governance.Call<customer::v1::ResolveEndpointsResponse>(
      "customer.v1.EndpointService/ResolveEndpoints", request));
  std::map<std::string, std::string> numbers;
  for (int i = 0; i < answer.endpoints_size(); ++i) numbers[answer.endpoints(i)] = Number(i);
  return numbers;
}

absl::StatusOr<customer::v1::ConsentEntry> Story::Withdraw(const std::string& person,
                                                           type::v1::EntryScope scope,
                                                           const std::string& endpoint) const {
  customer::v1::WithdrawConsentRequest request;
  request.set_person(person);
  request.set_scope(scope);
  if (scope == type::v1::SCOPE_PURPOSE) request.set_purpose(kPurpose);
  request.set_endpoint(endpoint);
  request.set_how("phone call");
  return governance.Call<customer::v1::ConsentEntry>("customer.v1.ConsentService/WithdrawConsent", request);
}

Campaign Story::Draft(const std::string& id, const Plan& plan) const {
  campaign::v1::CreateCampaignRequest request;
  request.set_campaign_id(id);
  auto& draft = *request.mutable_campaign();
  draft.set_audience(kEverybody);
  const bool mails = Has(plan, type::v1::CHANNEL_EMAIL);
  draft.set_template_(mails ? kBothTexts : kText);
  draft.set_purpose(kPurpose);
  for (const auto channel : plan.channels) draft.add_channels(channel);
  draft.set_sms_sender("60777");
  if (mails) draft.set_email_from("quit@health.example.org");
  draft.set_fallback(plan.fallback);
  return Must(marketing.Call<Campaign>("campaign.v1.CampaignService/CreateCampaign", request));
}

Campaign Story::Submit(const std::string& id) const {
  campaign::v1::SubmitCampaignRequest request;
  request.set_name("campaigns/" + id);
  return Must(marketing.Call<Campaign>("campaign.v1.CampaignService/SubmitCampaign", request));
}

void Story::Approve(const Campaign& campaign) const {
  campaign::v1::ApproveCampaignRequest request;
  request.set_name(campaign.name());
  request.set_digest(campaign.digest());
  Must(approver.Call<Campaign>("campaign.v1.CampaignService/ApproveCampaign", request));
}

Campaign Story::Run(const std::string& id, const Plan& plan) const {
  Draft(id, plan);
  const Campaign submitted = Submit(id);
  Approve(submitted);
  Launch(id);
  return submitted;
}

campaign::v1::Report Story::Report(const std::string& id) const {
  campaign::v1::GetReportRequest request;
  request.set_name("campaigns/" + id);
  return Must(marketing.Call<campaign::v1::Report>("campaign.v1.CampaignService/GetReport", request));
}

std::vector<Intent> Story::Intents(const std::string& id, dispatch::v1::IntentState state) const {
  dispatch::v1::ListIntentsRequest request;
  request.set_parent("campaigns/" + id);
  request.set_page_size(kPage);
  request.set_state(state);
  std::vector<Intent> intents;
  do {
    const auto page = Must(
        governance.Call<dispatch::v1::ListIntentsResponse>("dispatch.v1.IntentService/ListIntents", request));
    intents.insert(intents.end(), page.intents().begin(), page.intents().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return intents;
}

std::vector<dispatch::v1::Reply> Story::Replies() const {
  dispatch::v1::ListRepliesRequest request;
  request.set_page_size(10 * kPage);
  const auto page = Must(
      governance.Call<dispatch::v1::ListRepliesResponse>("dispatch.v1.IntentService/ListReplies", request));
  return {page.replies().begin(), page.replies().end()};
}

bool Story::Finished(const std::string& id, double seconds) const {
  campaign::v1::Report last;
  const bool over = Eventually(
      [&] {
        last = Report(id);
        return last.state() == campaign::v1::FINISHED;
      },
      seconds);
  if (over) Eventually([&] { return (last = Report(id)).sent() == 0; }, 3);
  EXPECT_TRUE(over) << last.ShortDebugString();
  return over;
}

std::map<std::string, int64_t> Plain(const google::protobuf::Map<std::string, int64_t>& by_reason) {
  return {by_reason.begin(), by_reason.end()};
}

int64_t Total(const google::protobuf::Map<std::string, int64_t>& by_reason) {
  int64_t total = 0;
  for (const auto& [reason, number] : by_reason) total += number;
  return total;
}

void ExpectItAddsUp(const campaign::v1::Report& report) {
  EXPECT_EQ(report.matched(), report.members() + Total(report.excluded())) << report.ShortDebugString();
  EXPECT_EQ(report.intents(), report.pending() + report.in_flight() + report.sent() + report.delivered() +
                                  Total(report.failed()) + report.unconfirmed() + Total(report.withheld()))
      << report.ShortDebugString();
  EXPECT_LE(report.intents(), report.members());
  EXPECT_LE(report.bounced(), Total(report.failed()));
}

void ExpectNetworkAgrees(const Story& story, const std::string& campaign, const Network& network,
                         int people) {
  std::map<std::string, std::string> number_of = story.NumbersOf(people);
  std::map<std::string, int> messages;
  for (const Submission& submission : network.accepted)
    messages[submission.number] += !submission.confirmation;

  std::map<int, int64_t> by_state;
  for (const Intent& intent : story.Intents(campaign)) {
    ++by_state[intent.state()];
    const int got = messages[number_of[intent.endpoint()]];
    const auto [least, most] = Accepted(intent);
    EXPECT_TRUE(least <= got && got <= most)
        << "the network got " << got << ", we say " << intent.ShortDebugString();
  }
  const campaign::v1::Report report = story.Report(campaign);
  EXPECT_EQ(report.pending(), by_state[dispatch::v1::PENDING]);
  EXPECT_EQ(report.in_flight(), by_state[dispatch::v1::IN_FLIGHT]);
  EXPECT_EQ(report.sent(), by_state[dispatch::v1::SENT]);
  EXPECT_EQ(report.delivered(), by_state[dispatch::v1::INTENT_DELIVERED]);
  EXPECT_EQ(Total(report.failed()), by_state[dispatch::v1::FAILED]);
  EXPECT_EQ(report.unconfirmed(), by_state[dispatch::v1::UNCONFIRMED]);
  EXPECT_EQ(Total(report.withheld()), by_state[dispatch::v1::WITHHELD]);
}

}  // namespace pharos::tests
