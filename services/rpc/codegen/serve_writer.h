// Writes <stem>.serve.h and <stem>.serve.cc of one proto file. Pure: text in, text out.
#pragma once

#include <string>

namespace google::protobuf {
class FileDescriptor;
}

namespace pharos::codegen {

// Empty if every RPC of the file has a policy row; else what to add, naming file and RPC.
std::string MissingPolicy(const google::protobuf::FileDescriptor& file);

// The abstract handlers and their makers; no gRPC.
std::string WriteHeader(const google::protobuf::FileDescriptor& file);
// The gRPC services that call them through services/rpc/serve.h.
std::string WriteSource(const google::protobuf::FileDescriptor& file);

// "pharos/x/v1/thing_service" of "pharos/x/v1/thing_service.proto".
std::string Stem(const google::protobuf::FileDescriptor& file);

}  // namespace pharos::codegen
