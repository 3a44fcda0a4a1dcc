// Deliveries to accounts: in a window, again until they are acknowledged, over reconnects too.
#include "connectors/sandbox/smsc_impl.h"

namespace pharos::sandbox {
namespace {

constexpr int64_t kRefusedAgainUs = 1'000'000;
constexpr size_t kSequenceAt = 12;  // SMPP 3.4, 3.2: the header's last field

void PutSequence(std::string& frame, uint32_t sequence) {
  for (size_t i = 0; i < 4; ++i) frame[kSequenceAt + i] = static_cast<char>(sequence >> (24 - 8 * i) & 0xFF);
}

}  // namespace

void Smsc::Impl::Offer(const DeliveryPtr& delivery) {
  if (delivery->done) return;
  waiting_[delivery->account].push_back(delivery);
  DeliverWaiting(delivery->account);
}

void Smsc::Impl::DeliverWaiting(const std::string& account) {
  auto& waiting = waiting_[account];
  for (auto& [fd, link] : links_) {
    if (waiting.empty()) return;
    if (!link->delivers || link->doomed || link->account != account) continue;
    while (!waiting.empty() && link->unanswered.size() < static_cast<size_t>(options_.delivery_window)) {
      auto delivery = std::move(waiting.front());
      waiting.pop_front();
      if (!delivery->done) Deliver(*link, delivery);
    }
  }
}

void Smsc::Impl::Deliver(SmscLink& link, const DeliveryPtr& delivery) {
  link.sequence = link.sequence >= smpp::kMaxSequence ? 1 : link.sequence + 1;
  PutSequence(delivery->frame, link.sequence);
  link.unanswered[link.sequence] = delivery;
  Send(link, delivery->frame);
  ++delivery->sent;
  const int64_t t_ns = clock_.WallNanos();
  if (delivery->reply) {
    ++replies_sent_;
    journal_->Reply("reply", t_ns, delivery->source, delivery->dest, delivery->text, delivery->sent);
  } else {
    ++receipts_sent_;
    journal_->Receipt(t_ns, delivery->id, delivery->state);
  }
  link.repeats.push_back({loop_.Now() + options_.repeat_us, link.sequence});
  if (link.repeats.size() > 1) return;  // a look at the first is planned
  loop_.After(options_.repeat_us, [this, fd = link.fd, number = link.number] {
    if (SmscLink* still = Find(fd, number)) RepeatUnanswered(*still);
  });
}

void Smsc::Impl::RepeatUnanswered(SmscLink& link) {
  std::vector<DeliveryPtr> again;
  const int64_t now = loop_.Now();
  while (!link.repeats.empty()) {
    auto it = link.unanswered.find(link.repeats.front().sequence);
    const bool open = it != link.unanswered.end();
    if (open && link.repeats.front().when_us > now) break;
    if (open) {
      again.push_back(std::move(it->second));
      link.unanswered.erase(it);
    }
    link.repeats.pop_front();
  }
  if (!link.repeats.empty())
    loop_.After(link.repeats.front().when_us - now, [this, fd = link.fd, number = link.number] {
      if (SmscLink* still = Find(fd, number)) RepeatUnanswered(*still);
    });
  for (auto& delivery : again) Deliver(link, delivery);
}

void Smsc::Impl::OnDeliverAnswer(SmscLink& link, const smpp::Pdu& pdu) {
  auto it = link.unanswered.find(pdu.sequence);
  if (it == link.unanswered.end()) return;
  auto delivery = std::move(it->second);
  link.unanswered.erase(it);
  if (pdu.status != smpp::kOk) {
    loop_.After(kRefusedAgainUs, [this, delivery] { Offer(delivery); });
  } else if (!delivery->done) {
    delivery->done = true;
    ++(delivery->reply ? replies_acked_ : receipts_acked_);
    if (delivery->reply)
      journal_->Reply("reply_acked", clock_.WallNanos(), delivery->source, delivery->dest, delivery->text,
                      delivery->sent);
  }
  DeliverWaiting(link.account);
}

}  // namespace pharos::sandbox
