// The customer service: purposes, sources, records, links, people, consent ledger, suppression, the gate's
// facts, permits.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/rpc/peers.h"
#include "services/rpc/service.h"
#include "storage/open.h"

namespace pharos::customer::internal::v1 {
class GetPositionRequest;
class GetPositionResponse;
}  // namespace pharos::customer::internal::v1

namespace pharos::customer {

struct CustomerOptions {
  std::string folder;
  std::string blind_key_file;
  base::Clock* clock = nullptr;  // nullptr: the system's
  bool in_memory = false;
  size_t block_cache_bytes =
      512u << 20;  // linking reads at random: 64 MiB made 200,000 records three times slower
  int64_t permit_term_us = 2'000'000;  // D
  storage::Settings store;             // engine, witness, shared resources
  // Personal values lie sealed under keys that access keeps. They are reached from Start on, with the peer
  // `access`; until then what needs a personal value is UNAVAILABLE (ACCESS_AWAY).
  bool seal = false;
};

class Customer {
 public:
  static absl::StatusOr<std::unique_ptr<Customer>> Open(const CustomerOptions& options);
  virtual ~Customer() = default;
  virtual std::vector<std::unique_ptr<rpc::Service>> Services() = 0;
  // What FeedService.GetPosition answers, without a call, for who is in this process. Also while it stops.
  virtual absl::Status Position(const internal::v1::GetPositionRequest& request,
                                internal::v1::GetPositionResponse& response) = 0;
  virtual void Start(const rpc::Peers& peers) = 0;
  virtual void Stop() = 0;
};

}  // namespace pharos::customer
