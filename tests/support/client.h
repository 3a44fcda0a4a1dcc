// A caller of the public API. Calls are made by name, so that this header needs no generated stubs; the types
// of a call are checked against its proto.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "pharos/customer/v1/import_service.pb.h"
#include "pharos/engagement/v1/engagement_service.pb.h"
#include "services/base/errors.h"

namespace google::protobuf {
class Message;
}
namespace grpc {
class Channel;
}

namespace pharos::tests {

struct ImportResult {
  absl::Status status;
  customer::v1::ImportProgress summary;  // the last counts that were answered
  bool complete = false;                 // they are the summary
  std::vector<customer::v1::RowError> errors;
};

// Thread-safe; copies share a connection.
class Client {
 public:
  Client(int port, std::string token);

  // E.g. Call<Person>("customer.v1.PersonService/GetPerson", request). A request without an id gets one.
  // While the server is away the call is repeated, with the same id, for as long as `patience` says.
  template <typename Response>
  absl::StatusOr<Response> Call(std::string_view method, const google::protobuf::Message& request) const {
    Response response;
    PHAROS_RETURN_IF_ERROR(CallInto(method, request, response));
    return response;
  }
  absl::Status CallInto(std::string_view method, const google::protobuf::Message& request,
                        google::protobuf::Message& response) const;
  // Sends `bytes` as the request of any method; only its status.
  absl::Status CallRaw(std::string_view method, const std::string& bytes) const;

  using OnProgress = std::function<void(const customer::v1::ImportProgress&)>;
  ImportResult Import(const customer::v1::ImportHeader& header, const std::string& file,
                      const OnProgress& on_progress = nullptr) const;

  // The live numbers of "campaigns/…", until `seen` says false (then OK) or the stream ends by itself (why).
  using OnCounters = std::function<bool(const engagement::v1::Counters&)>;
  absl::Status Watch(const std::string& campaign, const OnCounters& seen) const;

  // By reflection.
  absl::StatusOr<std::vector<std::string>> ListServices() const;
  // NOT_FOUND if reflection does not tell.
  absl::Status DescribeSymbol(const std::string& symbol) const;

  double patience_s = 15;
  // Said with every unary call, unless empty: for whom ("principals/…", believed from the role "service"),
  // for what ("purposes/…"), and the call's own id.
  std::string on_behalf_of, purpose, request_id;

 private:
  absl::Status Once(grpc::Channel& channel, std::string_view method, const std::string& bytes,
                    std::string& answer) const;

  int port_;
  std::string token_;
  std::shared_ptr<grpc::Channel> channel_;
};

// The value of an answer that has to be good; a failed one fails the test and gives an empty value.
template <typename T>
T Must(absl::StatusOr<T> answer) {
  if (answer.ok()) return *std::move(answer);
  ADD_FAILURE() << answer.status();
  return T();
}

}  // namespace pharos::tests
