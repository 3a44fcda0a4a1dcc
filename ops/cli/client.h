// Calls on Pharos. The method is known by the request's type (each RPC has a request of its own), so a
// command says only `client.Call(request, &response)`.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"

namespace google::protobuf {
class Message;
}
namespace grpc {
class Channel;
}

namespace pharos::cli {

struct ClientOptions {
  std::string server = {};      // "127.0.0.1:7443"
  std::string token_file = {};  // its first line is the token; empty: none
  std::string request_id = {};  // of the one change that this invocation makes; empty: made here
  double patience_s = 5;        // how long to try again while the server cannot be reached
  std::string purpose = {};     // for what the caller acts, "purposes/…"; empty: not said
  std::map<std::string, std::string> addresses = {};  // of services that listen elsewhere than `server`
};

class Client {
 public:
  explicit Client(ClientOptions options) : options_(std::move(options)) {}

  // One unary call. Fills an empty `request_id`. UNAVAILABLE is tried again for `patience_s` where that is
  // safe: a call that reads, or one with a request id.
  absl::Status Call(const google::protobuf::Message& request, google::protobuf::Message* response);
  // Pages through a list: `request` has page_token, the response next_page_token. `on_page` sees `response`
  // after each page.
  absl::Status EachPage(google::protobuf::Message& request, google::protobuf::Message* response,
                        const std::function<absl::Status()>& on_page);

  // For calls that stream, after Ready().
  absl::Status Ready();
  std::shared_ptr<grpc::Channel> channel(const std::string& service);
  const std::string& token() const { return token_; }
  // Where a service ("customer") listens.
  std::string AddressOf(const std::string& service) const;
  const ClientOptions& options() const { return options_; }
  // Said once when the server cannot be reached and we wait.
  std::function<void(const std::string&)> on_wait = [](const std::string&) {};

 private:
  absl::Status CallOnce(const std::string& method, const google::protobuf::Message& request,
                        google::protobuf::Message* response);

  ClientOptions options_;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;  // by address
  bool ready_ = false;
  std::string token_;
};

// The RPC whose request this is, e.g. "/pharos.customer.v1.PersonService/GetPerson"; "" if there is none.
std::string MethodOf(const google::protobuf::Message& request);
// The service that answers it: "customer".
std::string ServiceOf(const std::string& method);

}  // namespace pharos::cli
