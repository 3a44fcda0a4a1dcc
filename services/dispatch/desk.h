// The desk: what dispatch does with each thing that arrives. All of it runs on the loop's thread; the methods
// are the inputs of a turn. The files by what arrives: desk_plan.cc (plans and steering), desk_handover.cc
// (pulls and permits), desk_outcome.cc (outcomes and receipts), desk_failure.cc (the next channel, endpoints
// that do not exist), desk_reply.cc (messages from people), desk_doubt.cc (restarts and lost streams).
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/customer/internal/v1/permit_service.pb.h"
#include "pharos/dispatch/internal/v1/plan_service.pb.h"
#include "pharos/dispatch/internal/v1/work_service.pb.h"
#include "pharos/record/v1/dispatch.pb.h"
#include "services/base/clock.h"
#include "services/base/queue.h"
#include "services/content/email_text.h"
#include "services/content/template.h"
#include "services/dispatch/customer_client.h"
#include "services/dispatch/intent_store.h"
#include "services/dispatch/ready_queue.h"
#include "services/dispatch/reply_rule.h"
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
inline constexpr size_t kAskBatch = 128;               // permits asked for at once
inline constexpr size_t kHaltBatch = 1000;  // intents withheld in one turn when a campaign is stopped

// The standing campaign of opt-outs' confirmations; its steps are the opt-outs.
inline constexpr char kConfirmations[] = "campaigns/opt-out-confirmations";
inline constexpr char kConfirmationText[] =
    "You have been opted out and will get no more texts from this number. Reply START to get them again.";

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

// For people to read; kept after a stream ends.
struct ConnectorStatus {
  internal::v1::Hello hello;
  internal::v1::LinkState link;
  bool connected = false;
  int32_t in_flight = 0;
  int64_t lease_breaches = 0;
};

class Desk {
 public:
  Desk(storage::Store& store, TurnLoop& loop, CustomerClient& customer, base::Clock& clock,
       const storage::BlindIndex& reference_key, const policy::SnapshotHolder& access);

  // Plans and steering.
  absl::Status DeclareStep(Turn& turn, const internal::v1::DeclareStepRequest& request);
  absl::Status PlanIntents(Turn& turn, const internal::v1::PlanIntentsRequest& request,
                           internal::v1::PlanIntentsResponse& response);
  absl::Status Steer(Turn& turn, const internal::v1::SteerCampaignRequest& request,
                     internal::v1::SteerCampaignResponse& response);

  // Connectors.
  void Arrive(Turn& turn, const SessionPtr& session);
  void Leave(Turn& turn, const SessionPtr& session);
  void OnPull(Turn& turn, const SessionPtr& session, const internal::v1::Pull& pull, int64_t arrived_us);
  void OnOutcomes(Turn& turn, const SessionPtr& session, const internal::v1::Outcomes& outcomes);
  void OnReceipts(Turn& turn, const SessionPtr& session, const internal::v1::Receipts& receipts);
  void OnInbound(Turn& turn, const SessionPtr& session, const internal::v1::InboundMessages& messages);
  void OnLink(Turn& turn, const SessionPtr& session, const internal::v1::LinkState& link);

  // Once, before anything else: what was in flight when the last life ended is in doubt.
  void Recover(Turn& turn);
  // End of every turn.
  void Tick(Turn& turn);
  void Flush(Turn& turn) { intents_.Flush(turn); }

  std::map<std::string, ConnectorStatus> Connectors() const { return connectors_; }
  const std::string& life() const { return life_; }

 private:
  struct Step {
    record::v1::StepRow row;
    type::v1::CampaignManifest manifest;
    std::optional<content::Template> text;
    std::optional<content::EmailTemplate> email;
  };
  struct Open {
    record::v1::OpenAttemptRow row;
    bool in_doubt = false;
    int64_t lease_us = 0;  // as given to the connector by this life; 0 = by an earlier one
  };
  // A batch of permits asked for. One id = request = permit = attempt.
  struct Asked {
    std::string id;
    record::v1::IntentRow intent;
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
  struct Reply {
    record::v1::ReplyRow row;
    customer::internal::v1::RecordReplyRequest request;
    std::string connector_life;
    uint64_t sequence = 0;
    bool durable = false;
    bool calling = false;
    int64_t not_before_us = 0;
  };

  // desk_plan.cc
  const Step* StepOf(Turn& turn, const record::v1::IntentKey& key);
  bool Expired(const Step& step, int64_t now_us) const;
  bool MayGo(const std::string& campaign);
  int SteeringOf(Turn& turn, const std::string& campaign);
  void HaltSome(Turn& turn);
  void ExpireDeclared(Turn& turn);
  // Pending again; or withheld at once if the campaign has been stopped meanwhile.
  void Requeue(Turn& turn, record::v1::IntentRow& intent, std::string_view reason);
  uint64_t LaneOf(type::v1::PurposeClass purpose_class) const;

  // desk.cc
  void EndStreamsOfOldMode(Turn& turn);

  // desk_handover.cc
  // Fills in what the channel carries; the error is the reason why it cannot be said.
  absl::Status Compose(const Step& step, const customer::internal::v1::Grant& grant,
                       record::v1::IntentRow& intent, internal::v1::Attempt& attempt) const;
  void AskForPermits(Turn& turn);
  void AskFor(Turn& turn, const SessionPtr& session);
  void OnPermits(Turn& turn, Ask& ask, absl::StatusOr<customer::internal::v1::IssuePermitsResponse> answer);
  std::optional<Ready> Submit(Turn& turn, Ask& ask, Asked& item,
                              const customer::internal::v1::PermitAnswer& answer);
  void Begin(Turn& turn, const Ask& ask, const std::string& id, record::v1::IntentRow& intent,
             const customer::internal::v1::Grant& grant);
  void NotHandedOver(Turn& turn, record::v1::IntentRow& intent, std::string_view reason);
  bool IsTaken(Turn& turn, const record::v1::IntentKey& key, const std::string& subject);
  std::string DuplicateOf(Turn& turn, const record::v1::IntentRow& intent,
                          const customer::internal::v1::Grant& grant);
  void Claim(Turn& turn, const record::v1::IntentRow& intent, const customer::internal::v1::Grant& grant);
  void HandToConnector(const SessionPtr& session, std::vector<Ready> batch, int64_t use_by_us);
  void TakeBack(Turn& turn, const std::string& id);
  std::string MintId(const record::v1::IntentKey& key);
  void Release(Turn& turn, std::string id);

  // desk_outcome.cc
  bool OnOutcome(Turn& turn, const SessionPtr& session, const internal::v1::Outcome& outcome);
  void OnAccepted(Turn& turn, Open& open, record::v1::IntentRow& intent,
                  const internal::v1::Accepted& accepted);
  void OnRejected(Turn& turn, record::v1::IntentRow& intent, const internal::v1::Rejected& rejected);
  void OnReceipt(Turn& turn, const SessionPtr& session, const internal::v1::Receipt& receipt);
  void ApplyReceipt(Turn& turn, record::v1::IntentRow& intent, const std::string& provider_id, int state,
                    bool hard_bounce);
  bool SettleByReference(Turn& turn, const std::string& connector, const std::string& reference_key,
                         const std::string& provider_id, int state);
  bool SettleByAttempt(Turn& turn, const internal::v1::Receipt& receipt);
  void Park(Turn& turn, const std::string& connector, const internal::v1::Receipt& receipt);
  void WatchLease(const SessionPtr& session, const Open& open, const internal::v1::Outcome& outcome);
  void OnRefused(Turn& turn, record::v1::IntentRow& intent, const internal::v1::Refused& refused);
  void Close(Turn& turn, const std::string& id);
  void Remember(const std::string& id, record::v1::OpenAttemptRow row, bool in_doubt);
  std::string AddressHash(const std::string& address) const;
  static std::string ReferenceKey(int32_t reference, const std::string& address_hash);

  // desk_failure.cc
  // FAILED, or PENDING on the member's next channel.
  void Fail(Turn& turn, record::v1::IntentRow& intent, std::string_view reason);
  bool GoOn(Turn& turn, record::v1::IntentRow& intent, std::string_view reason);
  void ReportEndpoint(Turn& turn, const std::string& endpoint, type::v1::SuppressionReason reason);
  void SendReports(Turn& turn);
  void OnReported(Turn& turn, const customer::internal::v1::ReportEndpointsRequest& sent,
                  const absl::Status& status);
  void PutOffReports();

  // desk_doubt.cc
  void PurgeParked(Turn& turn);
  template <typename Row>
  void ReadTable(Turn& turn, uint8_t table, const std::function<void(std::string_view, Row)>& take);
  void QueryOpen(const SessionPtr& session);
  void DoubtLost(Turn& turn);
  void Doubt(Turn& turn, const std::string& id, Open& open, std::string_view reason);

  // desk_reply.cc
  void OnMessage(Turn& turn, const SessionPtr& session, const internal::v1::InboundMessage& message);
  void CallCustomer(Reply& reply);
  std::string ReplyIdOf(const SessionPtr& session, const internal::v1::InboundMessage& message) const;
  // The call once more, for a reply that customer has durably: its id suffices, the address is not kept.
  static customer::internal::v1::RecordReplyRequest RepeatOf(const record::v1::ReplyRow& row);
  void OnReplyDurable(Turn& turn, const std::string& id,
                      const customer::internal::v1::RecordReplyResponse& response, int64_t durable_ns);
  void OnReplyAcknowledged(Turn& turn, const std::string& id, int64_t acknowledged_ns);
  void OnReplyFailed(Turn& turn, const std::string& id, const absl::Status& status);
  void PutOffReply(const std::string& id);
  std::optional<record::v1::IntentKey> IntentOfAttempt(Turn& turn, const std::string& attempt);
  void HearOf(Turn& turn, record::v1::ReplyRow& row,
              const customer::internal::v1::RecordReplyResponse& response);
  void RetryReplies();
  void Confirm(Turn& turn, const Reply& reply);
  void SaveReply(Turn& turn, const record::v1::ReplyRow& row);
  void AcknowledgeInbound(Turn& turn, const std::string& connector_life, uint64_t sequence);

  SessionPtr SessionOfLife(const std::string& life) const;

  storage::Store& store_;
  TurnLoop& loop_;
  CustomerClient& customer_;
  base::Clock& clock_;
  const storage::BlindIndex& reference_key_;
  const policy::SnapshotHolder& access_;
  const std::string life_;
  uint64_t minted_ = 0;

  IntentStore intents_;
  ReadyQueue ready_;
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
  std::unordered_map<std::string, int64_t> lost_lives_;  // life → when its stream was lost (boot time)
  int64_t ask_not_before_us_ = 0;

  std::unordered_map<std::string, Open> open_;                      // by attempt id
  std::unordered_multimap<std::string, std::string> by_reference_;  // reference and address hash → attempt id
  // Receipts that wait for their message: by reference and address hash, (connector, provider id).
  std::unordered_map<std::string, std::pair<std::string, std::string>> parked_;
  std::vector<std::string> releases_;  // this turn's
  int64_t purged_at_us_ = 0;           // boot time of the last purge of parked receipts

  std::map<std::string, type::v1::SuppressionReason> reports_;  // by endpoint; durable in kReport
  bool reporting_ = false;
  int64_t report_not_before_us_ = 0;

  std::unordered_map<std::string, Reply> replies_;  // not yet acknowledged by customer
};

}  // namespace pharos::dispatch
