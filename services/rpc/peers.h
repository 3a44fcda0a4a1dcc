// The other services as one service sees them: channels (in process or over the network) and the credential
// to use.
#pragma once

#include <memory>
#include <string>

namespace grpc {
class Channel;
}

namespace pharos::rpc {

struct Peers {
  std::shared_ptr<grpc::Channel> access, customer, audience, campaign, dispatch, engagement;
  std::string token;  // of the principal "principals/pharosd", role "service"
};

}  // namespace pharos::rpc
