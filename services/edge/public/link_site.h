// GET and POST /l/{token}: tracked links. A GET shows where the link leads and does nothing; only the POST of
// its page's button is counted and goes on, to the address of the approved template and to no other.
#pragma once

#include "services/edge/inbound_client.h"
#include "services/edge/request.h"

namespace pharos::edge {

class LinkSite : public Site {
 public:
  explicit LinkSite(const InboundClient& dispatch) : dispatch_(dispatch) {}
  Response Handle(const Request& request) override;

 private:
  const InboundClient& dispatch_;
};

}  // namespace pharos::edge
