#include "services/dispatch/intent_service.h"

#include <algorithm>

#include "pharos/dispatch/v1/connector_service.pb.h"
#include "pharos/dispatch/v1/intent_service.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/dispatch/errors.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

constexpr int kDefaultPage = 100;
constexpr int kMaxPage = 1000;
constexpr int kDefaultReplies = 1000;
constexpr int kMaxReplies = 10'000;
constexpr char kPeople[] = "people/";
constexpr char kConnectors[] = "connectors/";

std::string NameOf(const record::v1::IntentKey& key) {
  return key.campaign() + "/intents/" + key.step() + "-" + base::Segment(key.person(), "people");
}

// "campaigns/c/intents/1-01jd…" → its key. The person's id is the part after the last '-'.
std::optional<record::v1::IntentKey> KeyOf(std::string_view name) {
  const size_t middle = name.find("/intents/");
  const size_t dash = name.rfind('-');
  if (middle == std::string_view::npos || dash == std::string_view::npos || dash < middle)
    return std::nullopt;
  record::v1::IntentKey key;
  key.set_campaign(std::string(name.substr(0, middle)));
  key.set_step(std::string(name.substr(middle + 9, dash - middle - 9)));
  key.set_person(kPeople + std::string(name.substr(dash + 1)));
  return key;
}

v1::Intent Show(const record::v1::IntentRow& row) {
  v1::Intent intent;
  intent.set_name(NameOf(row.key()));
  intent.set_person(row.key().person());
  intent.set_channel(row.channel());
  intent.set_endpoint("endpoints/" + base::ToHex(row.endpoint()));
  intent.set_state(static_cast<v1::IntentState>(row.state()));
  intent.set_reason(row.reason());
  intent.set_attempts(row.attempts());
  for (const auto& part : row.parts()) intent.add_provider_ids(part.provider_id());
  intent.set_attempt(base::ToHex(row.attempt()));
  for (const auto& event : row.events()) {
    auto* shown = intent.add_events();
    shown->set_time_us(event.time_us());
    shown->set_state(static_cast<v1::IntentState>(event.state()));
    shown->set_reason(event.reason());
    shown->set_attempt(base::ToHex(event.attempt()));
  }
  for (const auto& hop : row.earlier()) {
    auto* shown = intent.add_earlier();
    shown->set_channel(hop.channel());
    shown->set_endpoint("endpoints/" + base::ToHex(hop.endpoint()));
    *shown->mutable_provider_ids() = hop.provider_ids();
    shown->set_reason(hop.reason());
  }
  return intent;
}

v1::Connector Show(const std::string& name, const ConnectorStatus& status) {
  v1::Connector shown;
  shown.set_name(kConnectors + name);
  shown.set_channel(status.hello.channel());
  shown.set_connected(status.connected);
  shown.set_link_up(status.connected && status.link.up());
  shown.set_detail(status.connected ? status.link.detail() : "not connected to dispatch");
  shown.set_in_flight(status.in_flight);
  shown.set_sandbox(status.hello.sandbox());
  shown.set_lease_breaches(status.lease_breaches);
  if (status.connected) shown.set_problem(status.link.problem());
  shown.set_rate(status.link.rate());
  shown.set_priority(status.priority);
  const bool held = status.health.facts().held_until_us > 0;
  shown.set_paused(status.row.paused() || held);
  if (shown.paused()) shown.set_pause_reason(status.row.reason());
  if (held && !status.row.paused()) shown.set_paused_until_us(status.row.until_us());
  shown.set_accepted(status.accepted);
  for (const auto& [reason, count] : status.refused) (*shown.mutable_refused())[reason] = count;
  shown.set_unconfirmed(status.unconfirmed);
  return shown;
}

v1::Reply Show(const record::v1::ReplyRow& row) {
  v1::Reply reply;
  if (!row.endpoint().empty()) reply.set_endpoint("endpoints/" + base::ToHex(row.endpoint()));
  reply.set_kind(row.kind());
  reply.set_received_time_ns(row.received_time_ns());
  reply.set_durable_time_ns(row.durable_time_ns());
  reply.set_acknowledged_time_ns(row.acknowledged_time_ns());
  reply.set_for_review(row.for_review());
  reply.set_opt_out(row.opt_out());
  reply.set_campaign(row.campaign());
  return reply;
}

// A page token is the hex of the last key shown; it must lie in the list's own range.
absl::StatusOr<storage::KeyRange> From(storage::KeyRange range, const std::string& token) {
  if (token.empty()) return range;
  const std::string last = base::FromHex(token);
  if (last < range.begin || (!range.end.empty() && last >= range.end))
    return DispatchErrors::PageTokenWrong();
  return storage::KeyRange{last + '\0', range.end};
}

int PageSize(int asked, int usual, int most) {
  return asked <= 0 ? usual : std::min(asked, most);
}

}  // namespace

absl::Status IntentService::GetIntent(rpc::Call& call, const v1::GetIntentRequest& request,
                                      v1::Intent& response) {
  const auto key = KeyOf(request.name());
  if (!key) return DispatchErrors::IntentNotFound();
  record::v1::IntentRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(store_, IntentKeyOf(*key), row));
  if (!found) return DispatchErrors::IntentNotFound();
  response = Show(row);
  return absl::OkStatus();
}

absl::Status IntentService::ListIntents(rpc::Call& call, const v1::ListIntentsRequest& request,
                                        v1::ListIntentsResponse& response) {
  const std::string prefix = storage::KeyWriter(kIntent).String(request.parent()).str();
  PHAROS_ASSIGN_OR_RETURN(const storage::KeyRange range,
                          From(storage::PrefixRange(prefix), request.page_token()));
  const int page = PageSize(request.page_size(), kDefaultPage, kMaxPage);
  absl::Status decoded;
  std::string last;
  auto view = store_.Read();
  PHAROS_RETURN_IF_ERROR(view->Scan(range, [&](std::string_view key, std::string_view value) {
    record::v1::IntentRow row;
    decoded = storage::DecodeRecord(value, row);
    if (!decoded.ok()) return false;
    if (response.intents_size() == page) {
      response.set_next_page_token(base::ToHex(last));
      return false;
    }
    last = std::string(key);
    if (request.state() == v1::INTENT_STATE_UNSPECIFIED || request.state() == row.state())
      *response.add_intents() = Show(row);
    return true;
  }));
  return decoded;
}

absl::Status IntentService::GetTally(rpc::Call& call, const v1::GetTallyRequest& request,
                                     v1::Tally& response) {
  record::v1::TallyRow row;
  PHAROS_RETURN_IF_ERROR(storage::GetRecord(store_, TallyKey(request.campaign()), row).status());
  response.set_intents(row.intents());
  response.set_pending(row.pending());
  response.set_in_flight(row.in_flight());
  response.set_sent(row.sent());
  response.set_delivered(row.delivered());
  *response.mutable_failed() = row.failed();
  response.set_unconfirmed(row.unconfirmed());
  *response.mutable_withheld() = row.withheld();
  response.set_bounced(row.bounced());
  response.set_opted_out(row.opted_out());
  response.set_planned(row.declared() == row.intents());
  response.set_declared(row.declared());
  *response.mutable_accepted_by_channel() = row.accepted_by_channel();
  response.set_complained(row.complained());
  response.set_parts(row.parts());
  response.set_cost_micropounds(row.cost_micropounds());
  response.set_followed(row.followed());
  *response.mutable_followed_by_link() = row.followed_by_link();
  response.set_held(desk_.HeldWhy(request.campaign()));
  return absl::OkStatus();
}

absl::Status IntentService::ListReplies(rpc::Call& call, const v1::ListRepliesRequest& request,
                                        v1::ListRepliesResponse& response) {
  const std::string prefix = storage::KeyWriter(kReplyOrder).str();
  PHAROS_ASSIGN_OR_RETURN(const storage::KeyRange range,
                          From(storage::PrefixRange(prefix), request.page_token()));
  const int page = PageSize(request.page_size(), kDefaultReplies, kMaxReplies);
  absl::Status loaded;
  std::string last;
  auto view = store_.Read();
  PHAROS_RETURN_IF_ERROR(view->Scan(range, [&](std::string_view key, std::string_view) {
    if (response.replies_size() == page) {
      response.set_next_page_token(base::ToHex(last));
      return false;
    }
    last = std::string(key);
    storage::KeyReader reader(key);
    reader.U64();
    record::v1::ReplyRow row;
    auto found = storage::GetRecord(*view, ReplyKey(reader.String()), row);
    loaded = found.status();
    if (loaded.ok() && *found) *response.add_replies() = Show(row);
    return loaded.ok();
  }));
  return loaded;
}

absl::Status ConnectorService::ListConnectors(rpc::Call& call, const v1::ListConnectorsRequest& request,
                                              v1::ListConnectorsResponse& response) {
  return loop_.Run([&](Turn&) {
    for (const auto& [name, status] : desk_.Connectors()) *response.add_connectors() = Show(name, status);
    return absl::OkStatus();
  });
}

// Pausing twice is pausing, and so is resuming: what was answered before need not be remembered.
absl::Status ConnectorService::PauseConnector(rpc::Call& call, const v1::PauseConnectorRequest& request,
                                              v1::Connector& response) {
  const std::string name = base::Segment(request.name(), "connectors");
  return loop_.Run([&](Turn& turn) {
    desk_.PauseConnector(turn, name, request.reason());
    turn.tx.AppendChange(rpc::ChangeBy(call, request.name(), "connector.paused", 0, turn.now_us));
    response = Show(name, desk_.Connectors().at(name));
    return absl::OkStatus();
  });
}

absl::Status ConnectorService::ResumeConnector(rpc::Call& call, const v1::ResumeConnectorRequest& request,
                                               v1::Connector& response) {
  const std::string name = base::Segment(request.name(), "connectors");
  return loop_.Run([&](Turn& turn) -> absl::Status {
    if (!desk_.ResumeConnector(turn, name)) return DispatchErrors::ConnectorUnknown(name);
    turn.tx.AppendChange(rpc::ChangeBy(call, request.name(), "connector.resumed", 0, turn.now_us));
    response = Show(name, desk_.Connectors().at(name));
    return absl::OkStatus();
  });
}

}  // namespace pharos::dispatch
