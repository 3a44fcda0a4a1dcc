// What the provider says on one connection: frames, receipts, people's messages.
#include <string>
#include <utility>

#include "connectors/smpp/bind.h"
#include "services/base/log.h"

namespace pharos::smpp {
namespace {

constexpr size_t kMostReadBytes = 256 * 1024;  // in one turn of the loop, so that writing has its turn too
constexpr size_t kMaxRepeatsKept = 16;         // requests of one delivery that the provider repeats

}  // namespace

void Bind::ReadSocket() {
  bool open = link_.Read(in_, kMostReadBytes);
  heard_us_ = account_.Now();
  if (!ParseFrames()) {
    stalled_ = true;
    stalled_us_ = heard_us_;
  }
  if (!open && link_.open()) {
    if (state_ == State::kUnbinding) return Drop("stopped");
    Lost({state_ == State::kBinding
              ? "the provider closed the connection instead of answering our bind; ask it whether "
                "the account may connect from this address"
              : "the provider closed the connection",
          "UNREACHABLE"});
  }
}

// False: a frame could not be taken now; it stays at the front.
bool Bind::ParseFrames() {
  stalled_us_ = account_.Now();
  size_t at = 0, length = 0;
  bool all = true;
  while (link_.open()) {
    std::string_view rest = std::string_view(in_).substr(at);
    Framing framing = NextFrame(rest, length);
    if (framing == Framing::kBroken) {
      Nack(0, kInvalidCommandLength);
      if (FlushBegun()) WriteControl();
      Lost({"the provider sent a frame of an impossible length; does it speak SMPP on this port?",
            "PROTOCOL_ERROR"});
      return true;
    }
    if (framing == Framing::kNeedMore) break;
    if (!(all = OnFrame(rest.substr(0, length)))) break;
    at += length;
  }
  if (at > 0 && at <= in_.size()) in_.erase(0, at);
  return all;
}

void Bind::Unstall() {
  if (!stalled_ || !ParseFrames()) return;
  stalled_ = false;
  read_again_us_ = heard_us_ = account_.Now();
}

bool Bind::OnFrame(std::string_view frame) {
  Header header = DecodeHeader(frame);
  enquiries_ = 0;  // it speaks
  switch (header.command) {
    case ResponseTo(kBindTransceiver):
    case ResponseTo(kBindTransmitter):
    case ResponseTo(kBindReceiver):
      OnBindResponse(frame, header);
      return true;
    case ResponseTo(kSubmitSm):
      OnSubmitResponse(frame, header);
      return true;
    case kGenericNack:
      if (state_ == State::kBinding)
        Lost({role_ == Role::kTransceiver
                  ? "the provider does not understand bind_transceiver; set --bind=pair"
                  : "the provider does not understand our bind; does it speak SMPP 3.4?",
              "PROTOCOL_ERROR"});
      else
        OnSubmitResponse(frame, header);
      return true;
    case kDeliverSm:
    case kDataSm:
      return OnDeliver(frame, header);
    case kEnquireLink:
      Reply(header, kOk);
      return true;
    case ResponseTo(kEnquireLink):
      return true;
    case kUnbind:
      OnUnbind(header);
      return true;
    case ResponseTo(kUnbind):
      if (state_ == State::kUnbinding) Drop("stopped");
      return true;
    case kOutbind:
      base::Log(base::LogLevel::kInfo, "outbind_ignored", {{"connection", int64_t{index_}}});
      return true;
    default:
      if (!(header.command & kResponse)) Nack(header.sequence, kInvalidCommandId);
      return true;
  }
}

// Nothing new is begun; what it owes an answer for is waited for.
void Bind::OnUnbind(const Header& header) {
  Reply(header, kOk);
  if (FlushBegun()) WriteControl();
  if (!link_.open() || state_ == State::kUnbinding) return;
  if (in_flight_.empty()) return Lost(Unbound());
  state_ = State::kUnbinding;
  unbound_by_provider_ = true;
  unbind_by_us_ = account_.Now() + kUnbindWaitUs;
}

bool Bind::OnDeliver(std::string_view frame, const Header& header) {
  auto pdu = Decode(frame);
  if (!pdu.ok()) {
    Reply(header, kPermanentAppError);
    base::Log(base::LogLevel::kWarning, "deliver_sm_malformed", {{"octets", int64_t(frame.size())}});
    return true;
  }
  const Ticket ticket{index_, life_, header};
  std::optional<uint64_t> sequence;
  if (IsReceipt(*pdu)) {
    auto keyed = ToReceipt(*pdu, account_.receipt_ids, heard_us_);
    if (!keyed) {
      base::Log(base::LogLevel::kWarning, "receipt_unreadable", {{"octets", int64_t(frame.size())}});
      Reply(header, kOk);
      return true;
    }
    if (keyed->undecided) {
      // It repeats it later; by then newer ones have shown the form.
      Reply(header, kTemporaryAppError);
      if (!std::exchange(account_.put_off, true))
        base::Log(
            base::LogLevel::kWarning, "receipts_put_off",
            {{"why", "how this provider writes ids in receipts is not known yet; --receipt-id says it"}});
      return true;
    }
    sequence = account_.events.receipt(keyed->key, std::move(keyed->receipt));
  } else {
    std::string_view text = pdu->Text();
    UserHeader user = TakeUserHeader(pdu->esm_class, text);
    auto place = user.concatenation ? user.concatenation : SarOf(*pdu);
    if (place && place->total > 1 && place->part >= 1 && place->part <= place->total) {
      auto name =
          account_.parts.Add(*pdu, user, *place, text, ticket, heard_us_, account_.clock.WallMicros());
      auto* group = account_.parts.Find(name);
      if (group && group->whole())
        account_.TellParts(name);  // if it cannot be kept now, the next look tells it
      return true;
    }
    const auto& options = account_.options;
    auto keyed = ToMessage(*pdu, {options.system_id, options.inbound_id_tlv, options.submit.latin1},
                           account_.clock.WallMicros());
    sequence = account_.events.inbound(keyed.key, std::move(keyed.message));
  }
  if (!sequence) return false;
  auto& tickets = account_.unanswered[*sequence];
  if (tickets.size() < kMaxRepeatsKept) tickets.push_back(ticket);
  return true;
}

void Bind::Answer(const Ticket& ticket) {
  if (ticket.link == life_ && link_.open()) Reply(ticket.header, kOk);
}

void Bind::Reply(const Header& request, uint32_t status) {
  Pdu answer;
  answer.command = ResponseTo(request.command);
  answer.status = status;
  answer.sequence = request.sequence;
  SendControl(answer);
}

void Bind::Nack(uint32_t sequence, uint32_t status) {
  Pdu nack;
  nack.command = kGenericNack;
  nack.status = status;
  nack.sequence = sequence;
  SendControl(nack);
}

}  // namespace pharos::smpp
