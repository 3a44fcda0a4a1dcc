// How often an address may ask: a bucket each, of a bounded number of addresses. Used by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace pharos::edge {

class RequestRate {
 public:
  static constexpr double kPerSecond = 20;  // a mail provider unsubscribes many people from few addresses
  static constexpr double kBurst = 200;     // a provider's receipts come in bursts
  // Systems with credentials, and a whole office behind one address: what floods is held by the lanes'
  // bounds.
  static constexpr double kApiPerSecond = 5'000, kApiBurst = 10'000;
  explicit RequestRate(double per_second = kPerSecond, double burst = kBurst)
      : per_second_(per_second), burst_(burst) {}
  static constexpr size_t kMostAddresses =
      65'536;  // past it the full buckets are forgotten, then everybody's

  // One request of `address` now (boot time, microseconds). False: too many.
  bool Admit(const std::string& address, int64_t now_us);
  size_t size() const { return buckets_.size(); }

 private:
  struct Bucket {
    double left = 0;
    int64_t at_us = 0;
  };
  void Forget(int64_t now_us);

  const double per_second_, burst_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace pharos::edge
