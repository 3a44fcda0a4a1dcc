// What follows a mail later: reports of mail servers, and what people send.
#include "connectors/sandbox/dsn.h"
#include "connectors/sandbox/mail_server_impl.h"
#include "connectors/sandbox/mime.h"
#include "services/base/log.h"
#include "services/base/text.h"

namespace pharos::sandbox {
namespace {

constexpr size_t kMaxCopiedHeaders = 8'192;  // of a message in its DSN

std::string HeadersOf(std::string_view message) {
  size_t end = message.find("\r\n\r\n");
  std::string_view headers = end == std::string_view::npos ? message : message.substr(0, end + 2);
  return std::string(headers.substr(0, kMaxCopiedHeaders));
}

}  // namespace

void MailServer::Impl::PlanDsn(const Envelope& envelope, const Recipient& recipient, std::string_view data,
                               const MailFate& fate, const std::string& message_id, int64_t t_ns) {
  const MailRule* rule = RuleOf(recipient);
  const bool scripted = rule != nullptr && !rule->dsn.empty();
  const bool failed = scripted || !fate.dsn_status.empty();
  // RFC 3461: without NOTIFY, failures are told; successes only to who asked. Never to a null sender.
  const char* word = failed ? "FAILURE" : "SUCCESS";
  const bool asked = recipient.notify.empty() ? failed : recipient.notify.find(word) != std::string::npos;
  if (out_ == nullptr || !asked || envelope.from.empty()) return;
  auto facts = std::make_shared<DsnFacts>();
  facts->id = NewId();
  facts->to = envelope.from;
  facts->recipient = recipient.address;
  facts->orcpt = recipient.orcpt;
  facts->envelope_id = envelope.envid;
  facts->action = failed ? "failed" : "delivered";
  facts->status = !failed ? "2.0.0" : scripted ? rule->dsn_status : std::string(fate.dsn_status);
  facts->dialect = scripted ? rule->dsn : "plain";
  facts->headers = HeadersOf(data);
  facts->arrival_us = t_ns / 1000;
  const int64_t after = scripted && rule->dsn_after ? rule->dsn_after->At(script_.Chance(recipient.address))
                                                    : fate.dsn_after_us;
  loop_.After(after, [this, facts, message_id] {
    facts->now_us = clock_.WallMicros();
    OutgoingMail mail;
    mail.to = facts->to;
    mail.message = DsnMessage(*facts);
    auto record = [this, facts, message_id](const char* event, int n) {
      journal_->Dsn(event, clock_.WallNanos(), facts->recipient, message_id, facts->action, facts->status, n);
    };
    mail.on_sending = [this, record](int n) {
      ++dsns_sent_;
      record("dsn", n);
    };
    mail.on_accepted = [this, record](int n) {
      ++dsns_acked_;
      record("dsn_acked", n);
    };
    SendOut(std::move(mail));
  });
}

void MailServer::Impl::PlanUnsubscribe(const Recipient& recipient, std::string_view data,
                                       const MailFate& fate, const std::string& message_id) {
  if (fate.unsubscribe_after_us < 0) return;
  const std::string header = HeaderOf(data, "list-unsubscribe");
  const std::string url = one_click_ != nullptr ? UnsubscribeUrl(header) : "";
  if (!url.empty() && !HeaderOf(data, "list-unsubscribe-post").empty()) {
    if (unsubscribed_.insert(base::LowerAscii(recipient.address)).second)
      PlanOneClick(url, recipient, fate.unsubscribe_after_us, message_id);
    return;
  }
  if (out_ == nullptr) return;
  auto mailto = UnsubscribeMailto(header);
  if (!mailto || !unsubscribed_.insert(base::LowerAscii(recipient.address)).second) return;
  OutgoingMail mail;
  mail.from = recipient.address;
  mail.to = mailto->address;
  mail.message = UnsubscribeMessage(*mailto, recipient.address, NewId(), clock_.WallMicros());
  auto record = [this, dest = recipient.address, message_id](const char* event, int n) {
    journal_->Unsubscribe(event, clock_.WallNanos(), dest, message_id, n);
  };
  mail.on_sending = [this, record](int n) {
    ++unsubscribes_sent_;
    record("unsubscribe", n);
  };
  mail.on_accepted = [this, record](int n) {
    ++unsubscribes_acked_;
    record("unsubscribe_acked", n);
  };
  loop_.After(fate.unsubscribe_after_us, [this, mail] { SendOut(mail); });
}

void MailServer::Impl::PlanOneClick(const std::string& url, const Recipient& recipient, int64_t after_us,
                                    const std::string& message_id) {
  auto record = [this, dest = recipient.address, message_id](const char* event, int n) {
    journal_->Unsubscribe(event, clock_.WallNanos(), dest, message_id, n);
  };
  loop_.After(after_us, [this, url, record] {
    const bool taken = one_click_->Post(url, [this, record](bool accepted, int tries) {
      if (!accepted) return;
      loop_.Post([this, record, tries] {
        ++one_clicks_acked_;
        record("one_click_acked", tries);
      });
    });
    if (!taken) return;
    ++one_clicks_;
    record("one_click", 1);
  });
}

// Complaints through the provider, and machines that answer for people.
void MailServer::Impl::PlanPeoplesMails(const Envelope& envelope, const Recipient& recipient,
                                        std::string_view data, const std::string& message_id) {
  const MailRule* rule = RuleOf(recipient);
  if (out_ == nullptr || rule == nullptr || envelope.from.empty()) return;
  for (const char* kind : {"complaint", "autoreply"}) {
    const bool complaint = kind[0] == 'c';
    if (complaint ? !rule->complaint : !rule->auto_reply) continue;
    DsnFacts facts;
    facts.id = NewId();
    facts.to = envelope.from;
    facts.recipient = recipient.address;
    facts.envelope_id = envelope.envid;
    facts.headers = HeadersOf(data);
    facts.arrival_us = facts.now_us = clock_.WallMicros();
    OutgoingMail mail;
    mail.to = envelope.from;
    mail.message = complaint ? ComplaintMessage(facts) : AutoReplyMessage(facts);
    auto record = [this, dest = recipient.address, message_id](const std::string& event, int n) {
      journal_->Unsubscribe(event, clock_.WallNanos(), dest, message_id, n);
    };
    mail.on_sending = [this, record, kind, complaint](int n) {
      if (n == 1) ++(complaint ? complaints_ : auto_replies_);
      record(kind, n);
    };
    mail.on_accepted = [record, kind](int n) { record(std::string(kind) + "_acked", n); };
    const int64_t after = rule->dsn_after ? rule->dsn_after->At(script_.Chance(recipient.address))
                                          : options_.rules.receipt_delay_us;
    loop_.After(after, [this, mail] { SendOut(mail); });
  }
}

void MailServer::Impl::SendOut(OutgoingMail mail) {
  if (!out_->Send(std::move(mail)))
    base::Log(base::LogLevel::kWarning, "sandbox_mail_dropped",
              {{"advice", std::string("nobody takes mail at --bounce-to; too much is waiting")}});
}

}  // namespace pharos::sandbox
