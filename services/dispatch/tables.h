// The dispatch store: its tables and keys. Values are records of pharos/record/v1/dispatch.proto in an
// envelope.
#pragma once

#include <string>

#include "pharos/record/v1/dispatch.pb.h"
#include "storage/key_codec.h"

namespace pharos::dispatch {

// 2: queues by channel, approvals in steps, events in the change log. 3: open attempts by batch, contacts.
inline constexpr uint32_t kFormat = 3;
inline constexpr uint32_t kOldestFormat = 2;  // what is pending in an older one carries no approval

enum Table : uint8_t {
  kStep = 1,    // String(campaign) String(step) → StepRow
  kIntent = 2,  // String(campaign) String(step) String(person) → IntentRow
  // The pending ones of format 2: U64(channel) U64(lane) U64(due µs) String(campaign) String(step)
  // String(person) → empty. Moved to kTurn bit by bit after the start.
  kQueue = 3,
  kTally = 4,     // String(campaign) → TallyRow
  kSteering = 5,  // String(campaign) → SteeringRow
  kOpen = 6,      // Raw(16: attempt id) → OpenAttemptRow; only read: written by format 2
  kProvider = 7,  // String(connector) String(provider id) → IntentKey
  kParked = 8,    // String(connector) String(provider id) → ParkedReceiptRow
  // String(campaign) String(step) String("p" + person | "e" + endpoint) → IntentKey that was handed over;
  // only read: written by format 2
  kClaim = 9,
  kLastTo = 10,      // Raw(16: endpoint) → IntentKey of the last message handed over to it; likewise
  kReply = 11,       // String(reply id) → ReplyRow
  kReplyOrder = 12,  // U64(received ns) String(reply id) → empty
  kAttempt = 14,  // Raw(16: attempt id) → IntentKey: of emails, whose bounces and unsubscribe mails name it
  kReport = 13,   // Raw(16: endpoint) → EndpointReportRow
  kOpenBatch = 15,        // Raw(16: id of its first attempt) → OpenBatchRow
  kEndpointContact = 16,  // Raw(16: endpoint) → ContactRow
  kPersonContact = 17,    // Raw(16: keyed hash of the person) → ContactRow
  kRoute = 18,            // String(connector) → RouteRow
  kMailSite = 19,         // String(mail site) → MailSiteRow
  kCanary = 20,           // String(campaign) String(step) → CanaryRow
  // The pending ones, by campaign and in the order of their turn; tier 0: the step's canary, 1: the rest.
  // U64(channel) U64(lane) String(campaign) U64(tier) U64(due µs) String(step) String(person) → empty
  kTurn = 21,
  kMessage = 30,           // Raw(16: message id) → MessageRow
  kMessageOrder = 31,      // String(campaign) Raw(16: complement of the id, so newest first) → empty
  kMessageReference = 32,  // Raw(16: keyed hash of campaign and reference) Raw(16: complement) → empty
  kMessageDue = 33,        // U64(when to look whether it is to be removed, µs) Raw(16: id) → empty
  kMessageKey = 34,        // U64(data key) → MessageKeyRow
  kMessageSender = 35,     // String(campaign) String(principal that has sent through it) → empty
  kReplyName = 36,         // Raw(16: id in the inbox) → ReplyNameRow
  kReplyDue = 37,          // U64(when its text goes, µs) Raw(16: id in the inbox) → empty
};

inline std::string StepKey(const std::string& campaign, const std::string& step) {
  return storage::KeyWriter(kStep).String(campaign).String(step).str();
}
inline std::string IntentKeyOf(const record::v1::IntentKey& key) {
  return storage::KeyWriter(kIntent).String(key.campaign()).String(key.step()).String(key.person()).str();
}
inline uint64_t TierOf(const record::v1::IntentRow& row) {
  return row.canary() ? 0 : 1;
}
inline std::string TurnKeyOf(const record::v1::IntentRow& row) {
  return storage::KeyWriter(kTurn)
      .U64(static_cast<uint64_t>(row.channel()))
      .U64(row.lane())
      .String(row.key().campaign())
      .U64(TierOf(row))
      .U64(static_cast<uint64_t>(row.due_time_us()))
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
// Who may not be written to twice: the subject of a claim of format 2.
inline std::string EndpointClaim(const std::string& endpoint) {
  return "e" + endpoint;
}
inline std::string AttemptKey(const std::string& attempt) {
  return storage::KeyWriter(kAttempt).Raw(attempt).str();
}
inline std::string OpenBatchKey(const std::string& first_attempt) {
  return storage::KeyWriter(kOpenBatch).Raw(first_attempt).str();
}
inline std::string EndpointContactKey(const std::string& endpoint) {
  return storage::KeyWriter(kEndpointContact).Raw(endpoint).str();
}
inline std::string PersonContactKey(const std::string& hash) {
  return storage::KeyWriter(kPersonContact).Raw(hash).str();
}
inline std::string RouteKey(const std::string& connector) {
  return storage::KeyWriter(kRoute).String(connector).str();
}
inline std::string MailSiteKey(const std::string& site) {
  return storage::KeyWriter(kMailSite).String(site).str();
}
inline std::string CanaryKey(const std::string& campaign, const std::string& step) {
  return storage::KeyWriter(kCanary).String(campaign).String(step).str();
}
inline std::string MessageKey(const std::string& id) {
  return storage::KeyWriter(kMessage).Raw(id).str();
}
inline std::string MessageOrderKey(const std::string& campaign, const std::string& complement) {
  return storage::KeyWriter(kMessageOrder).String(campaign).Raw(complement).str();
}
inline std::string MessageReferenceKey(const std::string& reference, const std::string& complement) {
  return storage::KeyWriter(kMessageReference).Raw(reference).Raw(complement).str();
}
inline std::string MessageDueKey(int64_t due_us, const std::string& id) {
  return storage::KeyWriter(kMessageDue).U64(static_cast<uint64_t>(due_us)).Raw(id).str();
}
inline std::string MessageKeyKey(uint64_t key) {
  return storage::KeyWriter(kMessageKey).U64(key).str();
}
inline std::string MessageSenderKey(const std::string& campaign, const std::string& principal) {
  return storage::KeyWriter(kMessageSender).String(campaign).String(principal).str();
}
inline std::string ReplyNameKey(const std::string& id) {
  return storage::KeyWriter(kReplyName).Raw(id).str();
}
inline std::string ReplyDueKey(int64_t due_us, const std::string& id) {
  return storage::KeyWriter(kReplyDue).U64(static_cast<uint64_t>(due_us)).Raw(id).str();
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
