// pharos.toml: the one file that says where everything is. Relative paths are relative to the file's folder.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::config {

// The services, in the order in which they are opened.
inline constexpr std::string_view kServices[] = {"access",   "customer", "audience",
                                                 "campaign", "dispatch", "engagement"};

// [routes.<connector>]: how dispatch uses a connector.
struct Route {
  int64_t priority = 0;           // lower is used first; equal ones share the work
  double per_second = 0;          // parts or messages a second; 0 = no limit
  double per_sender_second = 0;   // likewise for each sender
  double per_domain_second = 0;   // email: for each mail site
  double price_pence = 0;         // of one part or message
  int64_t failover_after_s = 30;  // a route that does not work is passed over after this
};

// [caps]: most messages in so many days, over all campaigns; 0 = no cap.
struct Caps {
  int64_t person_most = 8, person_days = 7;
  int64_t endpoint_most = 12, endpoint_days = 7;
};

// [edge.notify_keys."{service id}"]: a service that sends by the API of GOV.UK Notify.
struct NotifyKey {
  std::vector<std::string> secrets;    // files: the secret in use, and the old one while it changes
  std::string token;                   // file with the token of the principal that it acts as
  std::vector<std::string> campaigns;  // STANDING: the one that it sends through, then older ones, to read
};

// [edge.try_out]: "send it to yourself" in the console, as single messages.
struct TryOut {
  std::string token;     // file with the token of the principal that sends, of role "sender"
  std::string campaign;  // STANDING; empty = the console offers previews only
  std::string sms,
      email;  // its templates, of ((message)); of ((subject)) and ((message)). Empty = not this way
};

// [edge.webhooks.<name>]: a feed of a partner's, posted to it as Standard Webhooks.
struct Webhook {
  std::string url;                         // https://…
  std::string feed;                        // "consent" or "changes"
  std::string agreement;                   // whose feed: "agreements/…" or its id
  std::string key_file;                    // the partner's own access key: the feed is read as the partner
  std::vector<std::string> secret_files;   // signing key in use, and the old one while it changes
  std::string payload = "thin";            // or "full": with the fields that the agreement shows
  std::string ca_file;                     // PEM: who may vouch for the receiver; empty = the system's
  std::vector<std::string> allow_private;  // networks inside that it may be in; empty = the public internet
};

// [edge]: the HTTP that faces the outside.
struct Edge {
  std::string listen;  // host:port; empty = pharos-edge must be told
  std::string url;  // as people reach it, "https://host[:port]", goes into emails; empty = no one-click links
  std::string certificate, key;  // PEM files of TLS; empty = plaintext, which is for loopback only
  bool console = true;           // pages for people who work with Pharos
  std::string assets;            // folder of govuk-frontend's styles and scripts; empty = beside the build
  std::vector<std::string> trusted_proxies;  // addresses whose X-Forwarded-For is believed
  // [edge.callbacks] <connector> = "file": the token that this provider sends (GOV.UK Notify).
  std::map<std::string, std::string> callback_tokens;
  // [edge.signed] <connector> = "file" or ["new", "old"]: keys of signed callbacks (Standard Webhooks).
  std::map<std::string, std::vector<std::string>> signing_keys;
  std::map<std::string, NotifyKey> notify_keys;  // by service id
  std::map<std::string, Webhook> webhooks;       // by name
  TryOut try_out;
};

struct Config {
  std::string file;                             // where it was read from; empty = none
  std::string data = "data";                    // folder of stores and keys
  std::string listen = "127.0.0.1:7400";        // one process for everything
  std::map<std::string, std::string> services;  // [services] name → host:port of a process of its own
  std::string metrics;                          // host:port for Prometheus; empty = off
  std::string service_token;          // file with the token between our own processes; empty = one process
  std::string tokens;                 // [access] bootstrap file of callers
  std::string engine = "rocksdb";     // [store] or "postgres"
  std::string postgres;               // [store] libpq connection string
  std::string witness;                // [store] folder of commit witnesses; empty = <data>/witness
  int64_t cache_bytes = 512ll << 20;  // [store] cache_mib
  bool seal = true;                   // [store] personal values are sealed
  // [connectors.<name>]: flags of that connector, "protocol" among them.
  std::map<std::string, std::map<std::string, std::string>> connectors;

  std::map<std::string, Route> routes;  // [routes.<connector>]
  Caps caps;                            // [caps]
  int64_t message_days = 7;             // [messages] keep_days: single messages, after their end
  int64_t reply_days = 30;              // [messages] keep_replies_days: what people wrote, after it came
  Edge edge;                            // [edge]

  // host:port of a service: its own process, or the one process.
  std::string AddressOf(std::string_view service) const;
};

// INVALID_ARGUMENT (CONFIG_WRONG) with line and cause; an unknown key names the nearest.
absl::StatusOr<Config> Load(const std::string& file);
absl::StatusOr<Config> Parse(std::string_view text, const std::string& file);

}  // namespace pharos::config
