// Our own form of callbacks, for providers and gateways that have none that we know:
//
//   {"receipts": [{"id": "provider's message id", "state": "DELIVERED", "address": "447700900000",
//                  "error": "…", "done_at": "2026-03-01T09:00:00Z", "hard_bounce": false, "complaint":
//                  false}],
//    "messages": [{"id": "provider's id of it", "from": "447700900000", "to": "60777", "text": "STOP"}]}
//
// Either list may be left out. States: EN_ROUTE, DELIVERED, EXPIRED, DELETED, UNDELIVERABLE, ACCEPTED,
// UNKNOWN, REJECTED. In a receipt only id and state are needed, in a message id, from and to. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "pharos/dispatch/internal/v1/work_service.pb.h"

namespace pharos::edge {

inline constexpr size_t kMostReceipts = 1024;  // dispatch's own limits for one call
inline constexpr size_t kMostMessages = 32;

struct SignedCallback {
  dispatch::internal::v1::Receipts receipts;
  dispatch::internal::v1::InboundMessages messages;
};

// INVALID_ARGUMENT (BODY_WRONG) says what is wrong; nothing is taken of a body that is wrong anywhere.
absl::StatusOr<SignedCallback> ReadSignedCallback(std::string_view body, int64_t now_us);

}  // namespace pharos::edge
