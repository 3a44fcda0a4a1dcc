// What a session with a provider is told, and what it tells.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/smpp/assembly.h"
#include "connectors/smpp/inbound.h"
#include "connectors/smpp/resolver.h"
#include "connectors/smpp/status.h"
#include "connectors/smpp/submission.h"
#include "connectors/smpp/tls.h"

namespace pharos::smpp {

enum class BindMode {
  kTransceiver,
  kPair
};  // kPair: a transmitter and a receiver, for providers without transceiver

struct SessionOptions {
  std::string host = "127.0.0.1";
  int port = 2775;
  std::shared_ptr<TlsTrust> tls = nullptr;  // nullptr: plain, and then only to this machine …
  std::string tls_name = {};
  bool plaintext_allowed = false;  // … unless this is set
  std::string system_id = {}, password = {}, system_type = {}, address_range = {};
  BindMode mode = BindMode::kTransceiver;
  int binds = 1;    // connections (pairs) of the account
  int window = 64;  // submit_sm without an answer on one connection, in parts
  SubmitSettings submit = {};
  StatusRules statuses = {};
  ReceiptIdRule receipt_ids = ReceiptIdRule::kAuto;
  double per_second = 0,
         bind_per_second = 0;  // parts a second of the account and of one connection; 0 = no limit
  int inbound_id_tlv = 0;      // see InboundSettings
  // May a real provider be used? False: only one that calls itself "pharos-sandbox" in its answer to our
  // bind. nullopt: not known yet; nothing is connected before SetLive.
  std::optional<bool> live = false;
  int64_t bind_timeout_us = 10'000'000;
  int64_t response_timeout_us = 30'000'000;
  int64_t enquire_after_us = 30'000'000;   // of silence; two unanswered end the link
  int64_t reconnect_first_us = 1'000'000;  // doubles, with jitter, to …
  int64_t reconnect_most_us = 60'000'000;
  int64_t refused_backoff_us = 60'000'000;  // after a wrong password, doubling to …: providers lock accounts
  int64_t refused_most_us = 900'000'000;
  int64_t hard_stop_margin_us = 100'000;       // reset so long before the kill
  int send_queue_bytes = 32 * 1024;            // unacknowledged octets past which nothing new begins
  int64_t hold_parts_us = Assembler::kHoldUs;  // see Assembler
  LookUp look_up = {};                         // of the host's name; empty: the system's
};

// What became of one task.
struct Finished {
  std::string id;
  work::Outcome outcome;
};

// The account's link in words and for metrics, as work::LinkState.
struct LinkNews {
  bool up = false;
  std::string detail, problem;
  double rate = 0;
  bool operator==(const LinkNews&) const = default;
};

// Called from the session's thread; they must not wait.
struct SessionEvents {
  std::function<void(std::vector<Finished>)> finished;
  // Keep it durably somewhere; Acknowledged(sequence) then answers the provider. nullopt: no room, the
  // session stops reading.
  std::function<std::optional<uint64_t>(const std::string& key, work::Receipt)> receipt;
  std::function<std::optional<uint64_t>(const std::string& key, work::InboundMessage)> inbound;
  std::function<void(const LinkNews&)> link;
};

}  // namespace pharos::smpp
