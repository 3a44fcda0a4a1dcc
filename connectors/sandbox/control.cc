#include "connectors/sandbox/control.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>

#include "connectors/sandbox/loop.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::sandbox {
namespace {

constexpr size_t kMaxLine = 4'096;
constexpr size_t kMaxLines = 64;  // connections

}  // namespace

class Control::Impl {
 public:
  Impl(int listener, int port, Smsc* smsc, MailServer* mail)
      : listener_(listener), port_(port), smsc_(smsc), mail_(mail), buffer_(kMaxLine, '\0') {
    loop_.Watch(listener_, EPOLLIN, [this](uint32_t) { Accept(); });
    loop_.Start([] {});
  }
  ~Impl() {
    loop_.Stop([this] {
      while (!lines_.empty()) Close(lines_.begin()->first);
    });
    close(listener_);
  }
  int port() const { return port_; }

 private:
  void Accept() {
    int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (lines_.size() >= kMaxLines) {
      close(fd);
      return;
    }
    lines_[fd] = "";
    loop_.Watch(fd, EPOLLIN, [this, fd](uint32_t) { Read(fd); });
  }

  void Close(int fd) {
    lines_.erase(fd);
    loop_.Forget(fd);
    close(fd);
  }

  void Read(int fd) {
    Received received = Receive(fd, buffer_);
    if (received.what == Received::What::kNothingYet) return;
    std::string& in = lines_[fd];
    if (received.what == Received::What::kBytes) in.append(received.bytes);
    if (received.what == Received::What::kGone || in.size() > kMaxLine) return Close(fd);
    std::string out;
    for (size_t end; (end = in.find('\n')) != std::string::npos; in.erase(0, end + 1))
      out += Obey(std::string(base::TrimAscii(std::string_view(in).substr(0, end)))) + "\n";
    // Answers are short and the other side waits for them: a send that does not take them all is a fault.
    if (send(fd, out.data(), out.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(out.size())) Close(fd);
  }

  std::string Obey(const std::string& line) {
    if (line.compare(0, 5, "mail ") == 0)
      return mail_ == nullptr ? "error there is no mail server" : mail_->Steer(line.substr(5));
    const std::string command = line.compare(0, 4, "sms ") == 0 ? line.substr(4) : line;
    return smsc_ == nullptr ? "error there is no SMS provider" : smsc_->Steer(command);
  }

  const int listener_, port_;
  Smsc* const smsc_;
  MailServer* const mail_;
  Loop loop_;
  std::map<int, std::string> lines_;  // what came, by connection
  std::string buffer_;
};

absl::StatusOr<std::unique_ptr<Control>> Control::Start(const std::string& address, int port, Smsc* smsc,
                                                        MailServer* mail) {
  if (address.compare(0, 4, "127.") != 0)
    return base::MakeError(absl::StatusCode::kInvalidArgument, "FLAG_WRONG",
                           "--control obeys whoever connects: give it an address in 127.0.0.0/8");
  PHAROS_ASSIGN_OR_RETURN(int listener, Listen(address, port, "--control"));
  return std::unique_ptr<Control>(new Control(std::make_unique<Impl>(listener, port, smsc, mail)));
}

Control::Control(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Control::~Control() = default;

int Control::port() const {
  return impl_->port();
}

}  // namespace pharos::sandbox
