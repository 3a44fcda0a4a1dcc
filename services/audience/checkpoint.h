// The index on disk, so that a start need not read everybody from the customer service. Everything in it is
// personal: it lies sealed under a key that access keeps, and is written and read through memory only.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "services/audience/people_index.h"
#include "storage/seal.h"

namespace pharos::audience {

//   file  := magic(8) piece*            each piece: length(4, little endian) envelope (storage/seal.h)
//   piece := up to 4 MiB of the index's own file; its number and whether it is the last are sealed with it
class Checkpoint {
 public:
  // `folder` is there. The keys are used from several threads.
  Checkpoint(std::string folder, storage::KeyRing& keys);

  // Gets the key of the next Save, so that the last one, while everything stops, needs nobody else. Save does
  // it by itself where this failed.
  void Prepare() const;
  // Whole or not at all; the one before stays until then. From one thread.
  absl::Status Save(const PeopleIndex& index) const;
  // NOT_FOUND: there is none. DATA_LOSS: it is damaged, or of another format; the index is empty then and the
  // file is gone. Another status: the keys are away.
  absl::Status Load(PeopleIndex& index) const { return LoadFile(file_, keys_, index); }
  // The same of another file, e.g. a name that is kept of an earlier one.
  static absl::Status LoadFile(const std::string& file, storage::KeyRing& keys, PeopleIndex& index);
  // Never written again: the next Save puts another file in its place.
  const std::string& file() const { return file_; }

 private:
  const std::string file_;
  storage::KeyRing& keys_;
  mutable storage::DataKey next_;  // id 0: none
};

}  // namespace pharos::audience
