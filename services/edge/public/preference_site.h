// GET and POST /p/{token}: what we send to whom a message went, by the token of that message's unsubscribe
// link. A GET shows the page and changes nothing; only the POST of its own form acts.
#pragma once

#include "services/edge/inbound_client.h"
#include "services/edge/request.h"

namespace pharos::edge {

class PreferenceSite : public Site {
 public:
  explicit PreferenceSite(const InboundClient& dispatch) : dispatch_(dispatch) {}
  Response Handle(const Request& request) override;

 private:
  Response Choose(const Request& request, Choice choice);

  const InboundClient& dispatch_;
};

}  // namespace pharos::edge
