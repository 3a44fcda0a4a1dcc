// What a mail that came back means for dispatch. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "connectors/smtp/address_token.h"
#include "connectors/smtp/reply.h"

namespace pharos::smtp {

// One of the two, and the key under which repeats of it are the same.
struct Inbound {
  std::string key;
  std::optional<work::Receipt> receipt;
  std::optional<work::InboundMessage> message;
  bool low_trust = false;  // a bounce in free words
};

// `address` is the one it was sent to, its code checked; `recipient` that address as text; `token_key` finds
// our tokens in complaints. nullopt: it says nothing to us and is taken and forgotten:
//   to b+…: automatic answers and ordinary mail. A notification counts as it says; a bounce in free words as
//   undeliverable, and as a missing mailbox only if it names such a code: who sent it has seen the code of
//   the return path. to u+…: automatic answers and notifications. An unsubscribe mail is one that a person's
//   program sends because the person asked for it; a "gone fishing" answer to the same address is not. to b+…
//   or to the complaint address: a report (RFC 5965) of an unwanted message that holds one of our tokens.
std::optional<Inbound> ReadInbound(const TokenAddress& address, const std::string& recipient,
                                   const std::string& reverse_path, std::string_view message, int64_t wall_us,
                                   std::string_view token_key = {});

// As at RCPT (see SaysNoSuchMailbox): a notification marks no address that an answer would not mark.
bool DsnSaysHardBounce(const Enhanced& status);

}  // namespace pharos::smtp
