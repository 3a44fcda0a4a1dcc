#include "connectors/sandbox/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::sandbox {

void AppendJsonText(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  auto plain = [](unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; };
  out.push_back('"');
  size_t at = 0;
  while (at < text.size() && plain(static_cast<unsigned char>(text[at]))) ++at;
  out.append(text, 0, at);  // nearly always all of it
  const bool readable = at == text.size() || base::IsUtf8(text);
  for (char c : text.substr(at)) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x80) {
      out.push_back(readable ? c : '?');
    } else if (octet < 0x20) {
      out.append("\\u00");
      out.push_back(kHex[octet >> 4]);
      out.push_back(kHex[octet & 15]);
    } else {
      if (!plain(octet)) out.push_back('\\');
      out.push_back(c);
    }
  }
  out.push_back('"');
}

namespace {

void Name(std::string& out, std::string_view name) {
  out.append(",\"");
  out.append(name);
  out.append("\":");
}
void Text(std::string& out, std::string_view name, std::string_view value) {
  Name(out, name);
  AppendJsonText(out, value);
}
void Number(std::string& out, std::string_view name, int64_t value) {
  Name(out, name);
  out.append(fmt::format_int(value).c_str());
}
void Begin(std::string& out, std::string_view event, int64_t t_ns) {
  out.append("{\"event\":\"");
  out.append(event);
  out.push_back('"');
  Number(out, "t_ns", t_ns);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(const std::string& file) {
  if (file.empty()) return std::unique_ptr<Journal>(new Journal(-1));
  int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0)
    return base::MakeError(absl::StatusCode::kUnavailable, "JOURNAL_UNWRITABLE",
                           fmt::format("cannot append to the journal {}: {}", file, strerror(errno)));
  return std::unique_ptr<Journal>(new Journal(fd));
}

Journal::~Journal() {
  Flush();
  if (fd_ >= 0) close(fd_);
}

void Journal::Submit(const SubmitEntry& e) {
  Begin(buffer_, "submit", e.t_ns);
  Text(buffer_, "dest", e.dest);
  Text(buffer_, "source", e.source);
  Text(buffer_, "text", e.text);
  Text(buffer_, "id", e.id);
  Number(buffer_, "status", e.status);
  Number(buffer_, "part", e.part);
  Number(buffer_, "parts", e.parts);
  Number(buffer_, "ref", e.ref);
  Number(buffer_, "umr", e.umr);
  buffer_ += "}\n";
}

void Journal::Reply(std::string_view event, int64_t t_ns, std::string_view source, std::string_view dest,
                    std::string_view text, int n) {
  Begin(buffer_, event, t_ns);
  Text(buffer_, "source", source);
  Text(buffer_, "dest", dest);
  Text(buffer_, "text", text);
  Number(buffer_, "n", n);
  buffer_ += "}\n";
}

void Journal::Receipt(int64_t t_ns, std::string_view id, std::string_view state) {
  Begin(buffer_, "receipt", t_ns);
  Text(buffer_, "id", id);
  Text(buffer_, "state", state);
  buffer_ += "}\n";
}

void Journal::Mail(const MailEntry& e) {
  Begin(buffer_, "mail", e.t_ns);
  Text(buffer_, "dest", e.dest);
  Text(buffer_, "source", e.source);
  Text(buffer_, "message_id", e.message_id);
  Text(buffer_, "subject", e.subject);
  Number(buffer_, "status", e.status);
  Text(buffer_, "id", e.id);
  buffer_ += e.tls ? ",\"tls\":true}\n" : ",\"tls\":false}\n";
}

void Journal::Dsn(std::string_view event, int64_t t_ns, std::string_view dest, std::string_view message_id,
                  std::string_view action, std::string_view status, int n) {
  Begin(buffer_, event, t_ns);
  Text(buffer_, "dest", dest);
  Text(buffer_, "message_id", message_id);
  Text(buffer_, "action", action);
  Text(buffer_, "status", status);
  Number(buffer_, "n", n);
  buffer_ += "}\n";
}

void Journal::Unsubscribe(std::string_view event, int64_t t_ns, std::string_view dest,
                          std::string_view message_id, int n) {
  Begin(buffer_, event, t_ns);
  Text(buffer_, "dest", dest);
  Text(buffer_, "message_id", message_id);
  Number(buffer_, "n", n);
  buffer_ += "}\n";
}

void Journal::Link(std::string_view event, int64_t t_ns, std::string_view system_id) {
  Begin(buffer_, event, t_ns);
  Text(buffer_, "system_id", system_id);
  buffer_ += "}\n";
}

void Journal::Flush() {
  size_t at = 0;
  while (fd_ >= 0 && at < buffer_.size()) {
    ssize_t put = write(fd_, buffer_.data() + at, buffer_.size() - at);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      perror("pharos-sandbox: the journal cannot be written");
      abort();
    }
    at += static_cast<size_t>(put);
  }
  buffer_.clear();
}

}  // namespace pharos::sandbox
