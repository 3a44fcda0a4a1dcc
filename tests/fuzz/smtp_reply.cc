// Replies of mail servers: the same lines mean the same however they arrive, and a refusal always has a
// reason and a code without the server's words.
#include "connectors/smtp/reply.h"
#include "services/base/text.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos::smtp;  // NOLINT

namespace {

void CheckRefusal(const Reply& reply) {
  if (reply.code < 400) return;
  for (Stage stage : {Stage::kMail, Stage::kRecipient, Stage::kData, Stage::kFinalDot}) {
    const work::Rejected rejected = RejectedFor(stage, reply);
    CHECK(!rejected.reason().empty());
    CHECK(rejected.code() == CodeText(reply) && rejected.code().size() <= 16);
    CHECK(!(rejected.hard_bounce() && rejected.transient()));  // who does not exist is not tried again
    CHECK(rejected.retry_after_ms() >= 0);
  }
}

}  // namespace

FUZZ(data) {
  const Enhanced code = ReadEnhanced(data);
  CHECK(ReadEnhanced(code.Text()) == code);
  std::string whole(data), pieces;
  ReplyReader at_once, bit_by_bit;
  size_t fed = 0;
  for (int i = 0; i < 100; ++i) {
    Reply one, other;
    const auto result = at_once.Read(whole, one);
    auto later = bit_by_bit.Read(pieces, other);
    while (later == ReplyReader::Result::kNeedMore && fed < data.size()) {
      pieces.push_back(data[fed++]);
      later = bit_by_bit.Read(pieces, other);
    }
    // A line past the limit is noticed the sooner the more of it is there.
    if (result != later)
      CHECK(result == ReplyReader::Result::kBroken || later == ReplyReader::Result::kBroken);
    if (result != ReplyReader::Result::kWhole || later != result) return;
    CHECK(one.code == other.code && one.lines == other.lines && one.enhanced == other.enhanced);
    CHECK(one.code >= 200 && one.code <= 599 && !one.lines.empty() && one.lines.size() <= kMaxReplyLines);
    CheckRefusal(one);
  }
}
