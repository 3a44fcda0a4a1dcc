#include "connectors/sandbox/smsc.h"

#include <fmt/format.h>
#include <unistd.h>

#include "connectors/sandbox/smsc_impl.h"
#include "services/base/errors.h"

namespace pharos::sandbox {
namespace {

constexpr size_t kReadBytes = 256 * 1024;

}  // namespace

Smsc::Impl::Impl(SmscOptions options, std::unique_ptr<Journal> journal, std::unique_ptr<TlsServer> tls,
                 int listener, int tls_listener)
    : options_(std::move(options)),
      journal_(std::move(journal)),
      tls_(std::move(tls)),
      listener_(listener),
      tls_listener_(tls_listener),
      id_prefix_(fmt::format("{:x}", clock_.WallMicros() / 1000)),
      first_number_(static_cast<uint64_t>(clock_.WallMicros()) << 8),
      buffer_(kReadBytes, '\0'),
      sms_script_("sms", options_.rules.seed),
      bind_script_("bind", options_.rules.seed) {
  if (options_.throttle_per_second > 0)
    throttle_.emplace(options_.throttle_per_second, options_.throttle_per_second);
  loop_.SetRound(options_.round_us);
  loop_.Watch(listener_, EPOLLIN, [this](uint32_t) { Accept(listener_, false); });
  if (tls_listener_ >= 0)
    loop_.Watch(tls_listener_, EPOLLIN, [this](uint32_t) { Accept(tls_listener_, true); });
  loop_.Start([this] { FlushAll(); });
}

Smsc::Impl::~Impl() {
  loop_.Stop([this] {
    while (!links_.empty()) Close(links_.begin()->first, "disconnect");
    journal_->Flush();
  });
  close(listener_);
  if (tls_listener_ >= 0) close(tls_listener_);
}

absl::StatusOr<std::unique_ptr<Smsc>> Smsc::Start(SmscOptions options) {
  PHAROS_ASSIGN_OR_RETURN(auto journal, Journal::Open(options.journal));
  std::unique_ptr<TlsServer> tls;
  int tls_listener = -1;
  if (options.tls_port >= 0) {
    PHAROS_RETURN_IF_ERROR(EnsureCertificate(options.tls_folder));
    PHAROS_ASSIGN_OR_RETURN(tls, TlsServer::Open(options.tls_folder));
    PHAROS_ASSIGN_OR_RETURN(tls_listener, Listen(options.address, options.tls_port, "--smpp-tls-port"));
  }
  auto listener = Listen(options.address, options.port, "--listen");
  if (!listener.ok()) {
    if (tls_listener >= 0) close(tls_listener);
    return listener.status();
  }
  return std::unique_ptr<Smsc>(new Smsc(std::make_unique<Impl>(std::move(options), std::move(journal),
                                                               std::move(tls), *listener, tls_listener)));
}

Smsc::Smsc(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Smsc::~Smsc() = default;

int Smsc::port() const {
  return impl_->options().port;
}

int Smsc::tls_port() const {
  return impl_->options().tls_port;
}

SmscCounts Smsc::counts() const {
  return {impl_->submits_,      impl_->accepted_,      impl_->receipts_sent_, impl_->receipts_acked_,
          impl_->replies_sent_, impl_->replies_acked_, impl_->binds_,         impl_->cut_};
}

void Smsc::HoldAnswers(bool hold) {
  impl_->Do([&] { impl_->hold_ = hold; });
}

void Smsc::StopReading(bool stop) {
  impl_->Do([&] { impl_->SetDeaf(stop); });
}

void Smsc::CutLinks() {
  impl_->Do([&] { impl_->CutLinks(); });
}

std::string Smsc::Steer(const std::string& command) {
  std::string answer;
  impl_->Do([&] { answer = impl_->Steer(command); });
  return answer;
}

}  // namespace pharos::sandbox
