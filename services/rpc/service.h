// A service ready to be served. Generated code (services/rpc/codegen) makes one from a handler:
//   std::unique_ptr<rpc::Service> pharos::customer::v1::MakePersonService(PersonServiceHandler&);
#pragma once

#include <memory>

namespace grpc { class Service; }

namespace pharos::rpc {

class Service {
 public:
  virtual ~Service() = default;
  virtual grpc::Service* grpc() = 0;
};

}  // namespace pharos::rpc
