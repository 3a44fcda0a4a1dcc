// Addresses with a token: what we made is read in any case, one changed octet makes it nobody's, and base 32
// has one reading.
#include "connectors/smtp/address_token.h"
#include "services/base/text.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos::smtp;  // NOLINT

FUZZ(data) {
  static const std::string key(kTokenKeyBytes, 'k');
  if (const auto bytes = FromBase32(data)) CHECK(Base32(*bytes) == pharos::base::LowerAscii(data));
  CHECK(FromBase32(Base32(data)) == data);
  if (const auto read = ReadLocalPart(data, key))
    CHECK(LocalPartFor(*read, key) == pharos::base::LowerAscii(data));
  pharos::fuzz::Input in(data);
  const AddressKind kind = in.Octet() & 1 ? AddressKind::kUnsubscribe : AddressKind::kBounce;
  const size_t place = in.Octet();
  const char change = static_cast<char>(in.Octet());
  std::string attempt(in.Octets(kAttemptBytes));
  attempt.resize(kAttemptBytes);
  std::string local = LocalPartFor({kind, attempt}, key);
  CHECK(local.size() <= 64);
  const auto read = ReadLocalPart(local, key);
  CHECK(read && read->kind == kind && read->attempt == attempt);
  CHECK(!ReadLocalPart(local, std::string(kTokenKeyBytes, 'x')));
  const std::string before = local;
  local[place % local.size()] = change;
  if (pharos::base::LowerAscii(local) != before) CHECK(!ReadLocalPart(local, key));
}
