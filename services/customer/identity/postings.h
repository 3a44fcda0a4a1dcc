// Blocking key → records. Most keys have one or two records, which are kept in place.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/customer/identity/link_index.h"

namespace pharos::customer::identity {

// Record numbers below 2^31 - 1.
class Postings {
 public:
  // The records of a key; points into the postings or into `here`.
  struct List {
    std::array<RecordNo, 2> here{};
    const RecordNo* more = nullptr;
    size_t size = 0;
    const RecordNo* begin() const { return more == nullptr ? here.data() : more; }
    const RecordNo* end() const { return begin() + size; }
  };

  Postings() = default;
  Postings(const Postings&) = delete;
  Postings& operator=(const Postings&) = delete;
  ~Postings() {
    for (auto& shard : shards_) {
      for (auto& [key, word] : shard) delete Pointer(word);
    }
  }

  List Of(uint64_t key) const {
    const auto& shard = ShardOf(key);
    const auto it = shard.find(key);
    return it == shard.end() ? List() : Show(it->second);
  }
  size_t CountOf(uint64_t key) const { return Of(key).size; }
  // How many there are now.
  size_t Add(uint64_t key, RecordNo record) {
    uint64_t& word = ShardOf(key)[key];
    const List list = Show(word);
    if (list.size == 0) {
      word = Pack(record);
    } else if (list.size == 1) {
      word |= Second(record);
    } else if (list.more == nullptr) {
      word = Address(new std::vector<RecordNo>{list.here[0], list.here[1], record});
    } else {
      Pointer(word)->push_back(record);
    }
    return list.size + 1;
  }
  size_t Remove(uint64_t key, RecordNo record) {
    auto& shard = ShardOf(key);
    const auto it = shard.find(key);
    if (it == shard.end()) return 0;
    if (auto* many = Pointer(it->second)) {
      const auto at = std::find(many->begin(), many->end(), record);
      if (at != many->end()) *at = many->back(), many->pop_back();
      if (many->size() > 2) return many->size();
      it->second = Pack((*many)[0]) | Second((*many)[1]);
      delete many;
      return 2;
    }
    const List list = Show(it->second);
    if (list.size == 2) {
      it->second = Pack(list.here[0] == record ? list.here[1] : list.here[0]);
      return 1;
    }
    shard.erase(it);
    return 0;
  }
  void Prefetch(uint64_t key) const { ShardOf(key).prefetch(key); }
  size_t keys() const {
    size_t sum = 0;
    for (const auto& shard : shards_) sum += shard.size();
    return sum;
  }
  // Keys with more than `most` records.
  size_t FullerThan(size_t most) const {
    size_t sum = 0;
    for (const auto& shard : shards_) {
      for (const auto& [key, word] : shard) sum += Show(word).size > most;
    }
    return sum;
  }
  size_t bytes() const {
    size_t sum = 0;
    for (const auto& shard : shards_) sum += shard.capacity() * (sizeof(std::pair<uint64_t, uint64_t>) + 1);
    return sum;
  }

 private:
  static constexpr size_t kShards = 64;  // a table grows by rehashing: in steps of a 64th
  using Shard = absl::flat_hash_map<uint64_t, uint64_t>;

  // Lowest bit 1: the record plus one above bit 33, a second one plus one above bit 1. Otherwise the address
  // of a list.
  static uint64_t Pack(RecordNo record) { return (uint64_t{record} + 1) << 33 | 1; }
  static uint64_t Second(RecordNo record) { return (uint64_t{record} + 1) << 1; }
  static uint64_t Address(std::vector<RecordNo>* list) { return reinterpret_cast<uint64_t>(list); }
  static std::vector<RecordNo>* Pointer(uint64_t word) {
    return (word & 1) != 0 ? nullptr : reinterpret_cast<std::vector<RecordNo>*>(word);
  }
  static List Show(uint64_t word) {
    List list;
    if (word == 0) return list;
    if (const auto* many = Pointer(word)) {
      list.more = many->data(), list.size = many->size();
      return list;
    }
    list.here[0] = static_cast<RecordNo>((word >> 33) - 1);
    const uint64_t second = word >> 1 & 0xFFFFFFFFu;
    list.size = second == 0 ? 1 : 2;
    if (second != 0) list.here[1] = static_cast<RecordNo>(second - 1);
    return list;
  }
  Shard& ShardOf(uint64_t key) { return shards_[key >> 58]; }
  const Shard& ShardOf(uint64_t key) const { return shards_[key >> 58]; }

  std::array<Shard, kShards> shards_;
};

}  // namespace pharos::customer::identity
