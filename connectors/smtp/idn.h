// Domains of addresses as SMTP carries them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pharos::smtp {

// The address with its domain in A-labels (IDNA 2008), lower case; the local part is left alone. nullopt: the
// domain can be no host's name.
std::optional<std::string> WithAsciiDomain(std::string_view address);
// Domain part, lower case; "" if there is none.
std::string DomainOf(std::string_view address);

}  // namespace pharos::smtp
