#include "services/dispatch/work_service.h"

#include <thread>

#include "services/dispatch/errors.h"

namespace pharos::dispatch {
namespace {

constexpr int64_t kWriterWaitMicros = 50'000;

void WriteAll(rpc::Call& call, WorkService::WorkStream& stream, Session& session) {
  while (!session.outbox.closed()) {
    if (call.cancelled()) session.outbox.Close();
    for (const auto& message : session.outbox.PopAll(64, kWriterWaitMicros)) {
      if (!stream.Write(message)) session.outbox.Close();
    }
  }
}

}  // namespace

absl::Status WorkService::Work(rpc::Call& call, WorkStream& stream) {
  internal::v1::WorkRequest first;
  if (!stream.Read(first) || !first.has_hello() || first.hello().life().size() != 16 ||
      first.hello().connector().empty()) {
    return DispatchErrors::HelloMissing();
  }
  if (access_.Get()->version == 0 && !first.hello().sandbox()) return DispatchErrors::AccessAway();
  if (!first.hello().sandbox() && !access_.Get()->live)
    return DispatchErrors::LiveRouteInTrial(first.hello().connector());
  auto session = std::make_shared<Session>();
  session->hello = first.hello();
  std::thread writer([&] { WriteAll(call, stream, *session); });
  absl::Status status = loop_.Run([&](Turn& turn) {
    desk_.Arrive(turn, session);
    return absl::OkStatus();
  });
  if (status.ok()) {
    ReadAll(stream, session);
    const bool ended = session->ended;
    status = loop_.Run([&](Turn& turn) {
      desk_.Leave(turn, session);
      return absl::OkStatus();
    });
    if (status.ok() && ended) status = DispatchErrors::ModeChanged();
  }
  session->outbox.Close();
  writer.join();
  return status;
}

void WorkService::ReadAll(WorkStream& stream, const SessionPtr& session) {
  auto message = std::make_shared<internal::v1::WorkRequest>();
  while (!session->ended && stream.Read(*message)) {  // a connector pulls four times a second
    const int64_t arrived_us = clock_.BootMicros();
    const bool taken = loop_.Post([this, session, message, arrived_us](Turn& turn) {
      if (message->has_pull()) desk_.OnPull(turn, session, message->pull(), arrived_us);
      if (message->has_outcomes()) desk_.OnOutcomes(turn, session, message->outcomes());
      if (message->has_receipts()) desk_.OnReceipts(turn, session, message->receipts());
      if (message->has_inbound()) desk_.OnInbound(turn, session, message->inbound());
      if (message->has_link()) desk_.OnLink(turn, session, message->link());
      if (message->has_findings()) desk_.OnFindings(turn, session, message->findings());
    });
    if (!taken) return;
    message = std::make_shared<internal::v1::WorkRequest>();
  }
}

}  // namespace pharos::dispatch
