// A few people of an audience, masked. Pure but for the reader.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "services/audience/people_index.h"

namespace pharos::audience {

// Which few: the same for the same filter and day, whatever is asked for beside them.
std::vector<PersonNo> ChooseFew(const PeopleIndex::Reader& reader, const PeopleSet& people,
                                const std::string& filter, int64_t now_us, size_t most);

// What is shown of somebody: no name, no address, no date; the age as a band of ten years.
std::map<std::string, std::string> MaskedFields(const PeopleIndex::Reader& reader, PersonNo person);

}  // namespace pharos::audience
