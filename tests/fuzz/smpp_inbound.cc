// Messages from people: octets in any coding become UTF-8, and a repeat keeps its key. Parts in any order
// make the same text.
#include <algorithm>

#include "connectors/smpp/assembly.h"
#include "connectors/smpp/inbound.h"
#include "services/base/text.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos::smpp;  // NOLINT

namespace {

// The text cut into parts, which come in the order given, each once or twice.
std::string Assembled(const Pdu& pdu, std::string_view text, int total, bool backwards, bool twice) {
  Assembler assembler(0);
  std::string name;
  const size_t piece = text.size() / static_cast<size_t>(total) + 1;
  for (int i = 0; i < total; ++i) {
    const int part = backwards ? total - i : i + 1;
    const size_t from = std::min(text.size(), piece * static_cast<size_t>(part - 1));
    for (int repeat = 0; repeat <= (twice ? 1 : 0); ++repeat)
      name = assembler.Add(pdu, {}, {7, total, part}, text.substr(from, piece), {}, 1, 1);
  }
  CHECK(assembler.size() == 1 && assembler.Due(1) == std::vector<std::string>{name});
  const Assembler::Group* group = assembler.Find(name);
  CHECK(group != nullptr && group->whole());
  const std::string told = Assembler::TextOf(*group, false);
  CHECK(assembler.Told(name, 1).size() == static_cast<size_t>(total) * (twice ? 2 : 1) &&
        assembler.Due(2).empty());
  return told;
}

}  // namespace

FUZZ(data) {
  pharos::fuzz::Input in(data);
  Pdu pdu;
  pdu.command = kDeliverSm;
  pdu.esm_class = in.Octet();
  pdu.data_coding = in.Octet();
  pdu.source.digits = std::string(in.Octets(in.Octet() % 24));
  pdu.destination.digits = std::string(in.Octets(in.Octet() % 24));
  if (in.Octet() & 1) pdu.tlvs.push_back({0x1401, std::string(in.Octets(in.Octet() % 70))});
  pdu.short_message = std::string(in.Rest());

  const std::string text = DecodeText(pdu.data_coding, pdu.short_message);
  CHECK(pharos::base::IsUtf8(text));
  CHECK(text.size() <= 3 * pdu.short_message.size() + 3);
  CHECK(pharos::base::IsUtf8(ToUtf8(pdu.short_message)));
  std::string_view payload = pdu.short_message;
  const UserHeader header = TakeUserHeader(pdu.esm_class, payload);
  CHECK(payload.size() <= pdu.short_message.size());
  CHECK(pharos::base::IsUtf8(DecodeText(pdu.data_coding, payload, header)));
  const int total = 1 + pdu.esm_class % 9;
  const std::string whole = Assembled(pdu, payload, total, false, false);
  CHECK(whole == DecodeText(pdu.data_coding, payload));
  CHECK(whole == Assembled(pdu, payload, total, true, true));
  InboundSettings settings;
  settings.system_id = "account";
  settings.id_tlv = 0x1401;
  const KeyedMessage first = ToMessage(pdu, settings, 60'000'000);
  CHECK(first.key == ToMessage(pdu, settings, 600'000'000).key);
  CHECK(first.message.id() == ToMessage(pdu, settings, 60'000'001).message.id());
  for (const std::string& said :
       {first.message.text(), first.message.from(), first.message.to(), first.message.id()})
    CHECK(pharos::base::IsUtf8(said));
}
