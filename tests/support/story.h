// How most scenarios begin: sources, a purpose, people, and a campaign that a second person approved; and the
// numbers that have to add up at its end.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pharos/audience/v1/audience_service.pb.h"
#include "pharos/campaign/v1/campaign_service.pb.h"
#include "pharos/customer/v1/consent_service.pb.h"
#include "pharos/customer/v1/person_service.pb.h"
#include "pharos/dispatch/v1/intent_service.pb.h"
#include "tests/support/network.h"
#include "tests/support/system.h"

namespace pharos::tests {

inline constexpr char kPurpose[] = "purposes/stop-smoking";
inline constexpr char kQuit[] = "sources/quit";  // members of the public, trust 60
inline constexpr char kNews[] = "sources/news";  // members of the public, trust 40
inline constexpr char kEverybody[] = "audiences/everybody";
inline constexpr char kText[] = "templates/quit";
inline constexpr char kBothTexts[] = "templates/quit-both";  // SMS and email

// The i-th number, as people type it and as networks do: "07700300003", "447700300003".
std::string Phone(int i);
std::string Number(int i);

// A contact file with the columns record_id, given_name, family_name, email, phone, consent_sms, consent_at,
// consent_email.
struct Contact {
  std::string id, given = "Ann", family = "Archer", email, phone, consent = "granted",
                  consent_at = "2026-01-01T09:00:00Z", consent_email;
};
std::string FileOf(const std::vector<Contact>& contacts);
// `count` people with a number and a consent of their own: records r0, r1, …
std::string FileOf(int count);

// What a campaign is made of where it differs from most: channels in the order tried, and whether a known
// failure goes on to the next.
struct Plan {
  std::vector<type::v1::Channel> channels = {type::v1::CHANNEL_SMS};
  bool fallback = false;
};

class Story {
 public:
  // Registers the names above.
  explicit Story(System& system);

  ImportResult Import(const std::string& source, const std::string& file,
                      const Client::OnProgress& on_progress = nullptr) const;
  // Must be stored whole.
  void ImportAll(const std::string& source, const std::string& file) const;

  customer::v1::Counts Counts() const;
  // Must be exactly one.
  customer::v1::Person PersonWithPhone(const std::string& phone) const;
  customer::v1::Person PersonOf(const std::string& record) const;
  customer::v1::Person GetPerson(const std::string& name) const;
  customer::v1::Judgement Judge(const std::string& person) const;
  // "endpoints/…" of a number, of an email address.
  std::string EndpointOf(const std::string& phone) const;
  std::string EndpointOfEmail(const std::string& email) const;
  // The endpoint of each of the first `count` numbers, and its number as networks write it.
  std::map<std::string, std::string> NumbersOf(int count) const;
  // Once acknowledged.
  absl::StatusOr<customer::v1::ConsentEntry> Withdraw(const std::string& person, type::v1::EntryScope scope,
                                                      const std::string& endpoint = "") const;

  campaign::v1::Campaign Draft(const std::string& id, const Plan& plan = {}) const;
  campaign::v1::Campaign Submit(const std::string& id) const;
  void Approve(const campaign::v1::Campaign& campaign) const;
  // Any of the verbs LaunchCampaign, PauseCampaign, ResumeCampaign.
  template <typename Request>
  void Steer(const std::string& verb, const std::string& id) const {
    Request request;
    request.set_name("campaigns/" + id);
    Must(marketing.Call<campaign::v1::Campaign>("campaign.v1.CampaignService/" + verb, request));
  }
  void Launch(const std::string& id) const {
    Steer<campaign::v1::LaunchCampaignRequest>("LaunchCampaign", id);
  }
  // Drafts, submits, approves, launches.
  campaign::v1::Campaign Run(const std::string& id, const Plan& plan = {}) const;

  campaign::v1::Report Report(const std::string& id) const;
  // All, or those in one state.
  std::vector<dispatch::v1::Intent> Intents(
      const std::string& id, dispatch::v1::IntentState state = dispatch::v1::INTENT_STATE_UNSPECIFIED) const;
  std::vector<dispatch::v1::Reply> Replies() const;
  // FINISHED, and every receipt that can come has come.
  bool Finished(const std::string& id, double seconds = 20) const;

  System& system;
  const Client operator_, marketing, approver, governance;
};

std::map<std::string, int64_t> Plain(const google::protobuf::Map<std::string, int64_t>& by_reason);
int64_t Total(const google::protobuf::Map<std::string, int64_t>& by_reason);
// matched = members + excluded; intents = the sum of their states, and never more than the members.
void ExpectItAddsUp(const campaign::v1::Report& report);
// The report is what the intents say one by one, and the network's record agrees number by number: one
// message for each sent, none for each that was not, one at most where we are in doubt.
void ExpectNetworkAgrees(const Story& story, const std::string& campaign, const Network& network, int people);

}  // namespace pharos::tests
