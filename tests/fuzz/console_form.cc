// What browsers send: any octets are a form or FORM_WRONG, whatever the content type says.
#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/edge/console/form.h"
#include "tests/fuzz/fuzz.h"

FUZZ(data) {
  pharos::fuzz::Input input(data);
  const std::string_view type = input.Line();
  const auto form = pharos::edge::console::ReadForm(type, input.Rest());
  if (!form.ok()) {
    CHECK(pharos::base::ReasonOf(form.status()) == "FORM_WRONG");
    return;
  }
  CHECK(form->size() <= pharos::edge::console::FormValues::kMostValues + 1);
  for (const auto& [name, values] : form->values()) {
    CHECK(pharos::base::IsUtf8(name));
    for (const std::string& value : values) CHECK(pharos::base::IsUtf8(value));
    const auto again = pharos::edge::console::ReadPairs(pharos::edge::console::EscapeForUrl(name) + "=x");
    CHECK(again.ok());
    CHECK(again->Has(name));
  }
}
