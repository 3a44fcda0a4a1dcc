// What the edge asks of dispatch, and the name of a purpose of customer. Every call blocks until its answer
// or its time is over, and may be repeated. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "pharos/dispatch/internal/v1/work_service.pb.h"

namespace grpc {
class Channel;
}

namespace pharos::edge {

// What the page "what we send you" offers.
enum class Choice { kStopPurpose, kStopAll, kPause, kResume };
struct Chosen {
  std::string purpose;   // "purposes/…" of the message
  int64_t until_us = 0;  // of a pause
  bool changed = false;  // false: it was so before, or there was nothing to take back
};

class InboundClient {
 public:
  // `token` is the one between our own processes.
  InboundClient(std::shared_ptr<grpc::Channel> dispatch, std::shared_ptr<grpc::Channel> customer,
                std::string token)
      : dispatch_(std::move(dispatch)), customer_(std::move(customer)), token_(std::move(token)) {}

  // "purposes/…" that a link is about. NOT_FOUND (LINK_UNKNOWN).
  absl::StatusOr<std::string> DescribeUnsubscribe(const std::string& token) const;
  // The purpose; answers once the opt-out is acknowledged. NOT_FOUND as above, UNAVAILABLE: say it again.
  absl::StatusOr<std::string> Unsubscribe(const std::string& token) const;
  // Answers once it is acknowledged. NOT_FOUND and UNAVAILABLE as above.
  absl::StatusOr<Chosen> Choose(const std::string& token, Choice choice) const;
  // Where a tracked link leads: an absolute https address. NOT_FOUND as above. DescribeLink counts nothing.
  absl::StatusOr<std::string> DescribeLink(const std::string& token) const;
  absl::StatusOr<std::string> FollowLink(const std::string& token) const;
  // OK: durable.
  absl::Status RecordReceipts(const std::string& connector,
                              const dispatch::internal::v1::Receipts& receipts) const;
  absl::Status RecordMessages(const std::string& connector,
                              const dispatch::internal::v1::InboundMessages& messages) const;
  // The purpose's name for people; its id in words if customer does not say.
  std::string PurposeName(const std::string& purpose) const;

 private:
  const std::shared_ptr<grpc::Channel> dispatch_, customer_;
  const std::string token_;
};

}  // namespace pharos::edge
