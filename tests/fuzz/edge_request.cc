// What an HTTP request to the edge says: its target, its signature, its form. A signature that we made is
// accepted, and no other octets are.
#include <algorithm>

#include "services/edge/one_click.h"
#include "services/edge/target.h"
#include "services/edge/unsubscribe_page.h"
#include "services/edge/webhook_signature.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos::edge;  // NOLINT

FUZZ(data) {
  static const std::string key(32, 'k'), other(32, 'o');
  pharos::fuzz::Input in(data);
  const std::string id(in.Line()), timestamp(in.Line()), signature(in.Line()), type(in.Line());
  const std::string_view body = in.Rest();

  const Target target = ReadTarget(data);
  CHECK(target.token.size() <= 128 && target.connector.size() <= 64);
  CHECK(!(target.welsh && target.english));
  if (target.route == Route::kUnsubscribe) CHECK(!target.token.empty());
  CHECK(!NameOf(target.route).empty() || target.route == Route::kNone);
  if (target.token.size() > 16) CHECK(NameOf(target.route).find(target.token) == std::string_view::npos);
  (void)IsOneClick(type, body);
  (void)PreferredLanguage(data);
  (void)ReadWebhookKey(data);

  constexpr int64_t kNow = 1'800'000'000;
  const std::vector<std::string> keys = {other, key};
  CHECK(!CheckWebhook({id, "1800000000", signature}, body, keys, kNow).ok());
  const std::string made = SignWebhook(key, id, "1800000000", body);
  const bool whole = !id.empty() && CheckWebhook({id, "1800000000", made}, body, keys, kNow).ok();
  // An id that a header cannot carry may be refused; a plain one may not.
  const bool plain = !id.empty() && id.size() < 64 &&
                     std::all_of(id.begin(), id.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (plain) CHECK(whole);
  CHECK(!CheckWebhook({id, "1800000000", made}, body, {other}, kNow).ok());
  CHECK(!CheckWebhook({id, "1800000000", made}, body, keys, kNow + kWindowSeconds + 1).ok());
  CHECK(!CheckWebhook({id + "x", "1800000000", made}, body, keys, kNow).ok());
  (void)CheckWebhook({id, timestamp, signature}, body, keys, kNow);
}
