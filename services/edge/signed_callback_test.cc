#include "services/edge/signed_callback.h"

#include <gtest/gtest.h>

#include "services/base/errors.h"

namespace pharos::edge {
namespace {

namespace v1 = dispatch::internal::v1;

TEST(SignedCallback, ReceiptsAndMessages) {
  const auto read = ReadSignedCallback(
      R"({"receipts": [{"id": "m1", "state": "DELIVERED", "address": "447700900000"},
                       {"id": "m2", "state": "UNDELIVERABLE", "error": "550", "hard_bounce": true,
                        "done_at": "1970-01-01T00:00:01Z"},
                       {"id": "m3", "state": "EN_ROUTE", "complaint": true}],
          "messages": [{"id": "i1", "from": "447700900001", "to": "60777", "text": "STOP"}]})",
      42);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->receipts.receipts_size(), 3);
  EXPECT_EQ(read->receipts.receipts(0).state(), v1::DELIVERED);
  EXPECT_EQ(read->receipts.receipts(0).reference(), -1);
  EXPECT_TRUE(read->receipts.receipts(1).hard_bounce());
  EXPECT_EQ(read->receipts.receipts(1).done_time_us(), 1'000'000);
  EXPECT_TRUE(read->receipts.receipts(2).complaint());
  ASSERT_EQ(read->messages.messages_size(), 1);
  EXPECT_EQ(read->messages.messages(0).text(), "STOP");
  EXPECT_EQ(read->messages.messages(0).received_time_us(), 42);
}

TEST(SignedCallback, NothingIsTakenOfABodyThatIsWrongAnywhere) {
  const auto reason = [](std::string_view body) {
    return base::ReasonOf(ReadSignedCallback(body, 42).status());
  };
  EXPECT_EQ(reason("{}"), "");
  EXPECT_EQ(reason(R"({"receipts": {}})"), "BODY_WRONG");
  EXPECT_EQ(reason(R"({"receipts": ["m1"]})"), "BODY_WRONG");
  EXPECT_EQ(reason(R"({"receipts": [{"id": "m1", "state": "delivered"}]})"), "BODY_WRONG");
  EXPECT_EQ(reason(R"({"receipts": [{"id": "m1", "state": "DELIVERED"}, {"id": "m2"}]})"), "BODY_WRONG");
  EXPECT_EQ(reason(R"({"receipts": [{"id": "m1", "state": "DELIVERED", "complaint": "yes"}]})"),
            "BODY_WRONG");
  EXPECT_EQ(reason(R"({"messages": [{"id": "i1", "text": "STOP"}]})"), "BODY_WRONG");
  std::string many = R"({"messages": [{"id": "i", "from": "1", "to": "2"})";
  for (size_t i = 0; i < kMostMessages; ++i) many += R"(,{"id": "i", "from": "1", "to": "2"})";
  EXPECT_EQ(reason(many + "]}"), "BODY_WRONG");
}

}  // namespace
}  // namespace pharos::edge
