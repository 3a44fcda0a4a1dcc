// What can be wrong with an installation: each check gives one line, and for a problem one cause and one
// command.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/config/config.h"

namespace pharos::cli {

struct Finding {
  std::string check;  // what was looked at: "keys", "customer"
  bool ok = true;
  std::string words;    // what was found; for a problem: its cause
  std::string command;  // what to do about a problem
};
Finding Fine(std::string check, std::string words);
Finding Problem(std::string check, std::string words, std::string command);

// ---- what can be seen without a server

// The file, if it can be read; `into` gets it.
Finding CheckConfig(const std::string& file, std::optional<config::Config>& into);
// Missing, or open to others.
Finding CheckDataFolder(const std::string& folder, const std::string& config_file);
// keys/blind.key and keys/access.kek: needed once there is a store of customer or access.
std::vector<Finding> CheckKeys(const std::string& folder);
// A file with tokens: there, and readable by its owner only. `check` names it.
Finding CheckPrivateFile(const std::string& check, const std::string& file);
// `free_bytes` of `total_bytes` where the data is.
Finding CheckDisk(const std::string& folder, int64_t free_bytes, int64_t total_bytes);
Finding CheckDiskOf(const std::string& folder);
// Files written in the future: the clock was set back, and with it every time that decides.
Finding CheckClock(const std::string& folder, int64_t now_us);
// Server's clock against ours.
Finding CheckSkew(int64_t server_us, int64_t now_us);

// ---- processes

// The process that holds the store's lock; 0 = nobody.
int64_t StoreHolder(const std::string& store_folder);
// True if a TCP connection to "host:port" is accepted.
bool SomebodyAccepts(const std::string& address);
// The process that listens on a TCP port of this machine; 0 = nobody, or somebody else's process.
int64_t ListenerOf(int port);
// The same from the text of /proc/net/tcp: the socket's inode, 0 if nobody listens there.
uint64_t ListeningInode(std::string_view proc_net_tcp, int port);
// The holder's pid in /proc/locks of the file with this inode; 0 if none.
int64_t LockHolder(std::string_view proc_locks, uint64_t inode);

enum class Answer { kServing, kNotServing, kNobody, kSomethingElse };
// What stands at an address. `services` are those that should be there, e.g. "customer, audience".
Finding CheckAddress(const std::string& services, const std::string& address, Answer answer, int64_t listener,
                     const std::string& config_file);
// A store that is held while nobody answers for it.
std::vector<Finding> CheckStores(const std::string& folder, const std::vector<std::string>& silent_services);

}  // namespace pharos::cli
