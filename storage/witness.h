// The commit witness: a small file outside the store that says how far the store had come when it last
// acknowledged a commit. A store that is behind its witness has lost acknowledged writes (an old copy was put
// back, its log was cut) and refuses to open.
//   file := "PHWITNS1" incarnation(16) sequence(8, big endian) crc32c(4, of all before), written in place
//   with O_DSYNC
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pharos::storage {

// Belongs to one thread.
class Witness {
 public:
  // Opens `<folder>/<name>.witness`. `incarnation` is the store's random id (16 bytes), `sequence` how far it
  // has come. FAILED_PRECONDITION (STORE_ROLLED_BACK) if the witness has seen more, or another incarnation:
  // says what to do. A witness that is missing is written, and logged; one that is damaged refuses
  // (DATA_LOSS, WITNESS_DAMAGED).
  static absl::StatusOr<std::unique_ptr<Witness>> Open(const std::string& folder, std::string_view name,
                                                       std::string_view incarnation, uint64_t sequence);
  ~Witness();
  // How far the witness has seen the store come; nullopt if there is none that can be read. Opens nothing.
  static std::optional<uint64_t> Seen(const std::string& folder, std::string_view name);

  // Durable when it returns. Called after the store's sync and before anybody is told.
  absl::Status Advance(uint64_t sequence);

 private:
  Witness(int fd, std::string file, std::string incarnation)
      : fd_(fd), file_(std::move(file)), incarnation_(std::move(incarnation)) {}
  const int fd_;
  const std::string file_;
  const std::string incarnation_;
};

}  // namespace pharos::storage
