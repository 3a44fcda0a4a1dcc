// Receipts: TLVs and text in any dialect. What is read is read the same again, whatever stands around it, and
// what goes to dispatch is UTF-8 of bounded length.
#include "connectors/smpp/inbound.h"
#include "connectors/smpp/receipt.h"
#include "connectors/smpp/receipt_id.h"
#include "services/base/text.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos::smpp;  // NOLINT

namespace {

// Numbers go there and back; the folded form is a fixed point.
void CheckId(std::string_view id) {
  if (const auto decimal = HexToDecimal(id)) {
    const auto hex = DecimalToHex(*decimal);
    if (decimal->size() <= kMostIdDigits) CHECK(hex && FoldedId(*hex) == FoldedId(id));
  }
  CHECK(FoldedId(FoldedId(id)) == FoldedId(id));
  ReceiptIds ids(ReceiptIdRule::kAuto);
  const std::string answer = ids.OfAnswer(id);
  DeliveryReceipt receipt;
  receipt.id = std::string(id);
  CHECK(id.empty() ||
        ids.OfReceipt(receipt) == answer);  // written alike, they are found whatever else is learned
}

}  // namespace

FUZZ(data) {
  CheckId(data.substr(0, 70));
  pharos::fuzz::Input in(data);
  Pdu pdu;
  pdu.command = kDeliverSm;
  pdu.esm_class = in.Octet();
  pdu.data_coding = in.Octet();
  const uint8_t tlvs = in.Octet();
  pdu.source.digits = std::string(in.Octets(in.Octet() % 24));
  for (uint16_t tag :
       {kReceiptedMessageId, kMessageState, kUserMessageReference, kNetworkErrorCode, kMessagePayload}) {
    if (tlvs & 1 << (tag % 7)) pdu.tlvs.push_back({tag, std::string(in.Octets(in.Octet() % 70))});
  }
  pdu.short_message = std::string(in.Rest());

  const DeliveryReceipt plain = ReadReceiptText(pdu.short_message);
  CHECK(plain.id.size() <= pdu.short_message.size());
  CHECK(ReadReceiptText(pdu.short_message + " ").id == plain.id);
  if (!plain.id.empty() && plain.id.find("text:") == std::string::npos)
    CHECK(ReadReceiptText("id:" + plain.id + " stat:DELIVRD").state == MessageState::kDelivered ||
          plain.id.find(':') != std::string::npos);
  (void)IsReceipt(pdu);
  const auto read = ReadReceipt(pdu);
  ReceiptIds ids(ReceiptIdRule::kAuto);
  if (tlvs & 0x80) (void)ids.OfAnswer(std::string_view(pdu.short_message).substr(0, 20));
  const auto keyed = ToReceipt(pdu, ids);
  CHECK(read.has_value() == keyed.has_value());
  if (!keyed) return;
  // A repeat is known as one, and its id is the same.
  const auto again = ToReceipt(pdu, ids);
  CHECK(again && keyed->key == again->key && keyed->receipt.provider_id() == again->receipt.provider_id());
  CHECK(pharos::base::IsUtf8(keyed->receipt.provider_id()));
  CHECK(pharos::base::IsUtf8(keyed->receipt.error_code()));
  CHECK(pharos::base::IsUtf8(keyed->receipt.address()));
  CHECK(keyed->receipt.provider_id().size() <= 1024 && keyed->receipt.error_code().size() <= 512);
  CHECK(keyed->receipt.reference() >= -1 && keyed->receipt.reference() <= 0xFFFF);
  CHECK(keyed->receipt.state() >= 1 && keyed->receipt.state() <= 8);
}
