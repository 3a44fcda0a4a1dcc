// The desk: what dispatch does with each thing that arrives. All of it runs on the loop's thread; the methods
// are the inputs of a turn. The files by what arrives: desk_plan.cc (plans and steering), desk_admit.cc
// (which message may be tried now: hours, canary, paces, routes), desk_handover.cc (pulls and permits),
// desk_contact.cc (duplicates and caps), desk_outcome.cc (outcomes), desk_receipt.cc (receipts and
// complaints), desk_failure.cc (the next channel, endpoints that do not exist), desk_route.cc (connectors as
// routes), desk_message.cc (single messages), desk_reply.cc (messages from people), desk_choice.cc (their
// choices by a link), desk_inbox.cc (what is kept of them, for the inbox), desk_link.cc (tracked links),
// desk_doubt.cc (lost streams, what is in doubt), desk_recover.cc (the start).
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/customer/internal/v1/permit_service.pb.h"
#include "pharos/dispatch/internal/v1/plan_service.pb.h"
#include "pharos/dispatch/internal/v1/work_service.pb.h"
#include "pharos/record/v1/dispatch.pb.h"
#include "pharos/type/v1/event.pb.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/base/queue.h"
#include "services/content/email_text.h"
#include "services/content/template.h"
#include "services/dispatch/canary.h"
#include "services/dispatch/customer_client.h"
#include "services/dispatch/intent_store.h"
#include "services/dispatch/new_message.h"
#include "services/dispatch/open_attempts.h"
#include "services/dispatch/pace.h"
#include "services/dispatch/ready_queue.h"
#include "services/dispatch/reply_rule.h"
#include "services/dispatch/route_health.h"
#include "services/dispatch/settings.h"
#include "services/dispatch/turn_loop.h"
#include "services/policy/snapshot.h"
#include "storage/blind_index.h"

namespace pharos::dispatch {

// Times of the permit protocol, microseconds on CLOCK_BOOTTIME (ops/decisions: permits).
inline constexpr int64_t kUseByMicros = 1'200'000;     // U
inline constexpr int64_t kHardStopMicros = 700'000;    // E
inline constexpr int64_t kGuardMicros = 100'000;       // D - U - E
inline constexpr int64_t kPullLifeMicros = 1'000'000;  // an older pull is dead
inline constexpr size_t kAttemptBytes = 16;            // of an attempt's id
inline constexpr size_t kAskBatch = 1024;              // permits asked for at once
inline constexpr size_t kHaltBatch = 1000;  // intents withheld in one turn when a campaign is stopped
inline constexpr size_t kMacBytes = 16;     // of an unsubscribe link's token

// The standing campaign of opt-outs' confirmations; its steps are the opt-outs.
inline constexpr char kConfirmations[] = "campaigns/opt-out-confirmations";
inline constexpr char kConfirmationText[] =
    "You have been opted out and will get no more texts from this number. Reply START to get them again.";

// A pause that a page offers, as its words say.
inline constexpr int64_t kPauseMicros = int64_t{90} * 24 * 3600 * 1'000'000;

// Not sent later than this after the STOP: who has long been left alone is not written to again.
inline constexpr int64_t kConfirmationMicros = int64_t{24} * 3600 * 1'000'000;

// A connector's stream, as the desk sees it.
struct Session {
  internal::v1::Hello hello;
  base::BoundedQueue<internal::v1::WorkResponse> outbox{256};  // drained by the stream's writer
  // The newest pull.
  uint64_t pull_number = 0;
  int32_t pull_credit = 0;
  int64_t pull_arrived_us = 0;
  bool pull_live = false;
  bool asking = false;              // permits are on their way for this session
  bool welcomed_live = false;       // what its Welcome said
  std::atomic<bool> ended = false;  // that no longer holds: the stream's reader ends it
  internal::v1::LinkState link;
};
using SessionPtr = std::shared_ptr<Session>;

// A connector as a route. For people to read, too; kept after a stream ends.
struct ConnectorStatus {
  internal::v1::Hello hello;
  internal::v1::LinkState link;
  bool link_heard = false;  // `link` is what this stream said
  bool connected = false;
  int32_t in_flight = 0;
  int32_t unconfirmed = 0;
  int64_t lease_breaches = 0;
  int64_t accepted = 0;                    // since the start
  int64_t accepted_shown = 0;              // of them, in the metrics
  std::map<std::string, int64_t> refused;  // definite ones since the start, by reason
  int priority = 0;
  record::v1::RouteRow row;  // pauses
  int refusals = 0;          // with scope ROUTE, since the last accept
  RouteHealth health;
};

// A message from a person: who brings it, and what to do when it is durable.
struct Bringer {
  std::string connector;
  type::v1::Channel channel = type::v1::CHANNEL_UNSPECIFIED;
  std::string life;                       // of the connector's stream; empty: it came by a call
  std::function<void()> taken;            // by a call: called once it is durable where it must be
  std::optional<ReplyMeaning> link = {};  // chosen by a link in a message
};

// A choice by a link, acknowledged.
struct Chosen {
  std::string opt_out;   // "optOuts/…"
  int64_t until_us = 0;  // of a pause
  bool changed = false;
};

// What a tracked link's token names.
struct TrackedLink {
  std::string url;      // as in the approved template version
  uint32_t number = 0;  // of the link in it, from 1
  record::v1::IntentKey message;
  std::string endpoint;  // that the email went to; empty: its intent is gone
  bool counted = false;  // it has been followed before
};

class MessageVault;

class Desk {
 public:
  Desk(storage::Store& store, TurnLoop& loop, CustomerClient& customer, base::Clock& clock,
       const storage::BlindIndex& reference_key, const policy::SnapshotHolder& access,
       DispatchSettings settings = {});

  // Plans and steering.
  absl::Status DeclareStep(Turn& turn, const internal::v1::DeclareStepRequest& request);
  absl::Status PlanIntents(Turn& turn, const internal::v1::PlanIntentsRequest& request,
                           internal::v1::PlanIntentsResponse& response);
  absl::Status Steer(Turn& turn, const internal::v1::SteerCampaignRequest& request,
                     internal::v1::SteerCampaignResponse& response);

  // Single messages. Writes the intent and what belongs to it; a refused one has written nothing.
  absl::Status AcceptMessage(Turn& turn, NewMessage& message);
  // Where their content is; before the first turn. nullptr: there are none.
  void UseVault(MessageVault* vault) { vault_ = vault; }

  // Connectors.
  void Arrive(Turn& turn, const SessionPtr& session);
  void Leave(Turn& turn, const SessionPtr& session);
  void OnPull(Turn& turn, const SessionPtr& session, const internal::v1::Pull& pull, int64_t arrived_us);
  void OnOutcomes(Turn& turn, const SessionPtr& session, const internal::v1::Outcomes& outcomes);
  void OnReceipts(Turn& turn, const SessionPtr& session, const internal::v1::Receipts& receipts);
  void OnInbound(Turn& turn, const SessionPtr& session, const internal::v1::InboundMessages& messages);
  void OnLink(Turn& turn, const SessionPtr& session, const internal::v1::LinkState& link);
  void OnFindings(Turn& turn, const SessionPtr& session, const internal::v1::Findings& findings);
  void PauseConnector(Turn& turn, const std::string& connector, const std::string& reason);
  // False: no such connector was ever seen.
  bool ResumeConnector(Turn& turn, const std::string& connector);

  // What came by HTTP. `taken` is called once each is durable where it must be.
  void RecordReceipts(Turn& turn, const std::string& connector, const internal::v1::Receipts& receipts);
  void RecordMessage(Turn& turn, const std::string& connector, const internal::v1::InboundMessage& message,
                     std::function<void()> taken);
  // The purpose of the message that a link's token names; nullopt: we did not make that token.
  std::optional<std::string> PurposeOfLink(Turn& turn, const std::string& token);
  // kUnsubscribe, kStopAll, kPause or kResume for the person whose message the token names. `done` is called
  // when customer has acknowledged it; or with why not.
  using WhenChosen = std::function<void(absl::StatusOr<Chosen>)>;
  void Choose(Turn& turn, const std::string& token, ReplyMeaning choice, WhenChosen done);
  std::string LinkToken(const std::string& attempt) const;
  // What a token of a tracked link names; changes nothing. nullopt: we did not make it.
  std::optional<TrackedLink> LinkOf(Turn& turn, const std::string& token);
  // Counts it, once for each link of a message. Whether its reader agreed to be measured has been asked.
  void CountFollowed(Turn& turn, const TrackedLink& link);

  // Once, before anything else: what was in flight when the last life ended is in doubt.
  void Recover(Turn& turn);
  // End of every turn.
  void Tick(Turn& turn);
  void Flush(Turn& turn);

  std::map<std::string, ConnectorStatus> Connectors() const { return connectors_; }
  // Why nothing of a campaign leaves though it may go, in words; empty if nothing holds it. Any thread.
  std::string HeldWhy(const std::string& campaign) const;
  const std::string& life() const { return life_; }

 private:
  struct Step {
    record::v1::StepRow row;
    type::v1::CampaignManifest manifest;
    std::optional<content::Template> text;
    std::optional<content::EmailTemplate> email;
    record::v1::CanaryRow canary;
  };
  // A batch of permits asked for. One id = request = permit = attempt.
  struct Asked {
    std::string id;
    record::v1::IntentKey key;
  };
  struct Ask {
    SessionPtr session;
    int64_t sent_us = 0;  // use-by = this + U
    std::vector<Asked> items;
  };
  // A message ready to go, its SUBMITTING on its way to the disk.
  struct Ready {
    std::string id;
    record::v1::IntentKey key;
    internal::v1::Attempt attempt;
  };
  // What a message's person and endpoint were sent before.
  struct Contacts {
    record::v1::ContactRow person, endpoint;
    std::string person_key;  // empty: persons are not counted
  };
  struct Reply {
    record::v1::ReplyRow row;
    record::v1::ReplyContentRow content;  // until it is sealed
    customer::internal::v1::RecordReplyRequest request;
    Bringer bringer;
    uint64_t sequence = 0;
    bool durable = false;
    bool calling = false;
    int64_t not_before_us = 0;
    std::vector<WhenChosen> waiting;  // for the acknowledgement
    int64_t until_us = 0;             // of a pause
    bool overtaken = false;           // something was taken back since: nobody may join it
  };

  // desk_plan.cc
  const Step* StepOf(Turn& turn, const record::v1::IntentKey& key);
  Step* MutableStepOf(Turn& turn, const record::v1::IntentKey& key);
  bool Expired(const Step& step, int64_t now_us) const;
  bool MayGo(const std::string& campaign);
  int SteeringOf(Turn& turn, const std::string& campaign);
  void HaltSome(Turn& turn);
  void ExpireDeclared(Turn& turn);
  // Pending again; or withheld at once if the campaign has been stopped meanwhile.
  void Requeue(Turn& turn, record::v1::IntentRow& intent, std::string_view reason);
  uint64_t LaneOf(type::v1::PurposeClass purpose_class) const;
  // What is in connectors' hands of this campaign (empty: any) and connector (empty: any) and has not begun.
  void Recall(Turn& turn, const std::string& campaign, const std::string& connector);

  // desk.cc
  void EndStreamsOfOldMode(Turn& turn);

  // desk_admit.cc
  // May one more message of this campaign leave by this connector now? If so, it is counted in the paces.
  bool Admit(Turn& turn, const Session& session, const std::string& campaign, bool canary);
  bool RouteIsFree(const Session& session, const Step* step, int64_t boot_us);
  void CountPaces(const Session& session, const Step* step, const std::string& campaign, double parts);
  // What Admit counted did not leave: the pace is somebody else's.
  void GiveBackPace(Turn& turn, const Session& session, const std::string& campaign);
  // Why this very message must wait, and until when (wall time); nullopt: it need not.
  std::optional<int64_t> WaitUntil(Turn& turn, const Session& session, const Step& step,
                                   const record::v1::IntentRow& intent);
  // What only the permit tells: the nation, the mail site.
  bool Learn(Turn& turn, const Session& session, const Step& step, const customer::internal::v1::Grant& grant,
             record::v1::IntentRow& intent);
  std::string SiteOf(const std::string& address) const;
  void HoldSite(const std::string& connector, const std::string& site, int64_t until_us);
  int64_t PlaceInLine(const std::string& site, double per_second, int64_t free_us);
  void OnMove(Turn& turn, const record::v1::IntentRow& intent, State from, State to);
  void CountCanaryOf(Turn& turn, const record::v1::IntentRow& intent, CanaryEvent event);
  void LookAtCanaries(Turn& turn);
  void ResumeCanaries(Turn& turn, const std::string& campaign);
  void ShowHeld(Turn& turn);
  std::string WhyHeld(Turn& turn, const Step& step);

  // desk_handover.cc; TrackedLinks and Measures in desk_link.cc
  // Fills in what the channel carries; the error is the reason why it cannot be said.
  absl::Status Compose(const Step& step, const customer::internal::v1::Grant& grant, const std::string& id,
                       record::v1::IntentRow& intent, internal::v1::Attempt& attempt) const;
  // Where the links of this one email lead instead, in their order.
  std::vector<std::string> TrackedLinks(const Step& step, const customer::internal::v1::Grant& grant,
                                        const std::string& attempt) const;
  // Its emails' links are counted, of those who agreed to it.
  bool Measures(const Step& step) const;
  void AskForPermits(Turn& turn);
  void AskFor(Turn& turn, const SessionPtr& session);
  bool WantPermit(Turn& turn, const SessionPtr& session, const record::v1::IntentKey& key, Ask& ask,
                  customer::internal::v1::IssuePermitsRequest& request);
  void OnPermits(Turn& turn, Ask& ask, absl::StatusOr<customer::internal::v1::IssuePermitsResponse> answer);
  std::optional<Ready> Submit(Turn& turn, Ask& ask, Asked& item,
                              const customer::internal::v1::PermitAnswer& answer,
                              std::vector<record::v1::OpenAttemptRow>& begun);
  record::v1::OpenAttemptRow Begin(Turn& turn, const Ask& ask, const std::string& id,
                                   record::v1::IntentRow& intent, const customer::internal::v1::Grant& grant);
  void NotHandedOver(Turn& turn, record::v1::IntentRow& intent, const internal::v1::Refused& refused);
  void HandToConnector(const SessionPtr& session, std::vector<Ready> batch, int64_t use_by_us);
  void TakeBack(Turn& turn, const std::string& id);
  std::string MintId(const record::v1::IntentKey& key);
  void Release(Turn& turn, std::string id);

  // desk_contact.cc
  // The reason to withhold this message: somebody has had it, or the cap is reached; empty: none. Fills in
  // `contacts`.
  std::string WithholdFor(Turn& turn, const Step& step, const record::v1::IntentRow& intent,
                          const customer::internal::v1::Grant& grant, Contacts& contacts);
  record::v1::ContactRow WithFormer(Turn& turn, const customer::internal::v1::Grant& grant,
                                    const record::v1::ContactRow& person);
  bool PersonHasIt(Turn& turn, const record::v1::IntentRow& intent,
                   const customer::internal::v1::Grant& grant);
  bool EndpointHasIt(Turn& turn, const record::v1::IntentRow& intent, const record::v1::ContactRow& endpoint);
  bool IsTaken(Turn& turn, const record::v1::IntentKey& claimant, const record::v1::IntentKey& by);
  void NoteContact(Turn& turn, const Step& step, const record::v1::IntentRow& intent, Contacts& contacts);
  void FreeEndpoint(Turn& turn, const record::v1::IntentRow& intent);
  std::optional<record::v1::IntentKey> LastTo(Turn& turn, const std::string& endpoint);
  std::string PersonHash(const std::string& person) const;

  // desk_outcome.cc
  bool OnOutcome(Turn& turn, const SessionPtr& session, const internal::v1::Outcome& outcome);
  void OnAccepted(Turn& turn, const OpenAttempt& open, record::v1::IntentRow& intent,
                  const internal::v1::Accepted& accepted);
  void CountAccepted(Turn& turn, const OpenAttempt& open, const record::v1::IntentRow& intent);
  void OnRejected(Turn& turn, const OpenAttempt& open, record::v1::IntentRow& intent,
                  const internal::v1::Rejected& rejected);
  void OnRefused(Turn& turn, const OpenAttempt& open, record::v1::IntentRow& intent,
                 const internal::v1::Refused& refused);
  void WatchLease(const SessionPtr& session, const OpenAttempt& open, const internal::v1::Outcome& outcome);
  void Close(Turn& turn, const std::string& id);
  std::string AddressHash(const std::string& address) const;

  // desk_receipt.cc
  void OnReceipt(Turn& turn, const std::string& connector, const internal::v1::Receipt& receipt);
  std::optional<record::v1::IntentKey> IntentOfReceipt(Turn& turn, const std::string& connector,
                                                       const std::string& provider_id);
  void ApplyReceipt(Turn& turn, record::v1::IntentRow& intent, const internal::v1::Receipt& receipt);
  void Complain(Turn& turn, record::v1::IntentRow& intent);
  bool SettleByReference(Turn& turn, const std::string& connector, const std::string& reference_key,
                         const internal::v1::Receipt& receipt);
  bool SettleByAttempt(Turn& turn, const internal::v1::Receipt& receipt);
  void Park(Turn& turn, const std::string& connector, const internal::v1::Receipt& receipt);

  // desk_failure.cc
  // FAILED, or PENDING on the member's next channel.
  void Fail(Turn& turn, record::v1::IntentRow& intent, std::string_view reason);
  bool GoOn(Turn& turn, record::v1::IntentRow& intent, std::string_view reason);
  void ReportEndpoint(Turn& turn, const std::string& endpoint, type::v1::SuppressionReason reason);
  void SendReports(Turn& turn);
  void OnReported(Turn& turn, const customer::internal::v1::ReportEndpointsRequest& sent,
                  const absl::Status& status);
  void PutOffReports();

  // desk_route.cc
  ConnectorStatus& RouteOf(const std::string& connector);
  void ObserveRoutes(Turn& turn);
  bool IsUsed(const std::string& connector, int channel) const;
  // The provider refused everything: the route is held, and others may take over.
  void HoldRoute(Turn& turn, const std::string& connector, const std::string& reason, int64_t retry_after_ms);
  void RouteWorks(Turn& turn, ConnectorStatus& route);
  void CountRefusal(const std::string& connector, const std::string& reason);
  void SaveRoute(Turn& turn, const std::string& connector, const record::v1::RouteRow& row);
  const record::v1::MailSiteRow& MailSiteRowOf(Turn& turn, const std::string& site);
  record::v1::MailSiteRow& ChangeMailSite(Turn& turn, const std::string& site);
  record::v1::MailSiteRow& ReadMailSite(Turn& turn, const std::string& site);
  void SaveMailSites(Turn& turn);

  // desk_message.cc
  void SaveNewMessage(Turn& turn, const NewMessage& message);
  void CountUnderKey(Turn& turn, uint64_t key, int64_t more);
  bool HasContent(Turn& turn, record::v1::IntentRow& intent);
  std::map<std::string, std::string> ContentOf(const record::v1::IntentKey& key) const;
  void SweepMessages(Turn& turn);
  void SweepMessage(Turn& turn, const std::string& id);
  void DestroyIdleKeys(Turn& turn);
  void OnKeyDestroyed(Turn& turn, uint64_t key, const absl::Status& status);
  void SaveMessageKeys(Turn& turn);

  // desk_doubt.cc
  void QueryOpen(const SessionPtr& session);
  void DoubtLost(Turn& turn);
  void Doubt(Turn& turn, OpenAttempt& open, std::string_view reason);
  void SettleDoubts(Turn& turn);
  void LookUp(Turn& turn);
  bool ResendAfterDoubt(Turn& turn, const OpenAttempt& open);
  bool StaysInDoubt(Turn& turn, const OpenAttempt& open);

  // desk_recover.cc
  void PurgeParked(Turn& turn);
  void MoveOldQueue(Turn& turn);
  void RecoverOpen(Turn& turn);
  void RecoverRoutes(Turn& turn);
  void RecoverMessages(Turn& turn);
  template <typename Row>
  void ReadTable(Turn& turn, uint8_t table, const std::function<void(std::string_view, Row)>& take);

  // desk_reply.cc
  void OnMessage(Turn& turn, const Bringer& bringer, const internal::v1::InboundMessage& message);
  void AskCustomer(Turn& turn, const std::string& id, const Bringer& bringer,
                   const internal::v1::InboundMessage& message, record::v1::ReplyRow row);
  void CallCustomer(Reply& reply);
  std::string ReplyIdOf(const std::string& connector, const internal::v1::InboundMessage& message) const;
  // The call once more, for a reply that customer has durably: its id suffices, the address is not kept.
  static customer::internal::v1::RecordReplyRequest RepeatOf(const record::v1::ReplyRow& row);
  void OnReplyDurable(Turn& turn, const std::string& id,
                      const customer::internal::v1::RecordReplyResponse& response, int64_t durable_ns);
  void OnReplyAcknowledged(Turn& turn, const std::string& id, int64_t acknowledged_ns);
  void OnReplyFailed(Turn& turn, const std::string& id, const absl::Status& status);
  void PutOffReply(const std::string& id);
  bool TooManyNoted() const;
  std::optional<record::v1::IntentKey> IntentOfAttempt(Turn& turn, const std::string& attempt);
  // The message that it answers, if any.
  std::optional<record::v1::IntentKey> HearOf(Turn& turn, record::v1::ReplyRow& row,
                                              const customer::internal::v1::RecordReplyResponse& response);
  void RetryReplies();
  void Confirm(Turn& turn, const Reply& reply);
  void NoteStart(Turn& turn, const record::v1::ReplyRow& row);
  std::string ConfirmationOver(Turn& turn, const record::v1::IntentRow& intent);
  void SaveReply(Turn& turn, const record::v1::ReplyRow& row);
  void AcknowledgeInbound(Turn& turn, const Bringer& bringer, uint64_t sequence);
  bool HasOptedOut(Turn& turn, const record::v1::IntentKey& key);

  // desk_choice.cc
  std::string AttemptOfLink(const std::string& token) const;
  bool Join(const record::v1::IntentKey& key, ReplyMeaning choice, WhenChosen& done);
  void GiveUp(Turn& turn, const std::string& id);

  // desk_inbox.cc
  // Seals what the reply says into its row. False: access is away; try again.
  bool KeepText(Turn& turn, const record::v1::ReplyContentRow& content, record::v1::ReplyRow& row);
  // Saves a new reply and tells engagement of it. `holder`: who has the endpoint, if that is known.
  void EnterInbox(Turn& turn, const record::v1::ReplyRow& row,
                  const std::optional<record::v1::IntentKey>& answered, const std::string& holder);
  std::vector<type::v1::ReplyReader> ReadersOf(Turn& turn, const record::v1::ReplyRow& row,
                                               const std::optional<record::v1::IntentKey>& answered);
  bool SendsBy(Turn& turn, const std::string& campaign, const std::string& sender);
  void NoteMessageSender(Turn& turn, const std::string& campaign, const std::string& principal);
  void LogReply(Turn& turn, const type::v1::ReplyEvent& event, std::string_view kind);
  void SweepReplies(Turn& turn);
  void ForgetReply(Turn& turn, const std::string& inbox_id);

  SessionPtr SessionOfLife(const std::string& life) const;

  storage::Store& store_;
  TurnLoop& loop_;
  CustomerClient& customer_;
  base::Clock& clock_;
  const storage::BlindIndex& reference_key_;
  const policy::SnapshotHolder& access_;
  const std::string life_;
  uint64_t minted_ = 0;

  const DispatchSettings settings_;

  IntentStore intents_;
  ReadyQueue ready_;
  int64_t ticked_at_us_ = 0;  // wall time of the last turn
  OpenAttempts open_;
  Paces paces_;
  std::map<std::string, Step> steps_;
  std::unordered_map<std::string, int> steering_;
  // What a campaign's pending intents are withheld for, a bounded number a turn.
  struct Sweep {
    std::string reason;
    std::string cursor;  // last intent key looked at
  };
  std::map<std::string, Sweep> halting_;  // by campaign
  int64_t expired_at_us_ = 0;             // boot time of the last look for declared steps that have expired

  std::vector<SessionPtr> sessions_;
  std::map<std::string, ConnectorStatus> connectors_;
  int64_t observed_at_us_ = 0;                          // boot time of the last look at the routes
  std::map<int, std::vector<std::string>> used_;        // by channel: the connectors that carry it now
  std::map<int, std::string> unused_why_;               // by channel: why none does, in words
  std::unordered_map<std::string, int64_t> site_hold_;  // "connector site" → boot time
  std::unordered_map<std::string, int64_t> site_line_;  // likewise → boot time of the last place given
  std::unordered_map<std::string, record::v1::MailSiteRow> mail_sites_;
  std::set<std::string> mail_sites_changed_;
  std::unordered_map<std::string, int64_t> lost_lives_;  // life → when its stream was lost (boot time)
  int64_t ask_not_before_us_ = 0;
  int64_t settled_at_us_ = 0;  // boot time of the last look at what is in doubt

  // Receipts that wait for their message: by reference and address hash, (connector, provider id).
  std::unordered_multimap<std::string, std::pair<std::string, std::string>> parked_;
  void ForgetParked(const record::v1::ParkedReceiptRow& row, const std::string& connector,
                    const std::string& provider_id);
  int64_t parked_rows_ = 0;            // in kParked: most of the time none
  std::vector<std::string> releases_;  // this turn's
  int64_t purged_at_us_ = 0;           // boot time of the last purge of parked receipts
  bool old_queue_ = true;              // something of format 2 may still lie in kQueue
  bool old_claims_ = true;             // likewise in kClaim and kLastTo

  std::map<std::string, type::v1::SuppressionReason> reports_;  // by endpoint; durable in kReport
  bool reporting_ = false;
  int64_t report_not_before_us_ = 0;

  std::unordered_map<std::string, Reply> replies_;  // not yet acknowledged by customer

  MessageVault* vault_ = nullptr;
  std::map<uint64_t, record::v1::MessageKeyRow> message_keys_;  // that seal messages, by id
  std::set<uint64_t> message_keys_changed_;                     // in this turn
  std::set<uint64_t> message_keys_going_;                       // being destroyed in access
  int64_t messages_swept_at_us_ = 0;                            // boot time of the last sweep
  int64_t replies_swept_at_us_ = 0;                             // likewise
  std::map<std::string, std::set<std::string>>
      message_senders_;  // campaign → principals that sent through it

  int64_t canaries_at_us_ = 0, held_at_us_ = 0;  // boot times of the last looks
  mutable base::Mutex held_mutex_;
  std::map<std::string, std::string> held_ ABSL_GUARDED_BY(held_mutex_);  // campaign → why, in words
};

}  // namespace pharos::dispatch
