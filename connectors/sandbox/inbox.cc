#include "connectors/sandbox/inbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "connectors/sandbox/journal.h"
#include "connectors/sandbox/mime.h"
#include "services/base/errors.h"
#include "services/base/log.h"

namespace pharos::sandbox {
namespace {

constexpr int64_t kMaxBytes = int64_t{1} << 30;  // for looking at, not for keeping
constexpr size_t kMaxHalves = 10'000;            // of messages whose other parts never came

void Text(std::string& out, std::string_view name, std::string_view value) {
  fmt::format_to(std::back_inserter(out), ",\"{}\":", name);
  AppendJsonText(out, value);
}

}  // namespace

absl::StatusOr<std::shared_ptr<Inbox>> Inbox::Open(const std::string& file) {
  int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0)
    return base::MakeError(absl::StatusCode::kUnavailable, "INBOX_UNWRITABLE",
                           fmt::format("cannot append to the inbox {}: {}", file, strerror(errno)));
  return std::shared_ptr<Inbox>(new Inbox(fd));
}

Inbox::~Inbox() {
  Flush();
  close(fd_);
}

void Inbox::AddSms(const Sms& sms) {
  base::MutexLock lock(mutex_);
  if (sms.parts <= 1) return Add(sms.t_ns, "sms", sms.to, sms.from, "", sms.text, "");
  std::string key = fmt::format("{} {} {}", sms.to, sms.from, sms.reference);
  if (halves_.size() >= kMaxHalves && halves_.count(key) == 0) halves_.erase(halves_.begin());
  auto& parts = halves_[key];
  parts.resize(std::max<size_t>(parts.size(), static_cast<size_t>(sms.parts)));
  if (sms.part < 1 || static_cast<size_t>(sms.part) > parts.size()) return;
  parts[static_cast<size_t>(sms.part) - 1] = std::string(sms.text);
  if (std::any_of(parts.begin(), parts.end(), [](const std::string& part) { return part.empty(); })) return;
  std::string whole;
  for (const std::string& part : parts) whole += part;
  halves_.erase(key);
  Add(sms.t_ns, "sms", sms.to, sms.from, "", whole, "");
}

void Inbox::AddMail(int64_t t_ns, std::string_view to, std::string_view envelope_from, std::string_view raw) {
  Entity mail = ParseEntity(raw);
  std::string from = DecodeWords(mail.Header("from"));
  std::string text = PartOf(raw, "text/plain").value_or("");
  std::string subject = DecodeWords(mail.Header("subject"));
  base::MutexLock lock(mutex_);
  Add(t_ns, "email", to, from.empty() ? envelope_from : from, subject, text, raw);
}

void Inbox::Add(int64_t t_ns, std::string_view channel, std::string_view to, std::string_view from,
                std::string_view subject, std::string_view text, std::string_view raw) {
  if (bytes_ > kMaxBytes) return;
  size_t before = buffer_.size();
  fmt::format_to(std::back_inserter(buffer_), "{{\"t_ns\":{}", t_ns);
  Text(buffer_, "channel", channel);
  Text(buffer_, "to", to);
  Text(buffer_, "from", from);
  Text(buffer_, "subject", subject);
  Text(buffer_, "text", text);
  if (!raw.empty()) Text(buffer_, "raw", Base64(raw));
  buffer_ += "}\n";
  bytes_ += static_cast<int64_t>(buffer_.size() - before);
  if (bytes_ > kMaxBytes) base::Log(base::LogLevel::kWarning, "sandbox_inbox_full", {{"bytes", bytes_}});
}

void Inbox::Flush() {
  std::string ready;
  {
    base::MutexLock lock(mutex_);
    ready.swap(buffer_);
  }
  for (size_t at = 0; at < ready.size();) {
    ssize_t put = write(fd_, ready.data() + at, ready.size() - at);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return base::Log(base::LogLevel::kWarning, "sandbox_inbox_unwritable", {});
    at += static_cast<size_t>(put);
  }
}

}  // namespace pharos::sandbox
