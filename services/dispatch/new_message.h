// A single message on its way to the loop.
#pragma once

#include <string>

#include "pharos/dispatch/v1/message_service.pb.h"
#include "pharos/record/v1/dispatch.pb.h"
#include "services/rpc/once.h"

namespace pharos::dispatch {

struct NewMessage {
  std::string id;
  record::v1::IntentRow intent;  // key, channel, endpoint; the rest is the desk's
  record::v1::MessageRow row;    // whole
  uint64_t key_id = 0;           // that sealed its content
  std::string change;            // for the change log
  // What is remembered of it for a repeat of its request: the name alone, as the rest is personal.
  const rpc::FirstAnswer* first = nullptr;
  v1::Message remembered;
  // Out: the request came before, and `remembered` names what it made then.
  bool repeated = false;
};

}  // namespace pharos::dispatch
