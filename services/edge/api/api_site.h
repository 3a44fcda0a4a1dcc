// The public API over HTTP: POST /pharos.<service>.v1.<Service>/<Method> with JSON, as the Connect protocol
// has it, for every RPC that is not internal; server streams too. The caller's own token decides what is
// allowed: Authorization: Bearer …; X-Pharos-Purpose says for what personal data is looked at.
#pragma once

#include "services/edge/api/connect_form.h"
#include "services/edge/backend_client.h"
#include "services/edge/request.h"

namespace google::protobuf {
class MethodDescriptor;
}

namespace pharos::edge::api {

class ApiSite final : public Site {
 public:
  static constexpr int64_t kLongestMs = 30'000;  // as the services' own limit on unary calls

  explicit ApiSite(const Backend& backend) : backend_(backend) {}
  Response Handle(const Request& request) override;

 private:
  Response Unary(const Request& request, const google::protobuf::MethodDescriptor& method) const;
  absl::StatusOr<std::unique_ptr<BackendStream>> Begin(const Request& request,
                                                       const google::protobuf::MethodDescriptor& method,
                                                       Encoding encoding) const;
  Response Stream(const Request& request, const google::protobuf::MethodDescriptor& method) const;

  const Backend& backend_;
};

// GET /openapi.json: OpenAPI 3.1 of the unary RPCs, written from the protos when Pharos is built.
class ApiDocument final : public Site {
 public:
  Response Handle(const Request& request) override;
};

}  // namespace pharos::edge::api
