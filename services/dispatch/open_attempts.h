// Attempts whose outcome is not known: in memory for the loop, on disk by batch for the next life. Used by
// the loop's thread only.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "pharos/record/v1/dispatch.pb.h"
#include "services/dispatch/intent_store.h"
#include "services/dispatch/turn_loop.h"

namespace pharos::dispatch {

struct OpenAttempt {
  record::v1::OpenAttemptRow row;
  bool in_doubt = false;
  int64_t lease_us = 0;  // as given to the connector by this life; 0 = by an earlier one
  int64_t doubt_us = 0;  // boot time since which this life has it in doubt
  int64_t asked_us = 0;  // boot time at which the provider was last asked about it
  std::string batch;     // its row on disk; empty: a row of its own (format 2)
};

class OpenAttempts {
 public:
  using Table = std::unordered_map<std::string, OpenAttempt>;  // by attempt id

  // A batch that is handed out together: on disk with the commit of this turn.
  void Add(Turn& turn, const std::string& connector, const std::string& life,
           std::vector<record::v1::OpenAttemptRow> attempts);
  // What an earlier life left: one row of format 2, or a batch of which those in `open` are still open.
  void Recall(record::v1::OpenAttemptRow row);
  void Recall(Turn& turn, const record::v1::OpenBatchRow& batch, const std::vector<bool>& open);

  // nullptr: not open.
  OpenAttempt* Find(const std::string& id);
  // The connector has said that its answer is lost.
  void MarkUnanswered(Turn& turn, OpenAttempt& open);
  // Its outcome is durable with this turn. Unknown ids are ignored.
  void Close(Turn& turn, const std::string& id);

  // Writes the batches that changed; among the last acts of a turn.
  void Flush(Turn& turn);

  // The one open attempt with this reference and address hash; nullptr if there is none, or more than one.
  OpenAttempt* ByReference(const std::string& reference_key);
  static std::string ReferenceKey(int32_t reference, const std::string& address_hash);

  Table& table() { return open_; }
  size_t OfConnector(const std::string& connector) const;

 private:
  struct Batch {
    record::v1::OpenBatchRow row;
    int left = 0;
  };
  void Remember(record::v1::OpenAttemptRow row, std::string batch);

  Table open_;
  std::unordered_multimap<std::string, std::string> by_reference_;  // → attempt id
  std::unordered_map<std::string, Batch> batches_;                  // by id of the first attempt
  std::unordered_set<std::string> dirty_;                           // batches
  std::unordered_map<std::string, size_t> of_connector_;
};

}  // namespace pharos::dispatch
