// What the gate says of everybody, worked out when first asked for and kept: who consents, and the verdict on
// each. The gate itself decides. Asking is safe from several threads while nothing changes; Changed and Clear
// need everybody else to stay out.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <roaring/roaring.hh>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "services/audience/index_data.h"
#include "services/audience/people_index.h"
#include "services/base/mutex.h"

namespace pharos::audience {

class GateViews {
 public:
  static constexpr size_t kMostVerdicts = 8;   // combinations; a byte a person each
  static constexpr size_t kMostConsents = 64;  // combinations; at most an eighth of a byte a person each

  using Column = std::vector<uint8_t>;  // type::v1::GateReason by number

  std::shared_ptr<const Roaring> Consents(const IndexData& data, type::v1::Channel channel,
                                          const std::string& purpose) const;
  std::shared_ptr<const Column> Verdicts(const IndexData& data, const JudgeQuestion& question) const;

  // The facts of this person have changed, or they are gone.
  void Changed(const IndexData& data, PersonNo person);
  void Clear();
  size_t Bytes() const;

 private:
  using ConsentKey = std::pair<type::v1::Channel, std::string>;
  using VerdictKey = std::tuple<std::string, int, int, std::vector<type::v1::Channel>>;
  template <typename View>
  struct Kept {
    std::shared_ptr<View> view;
    uint64_t used = 0;
  };
  struct KeptVerdicts : Kept<Column> {
    JudgeQuestion question;
  };

  mutable base::Mutex mutex_;
  mutable uint64_t clock_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable std::map<ConsentKey, Kept<Roaring>> consents_ ABSL_GUARDED_BY(mutex_);
  mutable std::map<VerdictKey, KeptVerdicts> verdicts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::audience
