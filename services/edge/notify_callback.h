// What GOV.UK Notify posts to the addresses that a service gives it ("callbacks"): delivery receipts and
// received text messages, https://docs.notifications.service.gov.uk/rest-api.html#callbacks. Pure; no octets
// make it more than a known message.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "pharos/dispatch/internal/v1/work_service.pb.h"

namespace pharos::edge {

// A receipt: id, reference, to, status, created_at, completed_at, sent_at, notification_type, template_id,
// template_version; fields that we do not know are passed over. The receipt's provider id is the reference,
// which our connector makes the attempt's id in hex. nullopt: about a message that is not ours (no such
// reference), or a status that is no news. INVALID_ARGUMENT (BODY_WRONG) says what is wrong.
absl::StatusOr<std::optional<dispatch::internal::v1::Receipt>> ReadNotifyReceipt(std::string_view body);

// A text message from a person: id, source_number, destination_number, message, date_received.
// INVALID_ARGUMENT (BODY_WRONG).
absl::StatusOr<dispatch::internal::v1::InboundMessage> ReadNotifyMessage(std::string_view body,
                                                                         int64_t now_us);

}  // namespace pharos::edge
