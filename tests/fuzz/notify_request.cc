// What clients of GOV.UK Notify's API send: the token, the bodies, a template's text. Only a token that the
// secret signed is taken.
#include "services/edge/notify_api_form.h"
#include "services/edge/notify_api_token.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos::edge;  // NOLINT

FUZZ(data) {
  static const std::string secret = "3d844edf-8d35-48ac-975b-e847b4f122b0";
  const std::string text(data);
  for (const std::string& authorization : {text, "Bearer " + text}) {
    NotifyToken token;
    const TokenVerdict verdict = ReadToken(authorization, token);
    CHECK(verdict.ok() || verdict.status == 401 || verdict.status == 403);
    // Nobody who lacks the secret can sign: no octets here may be taken.
    if (verdict.ok()) CHECK(!CheckToken(token, {secret}, token.issued_at_s).ok());
  }
  for (const auto channel : {pharos::type::v1::CHANNEL_SMS, pharos::type::v1::CHANNEL_EMAIL}) {
    NotifySend send;
    NotifyError error{0, "", {}};
    if (ReadSend(text, channel, send, error)) {
      CHECK(IsUuid(send.template_id) && send.reference.size() <= 1'000);
    } else {
      CHECK(error.status == 400 && !error.messages.empty() && !OfError(error).body.empty());
    }
  }
  std::map<std::string, std::string> values;
  NotifyError error;
  (void)ReadPreview(text, values, error);
  for (const std::string& name : PlaceholdersOf(text)) CHECK(name.size() <= text.size());
  CHECK(!IsUuid(text) || text.size() == 36);
}
