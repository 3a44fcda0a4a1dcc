// rpc::Serve: what happens round every RPC, once. Called by generated code only (services/rpc/codegen).
//   request id → credential → policy → purpose → deadline → field checks → handler → audit → status, one log
//   line, metrics
// Authorisation comes before validation, so that nobody learns from a refusal what they may not see.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include <functional>

#include "absl/status/status.h"
#include "services/base/mutex.h"
#include "services/rpc/call.h"

namespace google::protobuf {
class Message;
}

namespace pharos::rpc {

class Host;

// The policy row of an RPC, from its `option (pharos.api.v1.policy)`.
struct MethodRow {
  const char* method;      // "/pharos.customer.v1.PersonService/GetPerson"
  const char* permission;  // never empty
  bool internal;
  bool read_only;
  bool reads_people;         // its answer is withheld unless the call left an audit entry
  const char* instead = "";  // what a caller without the permission may ask for
};

// Checks the messages that come in on a stream; one that is wrong ends the call. One thread reads a stream.
class InputCheck {
 public:
  // False if the message is wrong: the reader stops and the call ends with error().
  bool Accept(google::protobuf::Message& message);
  absl::Status error() const;

 private:
  mutable base::Mutex mutex_;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
};

using Body = std::function<absl::Status(Call&)>;
using StreamBody = std::function<absl::Status(Call&, InputCheck&)>;

grpc::Status ServeUnary(Host* host, grpc::ServerContext& context, const MethodRow& row,
                        const google::protobuf::Message& request, const Body& body);
grpc::Status ServeServerStream(Host* host, grpc::ServerContext& context, const MethodRow& row,
                               const google::protobuf::Message& request, const Body& body);
grpc::Status ServeStream(Host* host, grpc::ServerContext& context, const MethodRow& row,
                         const StreamBody& body);

template <typename Out>
class WriterAdapter final : public Writer<Out> {
 public:
  explicit WriterAdapter(grpc::ServerWriter<Out>& writer) : writer_(writer) {}
  bool Write(const Out& message) override { return writer_.Write(message); }

 private:
  grpc::ServerWriter<Out>& writer_;
};

template <typename In, typename Out>
class StreamAdapter final : public Stream<In, Out> {
 public:
  StreamAdapter(grpc::ServerReaderWriter<Out, In>& stream, InputCheck& check)
      : stream_(stream), check_(check) {}
  bool Read(In& message) override { return stream_.Read(&message) && check_.Accept(message); }
  bool Write(const Out& message) override { return stream_.Write(message); }

 private:
  grpc::ServerReaderWriter<Out, In>& stream_;
  InputCheck& check_;
};

}  // namespace pharos::rpc
