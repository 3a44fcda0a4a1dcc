// The edge under floods and before slow clients: an opt-out gets through.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "services/edge/edge_world_test.h"

namespace pharos::edge {
namespace {

constexpr char kReceipt[] =
    R"({"id": "1", "reference": "0192f1c2a3b44c5d8e6f708192a3b4c5", "status": "delivered",
        "notification_type": "sms"})";

// A client that says what it is told, octet by octet if need be.
class Raw {
 public:
  explicit Raw(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval patience{20, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Raw() { close(fd_); }
  bool Put(const std::string& text) {
    return send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  // Has something come (an answer, or the end), waiting so long?
  bool Heard(int milliseconds) const {
    pollfd one{fd_, POLLIN, 0};
    return poll(&one, 1, milliseconds) > 0;
  }
  // The status of the answer; 0 = it was ended without one.
  int Status() {
    std::string in;
    char buffer[4096];
    while (in.size() < 12) {
      const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
      if (got <= 0) return 0;
      in.append(buffer, static_cast<size_t>(got));
    }
    return std::stoi(in.substr(9, 3));
  }

 private:
  const int fd_;
};

std::string Callback() {
  return fmt::format(
      "POST /callbacks/notify/notify-main/receipt HTTP/1.1\r\nHost: e\r\nContent-Type: application/json\r\n"
      "Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{}",
      kNotifyToken, sizeof kReceipt - 1, kReceipt);
}

class FloodTest : public EdgeTest {
 protected:
  using EdgeTest::EdgeTest;
  ~FloodTest() override { Hold(false); }
  void Hold(bool hold) {
    base::MutexLock lock(dispatch_.mutex);
    dispatch_.hold = hold;
    dispatch_.changed.NotifyAll();
  }
  bool UntilHeld(int count) {
    base::MutexLock lock(dispatch_.mutex);
    for (int i = 0; i < 2000 && dispatch_.recording < count; ++i)
      dispatch_.changed.WaitForMicros(lock, 10'000);
    return dispatch_.recording >= count;
  }
};

TEST_F(FloodTest, CallbacksThatDispatchIsSlowToTakeDelayNoOptOut) {
  Hold(true);
  std::vector<std::unique_ptr<Raw>> flood;
  for (int i = 0; i < 60; ++i) {
    flood.push_back(std::make_unique<Raw>(server_->port()));
    ASSERT_TRUE(flood.back()->Put(Callback()));
  }
  ASSERT_TRUE(UntilHeld(static_cast<int>(HttpServer::kCallbackWorkers)))
      << "all workers of callbacks are taken";
  EXPECT_EQ(Press(kLink).result_int(), 200u);
  EXPECT_EQ(Unsubscribed(), 1);
  EXPECT_EQ(Get(std::string("/u/") + kLink).result_int(), 200u) << "and the page can be looked at";
  for (const auto& one : flood) EXPECT_FALSE(one->Heard(0)) << "the opt-out did not wait for them";
  Hold(false);
  for (const auto& one : flood) EXPECT_NE(one->Status(), 0) << "each is answered in the end";
}

TEST_F(FloodTest, ConnectionsOfCallbacksLeaveRoomForOptOutsFromTheSameAddress) {
  std::vector<std::unique_ptr<Raw>> flood;
  int recorded = 0, busy = 0;
  for (int i = 0; i < 140; ++i) {
    flood.push_back(std::make_unique<Raw>(server_->port()));
    flood.back()->Put(Callback());
    const int status = flood.back()->Status();
    recorded += status == 200;
    busy += status == 503;
  }
  EXPECT_EQ(recorded, 64);
  EXPECT_EQ(busy, 76);
  EXPECT_EQ(Press(kLink).result_int(), 200u);
}

TEST_F(FloodTest, TheRateOfCallbacksIsNotThatOfOptOuts) {
  unsigned status = 0;
  for (int i = 0; i < 400 && status != 429; ++i) status = Notify("receipt", kReceipt).result_int();
  EXPECT_EQ(status, 429u);
  EXPECT_EQ(Press(kLink).result_int(), 200u);
}

HttpLimits FewPlaces() {
  HttpLimits limits;
  limits.connections = 4;
  limits.least_stay = std::chrono::milliseconds(0);
  return limits;
}
class FewPlacesTest : public FloodTest {
 protected:
  FewPlacesTest() : FloodTest(FewPlaces()) {}
};

TEST_F(FewPlacesTest, WhoMakesUsWaitForLongestGoesWhenAPlaceIsNeeded) {
  std::vector<std::unique_ptr<Raw>> slow;
  for (int i = 0; i < 4; ++i) slow.push_back(std::make_unique<Raw>(server_->port()));
  slow[0]->Put("GET /u/");
  slow[1]->Put("POST /u/x HTTP/1.1\r\nHost: e\r\nContent-Length: 5\r\n\r\nx");
  EXPECT_EQ(Press(kLink).result_int(), 200u);
  EXPECT_EQ(slow[0]->Status(), 0) << "ended";
}

TEST_F(FewPlacesTest, IdleCallbackConnectionsGoFirst) {
  Raw person(server_->port());
  person.Put("GET /health HTTP/1.1\r\nHost: e\r\n\r\n");
  EXPECT_EQ(person.Status(), 200);
  std::vector<std::unique_ptr<Raw>> callbacks;
  for (int i = 0; i < 3; ++i) {
    callbacks.push_back(std::make_unique<Raw>(server_->port()));
    callbacks.back()->Put(Callback());
    EXPECT_EQ(callbacks.back()->Status(), 200);
  }
  EXPECT_EQ(Press(kLink).result_int(), 200u);
  EXPECT_EQ(callbacks[0]->Status(), 0) << "ended, though the person's has been idle for longer";
  person.Put("GET /health HTTP/1.1\r\nHost: e\r\n\r\n");
  EXPECT_EQ(person.Status(), 200);
}

HttpLimits ShortTimes() {
  HttpLimits limits;
  limits.header = limits.idle = limits.body = std::chrono::milliseconds(300);
  return limits;
}
class SlowClientTest : public FloodTest {
 protected:
  SlowClientTest() : FloodTest(ShortTimes()) {}
  // Octet after octet, until we are hung up on; false if that takes longer than all patience.
  static bool EndedWhileTrickling(Raw& client) {
    for (int i = 0; i < 500; ++i) {
      if (client.Heard(20)) return true;
      if (!client.Put("x")) return true;
    }
    return false;
  }
};

TEST_F(SlowClientTest, AHeaderThatTricklesInIsEnded) {
  Raw client(server_->port());
  client.Put("GET /health HTTP/1.1\r\nX-Slow: ");
  EXPECT_TRUE(EndedWhileTrickling(client));
}

TEST_F(SlowClientTest, ABodyThatTricklesInIsEndedAndDoesNothing) {
  Raw client(server_->port());
  client.Put(
      fmt::format("POST /u/{} HTTP/1.1\r\nHost: e\r\nContent-Type: {}\r\nContent-Length: 8000\r\n\r\n{}&",
                  kLink, kForm, kOneClick));
  EXPECT_TRUE(EndedWhileTrickling(client));
  EXPECT_EQ(Unsubscribed(), 0);
}

TEST_F(SlowClientTest, SilenceIsEndedBeforeAndAfterARequest) {
  Raw mute(server_->port());
  EXPECT_EQ(mute.Status(), 0);
  Raw once(server_->port());
  once.Put("GET /health HTTP/1.1\r\nHost: e\r\n\r\n");
  EXPECT_EQ(once.Status(), 200);
  EXPECT_EQ(once.Status(), 0);
}

TEST_F(SlowClientTest, ABodyThatDoesNotSayHowLongItIsIsCutOffWhereItIsTooLong) {
  Raw client(server_->port());
  client.Put(fmt::format("POST /u/{} HTTP/1.1\r\nHost: e\r\nTransfer-Encoding: chunked\r\n\r\n", kLink));
  for (int i = 0; i < 100 && !client.Heard(0); ++i) client.Put("400\r\n" + std::string(0x400, 'x') + "\r\n");
  EXPECT_EQ(client.Status(), 413);
  Raw line(server_->port());
  line.Put("GET /" + std::string(40 << 10, 'a'));
  EXPECT_EQ(line.Status(), 431);
}

}  // namespace
}  // namespace pharos::edge
