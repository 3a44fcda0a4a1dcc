// Contact files as ops/generate writes them, as items of a partner's feed.
#pragma once

#include <string>
#include <vector>

namespace pharos::bench {

// Serialised pharos.customer.v1.SyncItem; consent is for `purpose`.
std::vector<std::string> ItemsOf(const std::string& file, const std::string& purpose);

}  // namespace pharos::bench
