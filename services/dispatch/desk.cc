#include "services/dispatch/desk.h"

#include <algorithm>

#include "services/base/ids.h"
#include "services/base/log.h"

namespace pharos::dispatch {

Desk::Desk(storage::Store& store, TurnLoop& loop, CustomerClient& customer, base::Clock& clock,
           const storage::BlindIndex& reference_key, const policy::SnapshotHolder& access,
           DispatchSettings settings)
    : store_(store),
      loop_(loop),
      customer_(customer),
      clock_(clock),
      reference_key_(reference_key),
      access_(access),
      life_(base::RandomBytes16()),
      settings_(std::move(settings)) {
  intents_.OnMove([this](Turn& turn, const record::v1::IntentRow& row, State from, State to) {
    OnMove(turn, row, from, to);
  });
}

void Desk::Tick(Turn& turn) {
  // The clock was set back: what has been read of the queue up to the old time is not all there is.
  if (turn.now_us < ticked_at_us_) ready_.Rescan();
  ticked_at_us_ = turn.now_us;
  EndStreamsOfOldMode(turn);
  MoveOldQueue(turn);
  ExpireDeclared(turn);
  HaltSome(turn);
  DoubtLost(turn);
  SettleDoubts(turn);
  PurgeParked(turn);
  SweepMessages(turn);
  SweepReplies(turn);
  LookAtCanaries(turn);
  ObserveRoutes(turn);
  RetryReplies();
  SendReports(turn);
  AskForPermits(turn);
  ShowHeld(turn);
  if (!releases_.empty()) {
    turn.After(
        [this, ids = std::exchange(releases_, {})]() mutable { customer_.ReleasePermits(std::move(ids)); });
  }
}

void Desk::Flush(Turn& turn) {
  SaveMailSites(turn);
  SaveMessageKeys(turn);
  open_.Flush(turn);
  intents_.Flush(turn);
}

// An older stream of the same life is dead, whether we have noticed or not: what is on its way to it is taken
// back, and its messages are repeated on this one.
void Desk::Arrive(Turn& turn, const SessionPtr& session) {
  std::erase_if(sessions_, [&](const SessionPtr& older) {
    if (older->hello.life() != session->hello.life()) return false;
    older->pull_live = false;
    older->outbox.Close();
    return true;
  });
  sessions_.push_back(session);
  lost_lives_.erase(session->hello.life());
  ConnectorStatus& status = RouteOf(session->hello.connector());
  status.hello = session->hello;
  status.connected = true;
  status.link.Clear();
  status.link_heard = false;
  observed_at_us_ = 0;
  internal::v1::WorkResponse welcome;
  welcome.mutable_welcome()->set_life(life_);
  session->welcomed_live = access_.Get()->live;
  welcome.mutable_welcome()->set_live(session->welcomed_live);
  turn.After([this, session, welcome] {
    (void)session->outbox.TryPush(welcome);
    QueryOpen(session);
  });
}

// A stream whose Welcome no longer holds ends, and its connector comes back to be told anew. Before permits
// are asked for and before anything that this turn readied goes out.
void Desk::EndStreamsOfOldMode(Turn& turn) {
  const bool live = access_.Get()->live;
  const std::vector<SessionPtr> sessions = sessions_;
  for (const SessionPtr& session : sessions) {
    if (session->welcomed_live == live) continue;
    Leave(turn, session);
    session->ended = true;
    internal::v1::WorkResponse welcome;
    welcome.mutable_welcome()->set_life(life_);
    welcome.mutable_welcome()->set_live(live);
    (void)session->outbox.TryPush(std::move(welcome));
    session->outbox.Close();
  }
}

void Desk::Leave(Turn& turn, const SessionPtr& session) {
  std::erase(sessions_, session);
  session->pull_live = false;
  if (!SessionOfLife(session->hello.life())) {
    lost_lives_[session->hello.life()] = clock_.BootMicros();
    ConnectorStatus& status = RouteOf(session->hello.connector());
    if (status.hello.life() == session->hello.life()) status.connected = false;
    observed_at_us_ = 0;
  }
}

void Desk::OnPull(Turn& turn, const SessionPtr& session, const internal::v1::Pull& pull, int64_t arrived_us) {
  if (pull.number() <= session->pull_number) return;  // late or repeated
  session->pull_number = pull.number();
  session->pull_credit = pull.credit();
  session->pull_arrived_us = arrived_us;
  session->pull_live = pull.credit() > 0;
}

void Desk::OnLink(Turn& turn, const SessionPtr& session, const internal::v1::LinkState& link) {
  session->link = link;
  ConnectorStatus& route = RouteOf(session->hello.connector());
  route.link = link;
  route.link_heard = true;
  observed_at_us_ = 0;
}

SessionPtr Desk::SessionOfLife(const std::string& life) const {
  auto at = std::find_if(sessions_.begin(), sessions_.end(),
                         [&](const SessionPtr& s) { return s->hello.life() == life; });
  return at == sessions_.end() ? nullptr : *at;
}

void Desk::Release(Turn& turn, std::string id) {
  releases_.push_back(std::move(id));
}

}  // namespace pharos::dispatch
