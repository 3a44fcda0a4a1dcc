#include "storage/sql/survey.h"

#include <chrono>
#include <string>

#include "services/base/errors.h"

namespace pharos::storage::sql {
namespace {

constexpr size_t kPage = 4096;  // keys a round trip: a few milliseconds, then closing is noticed
constexpr auto kPause = std::chrono::milliseconds(100);  // while the database is away

}  // namespace

void Survey::Run() {
  for (std::string from; !closing_;) {
    const absl::StatusOr<bool> done = ReadPage(from);
    if (done.ok() && *done) return;
    if (!done.ok()) std::this_thread::sleep_for(kPause);
  }
}

absl::StatusOr<bool> Survey::ReadPage(std::string& from) {
  PHAROS_ASSIGN_OR_RETURN(const Answer answer,
                          source_.pool.Read(source_.tables.keys, Params().Bytes(from).Int(kPage)));
  std::vector<std::string_view> keys;
  for (size_t i = 0; i < answer.rows(); ++i) keys.push_back(answer.Bytes(i, 0));
  // Keys that are written from now on, or behind the place that this has reached, are noted when they are
  // committed.
  source_.versions.Present(keys, /*all=*/keys.size() < kPage);
  if (keys.size() < kPage) return true;
  from = std::string(keys.back()) + '\0';
  return false;
}

}  // namespace pharos::storage::sql
