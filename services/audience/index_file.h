// The index as one file. In clear: whoever keeps it seals it.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "services/audience/index_data.h"

namespace pharos::audience {

//   file   := magic(8) position(8) engagement position(8) reference(8) strings(8) string* people(8) person*
//   engagement digest(8) string := text shown        text := length(4) bytes person := id(text) the columns
//   of CompactPerson engagement := former(8) { number(4) id(text) }* folded(8) text* sets(8) { campaign(text)
//   event(1) day(4)
//                 people(text: a bitmap over the persons of this file by their order) }*
// Numbers little endian; the digest is FNV-1a over all before it.
// How far the feeds have been followed, and which reference data (Reference::generation) the places are by.
struct IndexPositions {
  uint64_t people = 0;
  uint64_t engagement = 0;
  uint64_t reference = 0;
};
absl::Status SaveIndex(const IndexData& data, const IndexPositions& positions, const std::string& path);
// `data` is new. DATA_LOSS: the file is cut, changed or of another format; `data` is then not to be used.
absl::Status LoadIndex(const std::string& path, IndexData& data, IndexPositions& positions);

}  // namespace pharos::audience
