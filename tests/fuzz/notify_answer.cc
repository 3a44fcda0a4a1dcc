// What GOV.UK Notify answers: no octets make it more than a known verdict, and what goes to dispatch is
// UTF-8.
#include "connectors/notify/notify_answer.h"

#include "services/base/text.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos::notify;  // NOLINT

namespace {

const std::string kReference = "00112233445566778899aabbccddeeff";

void CheckTrouble(const Trouble& trouble) {
  CHECK(trouble.pause_us >= 0);
  CHECK(pharos::base::IsUtf8(trouble.words));
}

void CheckNotification(const Notification& notification) {
  CHECK(pharos::base::IsUtf8(notification.id + notification.reference + notification.status));
  const auto receipt = ReceiptOf(notification);
  if (receipt) CHECK(receipt->provider_id().size() == kReference.size() && receipt->state() != 0);
}

}  // namespace

FUZZ(data) {
  pharos::fuzz::Input in(data);
  const int status = in.Octet() << 2;  // 0 to 1020: every hundred, and what is no status
  const int retry_after_s = in.Octet();
  const std::string_view body = in.Rest();
  const SendVerdict verdict = JudgeSend(status, body, kReference, retry_after_s, 1'800'000'000'000'000);
  CHECK(verdict.outcome.result_case() != 0 || !verdict.trouble.problem.empty());
  // Only what says yes is taken for a yes; a server that fell over may have the message.
  if (verdict.outcome.has_accepted()) CHECK(status / 100 == 2);
  if (status / 100 == 5) CHECK(verdict.outcome.has_no_answer());
  CheckTrouble(verdict.trouble);
  CheckTrouble(JudgeAsking(status, body, retry_after_s, 1'800'000'000'000'000));
  if (const auto page = ReadPage(body); page.ok())
    for (const auto& notification : page->notifications) CheckNotification(notification);
  if (const auto notification = ReadNotification(body); notification.ok()) CheckNotification(*notification);
  if (const auto given = ReadTemplate(body); given.ok()) (void)WrongWithTemplate(*given, MessageKind::kEmail);
  CHECK(ReadTime(body) >= 0);
  (void)IsFinal(body);
}
