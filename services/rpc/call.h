// What a handler knows about the call it serves, and the streams it may be given. No gRPC type.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace google::protobuf {
class Message;
}

namespace pharos::policy {
class Policy;
}

namespace pharos::rpc {

// Who calls. Made by rpc::Serve from the credential.
struct Caller {
  std::string principal;           // "principals/…", the originating subject
  std::vector<std::string> roles;  // e.g. "marketing"
  bool internal = false;           // one of our own processes
};

class Call {
 public:
  virtual ~Call() = default;
  const Caller& caller() const { return caller_; }
  const std::string& request_id() const { return request_id_; }  // given by the client, or made here
  const std::string& method() const { return method_; }  // "/pharos.customer.v1.PersonService/GetPerson"
  // For what the caller acts, "purposes/…"; empty if the call named none. From the metadata key
  // x-pharos-purpose or else the request's own field `purpose`.
  const std::string& purpose() const { return purpose_; }
  // True once this call has left an audit entry (services/rpc/audit.h).
  bool audited() const { return audited_; }
  bool Has(std::string_view permission) const;  // beyond the RPC's own, e.g. "people.read_personal"
  virtual int64_t RemainingMicros() const = 0;  // until the deadline
  virtual bool cancelled()
      const = 0;  // the caller has gone or (streams) lost the right to call, or the server drains
  // Streams: a Read or Write that another thread is blocked in gives false, and the caller sees CANCELLED.
  // The last resort of a handler that has to end while the caller says nothing.
  virtual void Cancel() {}

  Caller caller_;
  std::string request_id_;
  std::string method_;
  std::string purpose_;
  std::shared_ptr<const policy::Policy> policy_;  // in force when the call began; nullptr: the shipped one
  mutable std::atomic<bool> audited_ = false;
};

// Streams. Blocking; false when the other side has gone.
template <typename T>
class Reader {
 public:
  virtual ~Reader() = default;
  virtual bool Read(T& message) = 0;
};
template <typename T>
class Writer {
 public:
  virtual ~Writer() = default;
  virtual bool Write(const T& message) = 0;
};
template <typename In, typename Out>
class Stream : public Reader<In>, public Writer<Out> {};  // one thread may read while another writes

}  // namespace pharos::rpc
