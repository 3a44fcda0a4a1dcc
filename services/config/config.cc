#include "services/config/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::config {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLeastCacheMib = 8, kMostCacheMib = 1 << 20;
constexpr int64_t kMostPriority = 1000;
constexpr double kMostPerSecond = 100'000;
constexpr double kMostPencePerPart = 10'000;  // £100: more is a slip of the decimal point
constexpr int64_t kMostFailoverSeconds = 86'400;
constexpr int64_t kMostPerCap = 60;  // of the 64 hand-overs that are remembered of an endpoint or person
constexpr int64_t kMostCapDays = 90;
constexpr int64_t kMostMessageDays = 90;  // as GOV.UK Notify's longest
constexpr size_t kMostSigningKeys = 2;    // the new and the old one while they change

const std::vector<std::string>& TopKeys() {
  static const auto* keys = new std::vector<std::string>{"data",     "listen", "metrics",    "service_token",
                                                         "services", "access", "connectors", "store",
                                                         "routes",   "caps",   "edge",       "messages"};
  return *keys;
}
const std::vector<std::string>& ServiceNames() {
  static const auto* names = new std::vector<std::string>(std::begin(kServices), std::end(kServices));
  return *names;
}

absl::Status Wrong(const std::string& file, int64_t line, const std::string& what) {
  return base::MakeError(
      absl::StatusCode::kInvalidArgument, "CONFIG_WRONG",
      line > 0 ? fmt::format("{}:{}: {}.", file, line, what) : fmt::format("{}: {}.", file, what),
      {{"line", fmt::format("{}", line)}});
}

// Reads one file; remembers the first thing that is wrong with it.
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)), folder_(fs::path(file_).parent_path()) {}

  absl::StatusOr<Config> Read(const toml::table& root) {
    Config config;
    config.file = file_;
    Known(root, "", TopKeys());
    Path(root, "data", config.data);
    config.data = Here(config.data);
    Address(root, "listen", config.listen);
    Address(root, "metrics", config.metrics);
    Path(root, "service_token", config.service_token);
    if (const toml::table* table = Table(root, "access")) {
      Known(*table, "access", {"tokens"});
      Path(*table, "tokens", config.tokens);
    }
    if (const toml::table* table = Table(root, "services")) Services(*table, config);
    if (const toml::table* table = Table(root, "store")) Store(*table, config);
    if (const toml::table* table = Table(root, "connectors")) Connectors(*table, config);
    if (const toml::table* table = Table(root, "routes")) Routes(*table, config);
    if (const toml::table* table = Table(root, "caps")) ReadCaps(*table, config.caps);
    if (const toml::table* table = Table(root, "edge")) ReadEdge(*table, config.edge);
    if (const toml::table* table = Table(root, "messages")) {
      Known(*table, "messages", {"keep_days", "keep_replies_days"});
      Whole(*table, "messages", "keep_days", 1, kMostMessageDays, config.message_days);
      Whole(*table, "messages", "keep_replies_days", 1, kMostMessageDays, config.reply_days);
    }
    if (!problem_.ok()) return problem_;
    return config;
  }

 private:
  static int64_t LineOf(const toml::node& node) { return static_cast<int64_t>(node.source().begin.line); }
  void Fail(int64_t line, const std::string& what) {
    if (problem_.ok()) problem_ = Wrong(file_, line, what);
  }
  std::string Here(const std::string& path) const {
    return path.empty() || fs::path(path).is_absolute() ? path : (folder_ / path).lexically_normal().string();
  }

  void Known(const toml::table& table, std::string_view where, const std::vector<std::string>& keys) {
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      if (std::find(keys.begin(), keys.end(), name) != keys.end()) continue;
      const std::string nearest = base::Nearest(name, keys);
      Fail(LineOf(node),
           fmt::format("there is no setting \"{}{}{}\"; {}", where, where.empty() ? "" : ".", name,
                       nearest.empty() ? fmt::format("known are {}", fmt::join(keys, ", "))
                                       : fmt::format("did you mean \"{}\"?", nearest)));
    }
  }
  const toml::table* Table(const toml::table& from, std::string_view key, std::string_view where = "") {
    if (where.empty()) where = key;
    const toml::node* node = from.get(key);
    if (node != nullptr && !node->is_table())
      Fail(LineOf(*node), fmt::format("\"{}\" must be a table: [{}]", where, where));
    return node == nullptr ? nullptr : node->as_table();
  }
  bool Text(const toml::table& from, std::string_view key, std::string& into) {
    const toml::node* node = from.get(key);
    if (node == nullptr) return false;
    if (!node->is_string()) {
      Fail(LineOf(*node), fmt::format("\"{}\" must be a text in quotes", key));
      return false;
    }
    into = node->as_string()->get();
    return true;
  }
  void Path(const toml::table& from, std::string_view key, std::string& into) {
    if (Text(from, key, into)) into = Here(into);
  }
  void Address(const toml::table& from, std::string_view key, std::string& into) {
    if (!Text(from, key, into) || into.empty()) return;
    const size_t colon = into.rfind(':');
    const bool port = colon != std::string::npos && colon > 0 && colon + 1 < into.size() &&
                      std::all_of(into.begin() + static_cast<int64_t>(colon) + 1, into.end(),
                                  [](char c) { return c >= '0' && c <= '9'; });
    if (!port)
      Fail(LineOf(*from.get(key)), fmt::format("\"{}\" must be host:port, e.g. \"127.0.0.1:7400\"", key));
  }

  void Services(const toml::table& table, Config& config) {
    Known(table, "services", ServiceNames());
    for (const std::string& name : ServiceNames()) {
      std::string address;
      Address(table, name, address);
      if (!address.empty()) config.services[name] = address;
    }
  }

  void Store(const toml::table& table, Config& config) {
    Known(table, "store", {"engine", "postgres", "witness", "cache_mib", "seal"});
    Text(table, "engine", config.engine);
    Text(table, "postgres", config.postgres);
    Path(table, "witness", config.witness);
    if (config.engine != "rocksdb" && config.engine != "postgres")
      Fail(LineOf(*table.get("engine")), "store.engine must be \"rocksdb\" or \"postgres\"");
    if (config.engine == "postgres" && config.postgres.empty())
      Fail(LineOf(table),
           "store.postgres is missing: how to connect, e.g. \"host=127.0.0.1 dbname=pharos user=pharos\"");
    if (const toml::node* node = table.get("cache_mib")) {
      const int64_t mib = node->is_integer() ? node->as_integer()->get() : 0;
      if (mib < kLeastCacheMib || mib > kMostCacheMib)
        Fail(LineOf(*node), fmt::format("store.cache_mib must be a whole number from {} to {}",
                                        kLeastCacheMib, kMostCacheMib));
      config.cache_bytes = mib << 20;
    }
    if (const toml::node* node = table.get("seal")) {
      if (!node->is_boolean()) return Fail(LineOf(*node), "store.seal must be true or false");
      config.seal = node->as_boolean()->get();
    }
  }

  void Whole(const toml::table& from, std::string_view where, std::string_view key, int64_t least,
             int64_t most, int64_t& into) {
    const toml::node* node = from.get(key);
    if (node == nullptr) return;
    if (!node->is_integer() || node->as_integer()->get() < least || node->as_integer()->get() > most)
      return Fail(LineOf(*node),
                  fmt::format("{}.{} must be a whole number from {} to {}", where, key, least, most));
    into = node->as_integer()->get();
  }
  void Number(const toml::table& from, std::string_view where, std::string_view key, double most,
              double& into) {
    const toml::node* node = from.get(key);
    if (node == nullptr) return;
    const std::optional<double> value = node->value<double>();
    if (!node->is_number() || !value || !(*value >= 0 && *value <= most))
      return Fail(LineOf(*node), fmt::format("{}.{} must be a number from 0 to {}", where, key, most));
    into = *value;
  }

  void Routes(const toml::table& table, Config& config) {
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      const toml::table* settings = node.as_table();
      if (settings == nullptr) {
        Fail(LineOf(node), fmt::format("write [routes.{}] and its settings below", name));
        continue;
      }
      const std::string where = "routes." + name;
      Known(*settings, where,
            {"priority", "per_second", "per_sender_second", "per_domain_second", "price_pence",
             "failover_after_s"});
      Route& route = config.routes[name];
      Whole(*settings, where, "priority", 0, kMostPriority, route.priority);
      Number(*settings, where, "per_second", kMostPerSecond, route.per_second);
      Number(*settings, where, "per_sender_second", kMostPerSecond, route.per_sender_second);
      Number(*settings, where, "per_domain_second", kMostPerSecond, route.per_domain_second);
      Number(*settings, where, "price_pence", kMostPencePerPart, route.price_pence);
      Whole(*settings, where, "failover_after_s", 1, kMostFailoverSeconds, route.failover_after_s);
    }
  }

  void ReadCaps(const toml::table& table, Caps& caps) {
    Known(table, "caps", {"person_most", "person_days", "endpoint_most", "endpoint_days"});
    Whole(table, "caps", "person_most", 0, kMostPerCap, caps.person_most);
    Whole(table, "caps", "person_days", 1, kMostCapDays, caps.person_days);
    Whole(table, "caps", "endpoint_most", 0, kMostPerCap, caps.endpoint_most);
    Whole(table, "caps", "endpoint_days", 1, kMostCapDays, caps.endpoint_days);
  }

  void ReadEdge(const toml::table& table, Edge& edge) {
    Known(table, "edge",
          {"listen", "url", "certificate", "key", "trusted_proxies", "callbacks", "signed", "notify_keys",
           "webhooks", "console", "assets", "try_out"});
    Address(table, "listen", edge.listen);
    Url(table, edge.url);
    Path(table, "certificate", edge.certificate);
    Path(table, "key", edge.key);
    Path(table, "assets", edge.assets);
    if (const toml::node* node = table.get("console")) {
      if (!node->is_boolean()) return Fail(LineOf(*node), "edge.console must be true or false");
      edge.console = node->as_boolean()->get();
    }
    if (edge.certificate.empty() != edge.key.empty())
      Fail(LineOf(table), "edge.certificate and edge.key go together: name both PEM files, or neither");
    if (const toml::node* node = table.get("trusted_proxies"))
      edge.trusted_proxies = Texts("edge.trusted_proxies", *node);
    if (const toml::table* callbacks = Table(table, "callbacks", "edge.callbacks")) {
      for (const auto& [key, node] : *callbacks)
        Path(*callbacks, key.str(), edge.callback_tokens[std::string(key.str())]);
    }
    if (const toml::table* keys = Table(table, "signed", "edge.signed")) {
      for (const auto& [key, node] : *keys) SigningKeys(std::string(key.str()), node, edge);
    }
    if (const toml::table* keys = Table(table, "notify_keys", "edge.notify_keys")) {
      for (const auto& [key, node] : *keys) ReadNotifyKey(std::string(key.str()), node, edge);
    }
    if (const toml::table* try_out = Table(table, "try_out", "edge.try_out"))
      ReadTryOut(*try_out, edge.try_out);
    if (const toml::table* webhooks = Table(table, "webhooks", "edge.webhooks")) {
      for (const auto& [key, node] : *webhooks) ReadWebhook(std::string(key.str()), node, edge);
    }
  }
  // Ends up in emails for years: scheme and host only, and never in the clear except on this machine.
  void Url(const toml::table& from, std::string& into) {
    if (!Text(from, "url", into) || into.empty()) return;
    const bool secure = into.rfind("https://", 0) == 0;
    const bool near = into.rfind("http://127.0.0.1", 0) == 0 || into.rfind("http://localhost", 0) == 0;
    const size_t host = into.find("://") + 3;
    if ((!secure && !near) || host >= into.size() ||
        into.find_first_of("/?# \"<>", host) != std::string::npos)
      Fail(
          LineOf(*from.get("url")),
          "edge.url must be \"https://host\" or \"https://host:port\", without a path or a slash at the end");
  }
  std::vector<std::string> Texts(std::string_view where, const toml::node& node) {
    std::vector<std::string> texts;
    if (node.is_string()) return {node.as_string()->get()};
    if (const toml::array* array = node.as_array()) {
      for (const auto& one : *array) {
        if (one.is_string()) texts.push_back(one.as_string()->get());
      }
      if (texts.size() == array->size()) return texts;
    }
    Fail(LineOf(node), fmt::format("{} must be a text in quotes, or several in brackets", where));
    return {};
  }
  void SigningKeys(const std::string& connector, const toml::node& node, Edge& edge) {
    const std::string where = "edge.signed." + connector;
    std::vector<std::string>& files = edge.signing_keys[connector];
    for (const std::string& file : Texts(where, node)) files.push_back(Here(file));
    if (files.empty() || files.size() > kMostSigningKeys)
      Fail(LineOf(node), fmt::format("{} must name one key file, or two while the key changes", where));
  }

  void ReadNotifyKey(const std::string& service, const toml::node& node, Edge& edge) {
    const std::string where = fmt::format("edge.notify_keys.\"{}\"", service);
    const toml::table* settings = node.as_table();
    if (settings == nullptr)
      return Fail(LineOf(node), fmt::format("write [{}] and its settings below", where));
    Known(*settings, where, {"secret", "token", "campaign"});
    NotifyKey& key = edge.notify_keys[base::LowerAscii(service)];
    if (const toml::node* secrets = settings->get("secret")) {
      for (const std::string& file : Texts(where + ".secret", *secrets)) key.secrets.push_back(Here(file));
    }
    Path(*settings, "token", key.token);
    if (const toml::node* campaigns = settings->get("campaign"))
      key.campaigns = Texts(where + ".campaign", *campaigns);
    if (key.secrets.empty() || key.secrets.size() > kMostSigningKeys || key.token.empty() ||
        key.campaigns.empty())
      Fail(LineOf(node),
           fmt::format("{} needs secret (one file, or two while it changes), token (a file) and "
                       "campaign",
                       where));
  }

  void ReadTryOut(const toml::table& table, TryOut& try_out) {
    Known(table, "edge.try_out", {"token", "campaign", "sms", "email"});
    Path(table, "token", try_out.token);
    Text(table, "campaign", try_out.campaign);
    Text(table, "sms", try_out.sms);
    Text(table, "email", try_out.email);
    if (try_out.token.empty() || try_out.campaign.empty() || (try_out.sms.empty() && try_out.email.empty()))
      Fail(LineOf(table),
           "edge.try_out needs token (a file), campaign, and sms or email (templates of that campaign)");
  }

  void ReadWebhook(const std::string& name, const toml::node& node, Edge& edge) {
    const std::string where = "edge.webhooks." + name;
    const toml::table* settings = node.as_table();
    if (settings == nullptr)
      return Fail(LineOf(node), fmt::format("write [{}] and its settings below", where));
    Known(*settings, where,
          {"url", "feed", "agreement", "key_file", "secret_file", "payload", "ca_file", "allow_private"});
    Webhook& webhook = edge.webhooks[name];
    Text(*settings, "url", webhook.url);
    Text(*settings, "feed", webhook.feed);
    Text(*settings, "agreement", webhook.agreement);
    Text(*settings, "payload", webhook.payload);
    Path(*settings, "key_file", webhook.key_file);
    Path(*settings, "ca_file", webhook.ca_file);
    if (const toml::node* files = settings->get("secret_file")) {
      for (const std::string& file : Texts(where + ".secret_file", *files))
        webhook.secret_files.push_back(Here(file));
    }
    if (const toml::node* networks = settings->get("allow_private"))
      webhook.allow_private = Texts(where + ".allow_private", *networks);
    if (webhook.url.empty() || webhook.feed.empty() || webhook.agreement.empty() ||
        webhook.key_file.empty() || webhook.secret_files.empty() ||
        webhook.secret_files.size() > kMostSigningKeys)
      Fail(LineOf(node),
           fmt::format("{} needs url, feed, agreement, key_file and secret_file (one file, or two while it "
                       "changes)",
                       where));
  }

  void Connectors(const toml::table& table, Config& config) {
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      const toml::table* settings = node.as_table();
      if (settings == nullptr) {
        Fail(LineOf(node), fmt::format("write [connectors.{}] and its settings below", name));
        continue;
      }
      for (const auto& [setting, value] : *settings) {
        config.connectors[name][std::string(setting.str())] = Word(name, setting.str(), value);
      }
    }
  }
  std::string Word(const std::string& connector, std::string_view setting, const toml::node& value) {
    if (value.is_string()) return value.as_string()->get();
    if (value.is_integer()) return fmt::format("{}", value.as_integer()->get());
    if (value.is_boolean()) return value.as_boolean()->get() ? "true" : "false";
    Fail(LineOf(value),
         fmt::format("connectors.{}.{} must be a text, a whole number, true or false", connector, setting));
    return "";
  }

  const std::string file_;
  const fs::path folder_;
  absl::Status problem_;
};

}  // namespace

std::string Config::AddressOf(std::string_view service) const {
  const auto at = services.find(std::string(service));
  return at == services.end() ? listen : at->second;
}

absl::StatusOr<Config> Parse(std::string_view text, const std::string& file) {
  try {
    return Reader(file).Read(toml::parse(text, file));
  } catch (const toml::parse_error& error) {
    return Wrong(file, static_cast<int64_t>(error.source().begin.line), std::string(error.description()));
  }
}

absl::StatusOr<Config> Load(const std::string& file) {
  std::ifstream in(file);
  if (!in)
    return Wrong(file, 0, "the file cannot be read; check its path, or give another with --config=FILE");
  std::ostringstream text;
  text << in.rdbuf();
  return Parse(text.str(), file);
}

}  // namespace pharos::config
