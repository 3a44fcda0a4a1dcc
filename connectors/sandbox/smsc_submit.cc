// What the provider is told, and what it answers.
#include <fmt/format.h>

#include "connectors/sandbox/smsc_impl.h"
#include "services/content/sms_text.h"

namespace pharos::sandbox {
namespace {

using smpp::Pdu;

std::string Decoded(const Pdu& pdu, std::string_view octets) {
  return pdu.data_coding == 8 ? content::DecodeUcs2(octets) : content::DecodeGsm7(octets);
}

SubmitEntry EntryOf(const Pdu& pdu, std::string_view& octets) {
  SubmitEntry entry;
  auto parts = smpp::TakeHeader(pdu.esm_class, octets);
  if (!parts) parts = smpp::SarOf(pdu);
  if (parts) {
    entry.part = parts->part;
    entry.parts = parts->total;
    entry.ref = parts->reference;
  }
  if (auto* umr = pdu.Find(smpp::kUserMessageReference); umr && umr->value.size() == 2)
    entry.umr = uint8_t(umr->value[0]) << 8 | uint8_t(umr->value[1]);
  return entry;
}

}  // namespace

void Smsc::Impl::OnFrame(SmscLink& link, std::string_view frame, int64_t t_ns) {
  auto decoded = smpp::Decode(frame);
  if (!decoded.ok()) {
    auto header = smpp::DecodeHeader(frame);
    Pdu pdu;
    pdu.command = header.command;
    pdu.sequence = header.sequence;
    if (!(header.command & smpp::kResponse)) Answer(link, pdu, smpp::kInvalidCommandLength);
    return;
  }
  const Pdu& pdu = *decoded;
  switch (pdu.command) {
    case smpp::kBindTransceiver:
    case smpp::kBindTransmitter:
    case smpp::kBindReceiver:
      return OnBind(link, pdu);
    case smpp::kSubmitSm:
      return OnSubmit(link, pdu, t_ns);
    case smpp::kEnquireLink:
      return Answer(link, pdu, smpp::kOk);
    case smpp::ResponseTo(smpp::kDeliverSm):
    case smpp::ResponseTo(smpp::kDataSm):
      return OnDeliverAnswer(link, pdu);
    case smpp::kUnbind:
      journal_->Link("unbind", clock_.WallNanos(), link.account);
      link.submits = link.delivers = false;
      return Answer(link, pdu, smpp::kOk);
    default:
      if (pdu.command & smpp::kResponse) return;
      Pdu nack;
      nack.command = smpp::kGenericNack;
      nack.status = smpp::kInvalidCommandId;
      nack.sequence = pdu.sequence;
      Send(link, smpp::Encode(nack));
  }
}

void Smsc::Impl::OnBind(SmscLink& link, const Pdu& pdu) {
  if (!link.account.empty()) return Answer(link, pdu, smpp::kAlreadyBound);
  if (pdu.system_id.empty()) return Answer(link, pdu, smpp::kInvalidSystemId);
  if (const BindRule* rule = bind_script_.Find(options_.script.binds, pdu.system_id)) {
    ++refused_[rule->status];
    link.leaving = rule->close;
    return Answer(link, pdu, rule->status);
  }
  if (!options_.password.empty() && pdu.password != options_.password)
    return Answer(link, pdu, smpp::kInvalidPassword);
  link.account = pdu.system_id;
  link.submits = pdu.command != smpp::kBindReceiver;
  link.delivers = pdu.command != smpp::kBindTransmitter;
  ++binds_;
  journal_->Link("bind", clock_.WallNanos(), link.account);
  Answer(link, pdu, smpp::kOk, "pharos-sandbox");
  DeliverWaiting(link.account);
}

uint32_t Smsc::Impl::StatusFor(const SmscLink& link, const Pdu& pdu, const Fate& fate, const SmsRule* rule) {
  if (!link.submits) return smpp::kInvalidBindStatus;
  const std::string& digits = pdu.destination.digits;
  if (refuse_status_ && static_cast<int>(sms_script_.Chance(digits) % 1000) < refuse_share_)
    return *refuse_status_;
  if (throttle_ && !throttle_->Take(loop_.Now())) return smpp::kThrottled;
  if (rule != nullptr) {
    if (!sms_script_.Admits(rule->target, "", loop_.Now())) return smpp::kThrottled;
    if (rule->status) return *rule->status;
  }
  if (fate.status != smpp::kOk) return fate.status;
  const bool first = fate.throttled_first && throttled_.insert(digits).second;
  return first ? smpp::kThrottled : smpp::kOk;
}

void Smsc::Impl::OnSubmit(SmscLink& link, const Pdu& pdu, int64_t t_ns) {
  const std::string& digits = pdu.destination.digits;
  const SmsRule* rule =
      options_.script.sms.empty() ? nullptr : sms_script_.Find(options_.script.sms, CanonicalNumber(digits));
  if (rule != nullptr && rule->cut == CutAt::kBeforeAccept) {
    link.doomed = true;
    return;
  }
  Fate fate = FateOf(digits, options_.rules);
  uint32_t status = StatusFor(link, pdu, fate, rule);
  const uint64_t number = status == smpp::kOk ? next_id_++ : 0;
  std::string id = status == smpp::kOk ? NewId(number, rule) : "";
  std::string_view octets = pdu.Text();
  SubmitEntry entry = EntryOf(pdu, octets);
  const std::string text = Decoded(pdu, octets);
  entry.t_ns = t_ns;
  entry.dest = digits;
  entry.source = pdu.source.digits;
  entry.text = text;
  entry.id = id;
  entry.status = status;
  journal_->Submit(entry);
  ++submits_;
  if (status != smpp::kOk) {
    ++refused_[status];
  } else {
    ++accepted_;
    PlanReceipts(link, pdu, fate, number, id, rule);
    if (entry.part == entry.parts) PlanReply(link.account, pdu, fate, rule);
    if (options_.inbox != nullptr && fate.state == smpp::MessageState::kDelivered)
      options_.inbox->AddSms({t_ns, entry.dest, entry.source, text, entry.part, entry.parts, entry.ref});
  }
  if (!hold_) AnswerSubmit(link, pdu, status, id, rule);
}

void Smsc::Impl::AnswerSubmit(SmscLink& link, const Pdu& pdu, uint32_t status, const std::string& id,
                              const SmsRule* rule) {
  if (rule == nullptr) return Answer(link, pdu, status, id);
  if (rule->cut == CutAt::kAfterAccept) {
    link.doomed = true;
    return;
  }
  if (rule->silent) return;
  if (!rule->answer_after) return Answer(link, pdu, status, id);
  Pdu request;
  request.command = pdu.command;
  request.sequence = pdu.sequence;
  loop_.After(rule->answer_after->At(sms_script_.Chance(pdu.destination.digits)),
              [this, fd = link.fd, number = link.number, request, status, id] {
                if (SmscLink* still = Find(fd, number)) Answer(*still, request, status, id);
              });
}

}  // namespace pharos::sandbox
