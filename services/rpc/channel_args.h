// gRPC channel arguments with our limits, for channels over the network and in process.
#pragma once

#include <grpcpp/support/channel_arguments.h>

#include "services/rpc/limits.h"

namespace pharos::rpc {

grpc::ChannelArguments OurChannelArguments();

}  // namespace pharos::rpc
