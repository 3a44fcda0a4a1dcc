// The sandbox's record of what happened: one JSON object a line, appended. What Flush() has returned for is
// in the file (page cache) whatever happens to the process.
//
//   {"event":"submit","t_ns":…,"dest":…,"source":…,"text":…,"id":…,"status":…,"part":…,"parts":…,"ref":…,"umr":…}
//        t_ns: the kernel's receive stamp of the completing byte; id: "" if refused; ref: of the parts, -1 =
//        one part; umr: -1 = none
//   {"event":"reply","t_ns":…,"source":…,"dest":…,"text":…,"n":…}   sent to the connector, n-th time
//   {"event":"reply_acked","t_ns":…,"source":…,"dest":…,"text":…,"n":…}
//   {"event":"receipt","t_ns":…,"id":…,"state":…}
//   {"event":"mail","t_ns":…,"dest":…,"source":…,"message_id":…,"subject":…,"status":…,"id":…,"tls":…}
//        t_ns: the kernel's receive stamp of the final dot's line (of the RCPT line if refused there);
//        source: envelope sender; message_id: without <>; id: queue id, "" if refused
//   {"event":"dsn"|"dsn_acked","t_ns":…,"dest":…,"message_id":…,"action":…,"status":…,"n":…}   n-th try
//   {"event":"unsubscribe"|"unsubscribe_acked","t_ns":…,"dest":…,"message_id":…,"n":…}
//        dest: whose mailbox; message_id: of the message that it answers; acked: the listener said 250
//   {"event":"one_click"|"one_click_acked","t_ns":…,"dest":…,"message_id":…,"n":…}
//        the person's POST to the List-Unsubscribe address; acked: it was answered 2xx
//   {"event":"complaint"|"complaint_acked"|"autoreply"|"autoreply_acked",…}   as "unsubscribe"
//   {"event":"bind"|"unbind"|"disconnect","t_ns":…,"system_id":…}
// Times are CLOCK_REALTIME nanoseconds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pharos::sandbox {

struct SubmitEntry {
  int64_t t_ns = 0;
  std::string_view dest, source, text, id;
  uint32_t status = 0;
  int part = 1, parts = 1, ref = -1, umr = -1;
};

struct MailEntry {
  int64_t t_ns = 0;
  std::string_view dest, source, message_id, subject, id;
  int status = 0;
  bool tls = false;
};

// Belongs to one thread. Several may append to the same file: each writes whole lines.
class Journal {
 public:
  // Appends to `file`; "" = none. UNAVAILABLE (JOURNAL_UNWRITABLE).
  static absl::StatusOr<std::unique_ptr<Journal>> Open(const std::string& file);
  ~Journal();

  void Submit(const SubmitEntry& entry);
  void Reply(std::string_view event, int64_t t_ns, std::string_view source, std::string_view dest,
             std::string_view text, int n);
  void Receipt(int64_t t_ns, std::string_view id, std::string_view state);
  void Mail(const MailEntry& entry);
  void Dsn(std::string_view event, int64_t t_ns, std::string_view dest, std::string_view message_id,
           std::string_view action, std::string_view status, int n);
  void Unsubscribe(std::string_view event, int64_t t_ns, std::string_view dest, std::string_view message_id,
                   int n);
  void Link(std::string_view event, int64_t t_ns, std::string_view system_id);
  // One write for everything since the last. A journal that cannot be written ends the process: it is the
  // ground truth.
  void Flush();
  // Octets that a Flush would write.
  size_t waiting() const { return buffer_.size(); }

 private:
  explicit Journal(int fd) : fd_(fd) {}
  const int fd_;
  std::string buffer_;
};

// Adds `text` as a JSON string, quotes and all.
void AppendJsonText(std::string& out, std::string_view text);

}  // namespace pharos::sandbox
