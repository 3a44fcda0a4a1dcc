// A service ready to be served. Generated code (services/rpc/codegen) makes one from a handler:
//   std::unique_ptr<rpc::Service> pharos::customer::v1::MakePersonService(PersonServiceHandler&);
#pragma once

#include <memory>
#include <string_view>

namespace grpc {
class Service;
}

namespace pharos::rpc {

class Host;  // what a server gives its services; services/rpc/host.h

class Service {
 public:
  virtual ~Service() = default;
  virtual grpc::Service* grpc() = 0;
  virtual std::string_view name() const = 0;  // "pharos.customer.v1.PersonService"
  // Called by StartServer, before the first call. The host outlives the calls.
  void Bind(Host& host) { host_ = &host; }

 protected:
  Host* host_ = nullptr;
};

}  // namespace pharos::rpc
