// DKIM signatures (RFC 6376; Ed25519: RFC 8463): relaxed/relaxed, no l=, t= but no x=. Fields that a reader
// shows or a program acts on are signed once more than they occur, so that nobody adds another one;
// List-Unsubscribe and List-Unsubscribe-Post always (RFC 8058, 4). Rotation: publish the new selector, change
// selector and key file together, take the old record away a week later.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::smtp {

enum class DkimAlgorithm { kRsa, kEd25519 };

struct DkimKeyFile {
  DkimAlgorithm algorithm = DkimAlgorithm::kRsa;
  std::string domain, selector;  // d= and s=; A-labels
  std::string file;              // PEM; for Ed25519 also the 32 bytes in base 64
};

inline constexpr int kLeastRsaBits = 2048;  // RFC 8301: 1024 at least, 2048 recommended

// Thread-safe; never changes.
class DkimSigner {
 public:
  // One signature a key, in this order. INVALID_ARGUMENT (DKIM_KEY_WRONG) says what is wrong with which.
  static absl::StatusOr<std::shared_ptr<const DkimSigner>> Make(const std::vector<DkimKeyFile>& files);
  ~DkimSigner();
  DkimSigner(const DkimSigner&) = delete;
  DkimSigner& operator=(const DkimSigner&) = delete;

  // The header fields to put before `message` (CRLF line ends, header and body). INTERNAL (DKIM_FAILED): the
  // library would not sign.
  absl::StatusOr<std::string> Sign(std::string_view message, int64_t wall_us) const;

 private:
  struct Key;
  DkimSigner();
  std::vector<std::unique_ptr<Key>> keys_;
};

// Canonical forms, RFC 6376, 3.4.2 and 3.4.4. A header field without its last CRLF.
std::string RelaxedField(std::string_view field);
std::string RelaxedBody(std::string_view body);

}  // namespace pharos::smtp
