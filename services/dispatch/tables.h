// The dispatch store: its tables and keys. Values are records of pharos/record/v1/dispatch.proto in an
// envelope.
#pragma once

#include <string>

#include "pharos/record/v1/dispatch.pb.h"
#include "storage/key_codec.h"

namespace pharos::dispatch {

inline constexpr uint32_t kFormat = 2;  // 2: queues by channel, approvals in steps, events in the change log
inline constexpr uint32_t kOldestFormat = 2;  // what is pending in an older one carries no approval

enum Table : uint8_t {
  kStep = 1,    // String(campaign) String(step) → StepRow
  kIntent = 2,  // String(campaign) String(step) String(person) → IntentRow
  // The pending ones, in the order of their turn:
  // U64(channel) U64(lane) U64(due µs) String(campaign) String(step) String(person) → empty
  kQueue = 3,
  kTally = 4,     // String(campaign) → TallyRow
  kSteering = 5,  // String(campaign) → SteeringRow
  kOpen = 6,      // Raw(16: attempt id) → OpenAttemptRow
  kProvider = 7,  // String(connector) String(provider id) → IntentKey
  kParked = 8,    // String(connector) String(provider id) → ParkedReceiptRow
  kClaim = 9,    // String(campaign) String(step) String("p" + person | "e" + endpoint) → IntentKey that was
                 // handed over
  kLastTo = 10,  // Raw(16: endpoint) → IntentKey of the last message handed over to it
  kReply = 11,   // String(reply id) → ReplyRow
  kReplyOrder = 12,  // U64(received ns) String(reply id) → empty
  kAttempt = 14,  // Raw(16: attempt id) → IntentKey: of emails, whose bounces and unsubscribe mails name it
  kReport = 13,   // Raw(16: endpoint) → EndpointReportRow
};

inline std::string StepKey(const std::string& campaign, const std::string& step) {
  return storage::KeyWriter(kStep).String(campaign).String(step).str();
}
inline std::string IntentKeyOf(const record::v1::IntentKey& key) {
  return storage::KeyWriter(kIntent).String(key.campaign()).String(key.step()).String(key.person()).str();
}
inline std::string QueueKeyOf(const record::v1::IntentRow& row) {
  return storage::KeyWriter(kQueue)
      .U64(static_cast<uint64_t>(row.channel()))
      .U64(row.lane())
      .U64(static_cast<uint64_t>(row.due_time_us()))
      .String(row.key().campaign())
      .String(row.key().step())
      .String(row.key().person())
      .str();
}
inline std::string TallyKey(const std::string& campaign) {
  return storage::KeyWriter(kTally).String(campaign).str();
}
inline std::string SteeringKey(const std::string& campaign) {
  return storage::KeyWriter(kSteering).String(campaign).str();
}
inline std::string OpenKey(const std::string& attempt) {
  return storage::KeyWriter(kOpen).Raw(attempt).str();
}
inline std::string ProviderKey(const std::string& connector, const std::string& provider_id) {
  return storage::KeyWriter(kProvider).String(connector).String(provider_id).str();
}
inline std::string ParkedKey(const std::string& connector, const std::string& provider_id) {
  return storage::KeyWriter(kParked).String(connector).String(provider_id).str();
}
inline std::string ClaimKey(const record::v1::IntentKey& key, const std::string& subject) {
  return storage::KeyWriter(kClaim).String(key.campaign()).String(key.step()).String(subject).str();
}
// Who may not be written to twice: subjects of a claim.
inline std::string PersonClaim(const std::string& person) {
  return "p" + person;
}
inline std::string EndpointClaim(const std::string& endpoint) {
  return "e" + endpoint;
}
inline std::string AttemptKey(const std::string& attempt) {
  return storage::KeyWriter(kAttempt).Raw(attempt).str();
}
inline std::string ReportKey(const std::string& endpoint) {
  return storage::KeyWriter(kReport).Raw(endpoint).str();
}
inline std::string LastToKey(const std::string& endpoint) {
  return storage::KeyWriter(kLastTo).Raw(endpoint).str();
}
inline std::string ReplyKey(const std::string& reply_id) {
  return storage::KeyWriter(kReply).String(reply_id).str();
}
inline std::string ReplyOrderKey(int64_t received_ns, const std::string& reply_id) {
  return storage::KeyWriter(kReplyOrder).U64(static_cast<uint64_t>(received_ns)).String(reply_id).str();
}

}  // namespace pharos::dispatch
