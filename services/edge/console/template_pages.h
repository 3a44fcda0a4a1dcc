// Templates: what their pages share.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "pharos/campaign/v1/template_service.pb.h"
#include "services/edge/console/visit.h"

namespace pharos::edge::console {

void AddTemplateEditPages(Routes& routes);

// The texts as people will see them, with made-up values, and what to mend. `price`: millionths of a pound
// for one part; 0: not known. Made with the very code that sends. Pure.
Model PreviewOf(const campaign::v1::Template& text, int64_t price);
// One message with made-up values, everything shown that may be; an email as its plain text. Pure.
struct SampleMessage {
  std::string subject, text;
};
absl::StatusOr<SampleMessage> SampleSms(const campaign::v1::Template& text);
absl::StatusOr<SampleMessage> SampleEmail(const campaign::v1::Template& text);
// What a part of a text message cost in the newest campaign that has sent any, millionths of a pound; 0: not
// known.
int64_t PriceOfPart(const Visit& visit);

}  // namespace pharos::edge::console
