// Finding the person whom a command line means.
#pragma once

#include "absl/status/statusor.h"
#include "ops/cli/command.h"
#include "pharos/customer/v1/person_service.pb.h"

namespace pharos::cli {

// Options --person, --phone, --email, --nhs-number, --record.
const std::vector<Option>& WhoOptions();
// People meant by them, or by the operand "people/…". NOT_FOUND (PERSON_NOT_FOUND) if nobody is; USAGE if
// nothing was given.
absl::StatusOr<std::vector<customer::v1::Person>> FindPeople(Context& c, customer::v1::PersonView view,
                                                             const std::string& operand = "");

// The one person that is meant. USAGE if there are several.
absl::StatusOr<std::string> FindOnePerson(Context& c, const std::string& operand = "");

// The commands of `pharos person` that tell a person's history or change something: person_change.cc.
std::vector<Command> PersonChangeCommands();

}  // namespace pharos::cli
