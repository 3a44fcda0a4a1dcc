// How a person is shown: golden values with where they come from and what else is known, endpoints, facts;
// and what is not shown.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "pharos/customer/v1/person_service.pb.h"
#include "services/customer/person_history.h"
#include "services/customer/person_store.h"

namespace pharos::customer {

struct PersonShown {
  bool values = false;        // PERSON_VIEW_FULL
  bool alternatives = false;  // with them every value that did not win
  bool contacts = false;      // addresses of a sensitive person, too
  bool restricted = false;    // treat as sensitive, whatever was so at an earlier time
};

// A person as it is now. `row` as loaded; it is opened here if values are to be shown. UNAVAILABLE while
// access, which keeps the keys, is away.
absl::Status ShowPerson(const storage::View& view, const PersonStore& people, record::v1::PersonRow row,
                        const PersonShown& shown, v1::Person& person);
// As it was: nothing is said of what endpoints are like, which has no history, nor of former names.
absl::Status ShowPersonThen(const storage::View& view, const PersonStore& people, const PersonThen& then,
                            int64_t time, const PersonShown& shown, v1::Person& person);

// "endpoints/{hex}"; "" for none.
std::string ShowEndpointName(std::string_view endpoint);

}  // namespace pharos::customer
