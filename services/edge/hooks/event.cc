#include "services/edge/hooks/event.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "pharos/customer/v1/sync_service.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::edge::hooks {
namespace {

namespace v1 = customer::v1;
using nlohmann::json;

constexpr int64_t kSecond = 1'000'000;
constexpr size_t kIdHexDigits = 32;  // 128 bits: no two events share them

// RFC 3339, in microseconds, UTC.
std::string TimeOf(int64_t now_us) {
  const time_t seconds = now_us / kSecond;
  tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:06}Z", text, now_us % kSecond);
}

std::string TextOf(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// nlohmann's objects are sorted by key, so that the same content is the same text.
Event Make(std::string_view type, json data, std::string subject, const EventPlace& place, int64_t now_us) {
  Event event;
  const std::string content = TextOf(data);
  const std::string all = fmt::format("{}\n{}\n{}\n{}", place.run, place.cursor, type, content);
  event.id = "msg_" + base::ToHex(base::Sha256(all)).substr(0, kIdHexDigits);
  event.subject = std::move(subject);
  event.body = fmt::format(R"({{"type":"{}","timestamp":"{}","data":{}}})", type, TimeOf(now_us), content);
  return event;
}

json List(const google::protobuf::RepeatedPtrField<std::string>& words) {
  return json(std::vector<std::string>(words.begin(), words.end()));
}

Event OfPerson(const EventForm& form, const v1::PersonChange& change, const EventPlace& place,
               int64_t now_us) {
  json data = {{"agreement", form.agreement},
               {"person", change.person()},
               {"version", fmt::format("{}", change.version())}};
  if (change.gone()) return Make("person.gone", std::move(data), change.person(), place, now_us);
  data["records"] = List(change.records());
  if (form.payload == Payload::kFull) {
    data["fields"] = json::object();
    for (const auto& [field, value] : change.fields()) data["fields"][field] = value;
  }
  return Make("person.changed", std::move(data), change.person(), place, now_us);
}

bool SamePerson(const v1::ConsentState& a, const v1::ConsentState& b) {
  return a.version() == b.version() &&
         std::equal(a.records().begin(), a.records().end(), b.records().begin(), b.records().end());
}

// States of one person, from `first` on. A person's first purpose and channel tell parts of a long one apart.
Event OfConsent(const EventForm& form, const v1::FollowConsentsResponse& response, int first, int end,
                const EventPlace& place, int64_t now_us) {
  const v1::ConsentState& head = response.states(first);
  json data = {{"agreement", form.agreement},
               {"records", List(head.records())},
               {"version", fmt::format("{}", head.version())},
               {"states", json::array()}};
  for (int at = first; at < end; ++at) {
    const v1::ConsentState& state = response.states(at);
    data["states"].push_back({{"purpose", state.purpose()},
                              {"channel", type::v1::Channel_Name(state.channel())},
                              {"reason", type::v1::GateReason_Name(state.reason())}});
  }
  const std::string subject =
      fmt::format("{} {} {}", TextOf(data["records"]), head.purpose(), static_cast<int>(head.channel()));
  return Make("consent.changed", std::move(data), subject, place, now_us);
}

absl::Status Unreadable() {
  return base::MakeError(absl::StatusCode::kDataLoss, "ANSWER_UNREADABLE",
                         "The feed's message could not be read. Try again.");
}

}  // namespace

std::string_view NameOf(Feed feed) {
  return feed == Feed::kConsent ? "consent" : "changes";
}

std::string_view MethodOf(Feed feed) {
  return feed == Feed::kConsent ? "/pharos.customer.v1.SyncService/FollowConsents"
                                : "/pharos.customer.v1.SyncService/FollowChanges";
}

Event FeedStarted(const EventForm& form, const EventPlace& place, int64_t now_us) {
  return Make("feed.started", {{"agreement", form.agreement}, {"feed", NameOf(form.feed)}}, "", place,
              now_us);
}

std::string RequestOf(const EventForm& form, const std::string& cursor) {
  if (form.feed == Feed::kConsent) {
    v1::FollowConsentsRequest request;
    request.set_agreement(form.agreement);
    request.set_cursor(cursor);
    return request.SerializeAsString();
  }
  v1::FollowChangesRequest request;
  request.set_agreement(form.agreement);
  request.set_cursor(cursor);
  return request.SerializeAsString();
}

absl::StatusOr<Batch> ReadBatch(const EventForm& form, const EventPlace& place, const std::string& message,
                                int64_t now_us) {
  Batch batch;
  if (form.feed == Feed::kChanges) {
    v1::FollowChangesResponse response;
    if (!response.ParseFromString(message)) return Unreadable();
    for (const auto& change : response.changes())
      batch.events.push_back(OfPerson(form, change, place, now_us));
    batch.cursor = response.cursor();
    return batch;
  }
  v1::FollowConsentsResponse response;
  if (!response.ParseFromString(message)) return Unreadable();
  for (int first = 0; first < response.states_size();) {
    int end = first + 1;
    while (end < response.states_size() && SamePerson(response.states(first), response.states(end))) ++end;
    batch.events.push_back(OfConsent(form, response, first, end, place, now_us));
    first = end;
  }
  batch.cursor = response.cursor();
  return batch;
}

}  // namespace pharos::edge::hooks
