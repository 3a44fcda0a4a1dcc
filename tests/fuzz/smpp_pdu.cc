// A stream of SMPP frames: framing agrees with itself however the octets arrive, and what was decoded is
// encoded so that it decodes to the same.
#include "connectors/smpp/pdu.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos::smpp;  // NOLINT

namespace {

void CheckFrame(std::string_view frame) {
  CHECK(DecodeHeader(frame).length == frame.size());
  for (size_t size : {size_t{0}, size_t{3}, size_t{4}, kHeaderBytes, frame.size() - 1}) {
    size_t length = 0;
    if (size < frame.size()) CHECK(NextFrame(frame.substr(0, size), length) == Framing::kNeedMore);
  }
  auto pdu = Decode(frame);
  if (!pdu.ok()) return;
  CHECK(pdu->short_message.size() <= 255);
  CHECK(pdu->Text().size() <= frame.size());
  std::string_view text = pdu->Text();
  if (const auto header = TakeHeader(pdu->esm_class, text)) {
    CHECK(header->reference >= 0 && header->reference <= 0xFFFF);
    CHECK(header->total >= 0 && header->total <= 255 && header->part >= 0 && header->part <= 255);
  }
  CHECK(text.size() <= pdu->Text().size());
  const std::string encoded = Encode(*pdu);
  if (encoded.size() > kMaxPduBytes) return;  // a body left out in the original is written
  auto again = Decode(encoded);
  CHECK(again.ok());
  pdu->tlv_fault = false;
  CHECK(*again == *pdu);
  CHECK(Encode(*again) == encoded);
}

}  // namespace

FUZZ(data) {
  while (true) {
    size_t length = 0;
    if (NextFrame(data, length) != Framing::kWhole) break;
    CHECK(length >= kHeaderBytes && length <= data.size());
    CheckFrame(data.substr(0, length));
    data.remove_prefix(length);
  }
  (void)Decode(data);
  (void)DecodeHeader(data);
}
