// pharos.toml: any octets are a configuration or an error that says what to change, and never stop the
// process.
#include "services/config/config.h"

#include "services/base/errors.h"
#include "services/base/text.h"
#include "tests/fuzz/fuzz.h"

FUZZ(data) {
  const auto config = pharos::config::Parse(data, "pharos.toml");
  if (config.ok()) {
    for (const char* service : {"customer", "dispatch", "campaign"}) (void)config->AddressOf(service);
    return;
  }
  CHECK(!pharos::base::ReasonOf(config.status()).empty());
  CHECK(!config.status().message().empty());
}
