// Asks customer whether what somebody does with a message may be counted. Blocks; thread-safe.
#pragma once

#include <memory>
#include <string>

#include "services/dispatch/desk.h"
#include "services/rpc/peers.h"

namespace grpc {
class Channel;
}

namespace pharos::dispatch {

class MeasureClient {
 public:
  // Before Start nobody may be counted.
  void Start(const rpc::Peers& peers);
  // False also where customer is away: who cannot be asked is not counted.
  bool MayMeasure(const TrackedLink& link) const;

 private:
  std::shared_ptr<grpc::Channel> customer_;
  std::string token_;
};

}  // namespace pharos::dispatch
