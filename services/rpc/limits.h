// The limits of every connection and call.
#pragma once

#include <cstdint>

namespace pharos::rpc {

inline constexpr int kMaxMessageBytes = 4 << 20;            // larger things are streamed or paged
inline constexpr int kMaxMetadataBytes = 16 << 10;          // our errors stay under half of it
inline constexpr int64_t kMaxUnaryMicros = 30'000'000;      // a unary call that needs longer is an operation
inline constexpr int64_t kMaxStreamMicros = 3'600'000'000;  // then the client resumes
inline constexpr int kMaxConnectionAgeMs = 3'600'000;       // so that clients spread over servers again
inline constexpr int kConnectionAgeGraceMs = 60'000;        // for calls that run at that moment
inline constexpr int kKeepaliveMs = 30'000;                 // finds dead peers behind a silent network
inline constexpr int kKeepaliveTimeoutMs = 10'000;
inline constexpr int kMinPingIntervalMs = 10'000;  // pings closer than this are abuse
inline constexpr int kFirstReconnectMs = 100;      // a peer that restarts is found again at once;
inline constexpr int kSlowestReconnectMs = 1'000;  // gRPC's own two minutes would leave messages lying
inline constexpr int kMaxStreamsPerConnection = 128;

}  // namespace pharos::rpc
