// RPCs known by the type of their request: each has a request of its own.
#pragma once

#include <string>
#include <string_view>

namespace google::protobuf {
class Message;
class MethodDescriptor;
}  // namespace google::protobuf

namespace pharos::rpc {

// The RPC whose request this is; null if there is none.
const google::protobuf::MethodDescriptor* MethodOf(const google::protobuf::Message& request);
// "/pharos.customer.v1.PersonService/GetPerson".
std::string PathOf(const google::protobuf::MethodDescriptor& method);
// The RPC of such a path among those that this process knows; null if there is none.
const google::protobuf::MethodDescriptor* FindMethod(std::string_view path);
// The service that answers: "customer".
std::string ServiceOf(std::string_view path);
// Changes nothing, or carries a request id: may be said again.
bool IsRepeatable(const google::protobuf::MethodDescriptor& method);
// Between our own processes only.
bool IsInternal(const google::protobuf::MethodDescriptor& method);
// Gives an empty request_id a fresh one.
void FillRequestId(google::protobuf::Message& request, std::string id);

}  // namespace pharos::rpc
