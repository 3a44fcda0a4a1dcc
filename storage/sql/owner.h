// Who owns a store, as it stands in the store: enough for another process to tell whether that process still
// lives.
//   owner := host " " boot id " " pid namespace " " pid " " start time of the process " " random
#pragma once

#include <string>
#include <string_view>

namespace pharos::storage::sql {

// This process. A new one with every call, so that a process does not take itself for its own earlier
// opening.
std::string ThisOwner();

enum class Alive { kYes, kNo, kCannotTell };  // kCannotTell: another machine or container
Alive IsAlive(std::string_view owner);

// "process 7 on host a", for messages.
std::string InWords(std::string_view owner);

}  // namespace pharos::storage::sql
