// The index as one file. In clear: whoever keeps it seals it.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "services/audience/index_data.h"

namespace pharos::audience {

//   file   := magic(8) position(8) strings(8) string* people(8) person* digest(8)
//   string := text shown        text := length(4) bytes
//   person := id(text) the columns of CompactPerson
// Numbers little endian; the digest is FNV-1a over all before it.
absl::Status SaveIndex(const IndexData& data, uint64_t position, const std::string& path);
// `data` is new. DATA_LOSS: the file is cut, changed or of another format; `data` is then not to be used.
absl::Status LoadIndex(const std::string& path, IndexData& data, uint64_t& position);

}  // namespace pharos::audience
