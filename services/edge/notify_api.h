// The API of GOV.UK Notify, version 2, in front of single messages: a service that uses Notify moves by
// changing its base URL and its key. Letters, files and schedules are not available and say so in Notify's
// words. Thread-safe; Handle blocks on calls to services.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/edge/backend_client.h"
#include "services/edge/notify_api_form.h"
#include "services/edge/notify_api_limit.h"
#include "services/edge/request.h"

namespace pharos::edge {

// One service that calls: what [edge.notify_keys."{service id}"] says, read.
struct NotifyKey {
  std::vector<std::string> secrets;  // the one in use, and the old one
  std::string token;                 // of the principal that it acts as
  // "campaigns/{campaign}", STANDING: the one that it sends through; then older ones, whose messages it may
  // still ask for. At least one.
  std::vector<std::string> campaigns;
};

class NotifyApi : public Site {
 public:
  // Keys by service id, in lower case.
  NotifyApi(const Backend& backend, std::map<std::string, NotifyKey> keys, base::Clock& clock)
      : backend_(backend), keys_(std::move(keys)), clock_(clock) {}

  Response Handle(const Request& request) override;

  static constexpr int kPage = 250;                       // notifications and texts on a page, as Notify's
  static constexpr int64_t kTemplatesMicros = 5'000'000;  // how long a campaign's templates are believed

 private:
  using Parts = std::vector<std::string>;
  // One request whose sender is known.
  struct Visit {
    const Request& request;
    const NotifyKey& key;
    std::string service_id;
    Parts parts;  // of the path, without "v2"
    std::map<std::string, std::string> query;
    std::string base;  // "https://host"
  };
  Response Route(const Visit& visit);
  Response Send(const Visit& visit);
  Response OneNotification(const Visit& visit);
  Response Notifications(const Visit& visit);
  // Up to a page of one campaign's messages that `request` and `status` ask for, newest first.
  absl::Status Gather(const NotifyKey& key, dispatch::v1::ListMessagesRequest request,
                      const std::string& status, std::vector<dispatch::v1::Message>& found) const;
  Response Templates(const Visit& visit);
  Response OneTemplate(const Visit& visit);
  Response ReceivedTexts(const Visit& visit);

  using TemplatesPtr = std::shared_ptr<const std::vector<NotifyTemplate>>;
  // Of the key's campaign, at their approved versions.
  absl::StatusOr<TemplatesPtr> TemplatesOf(const NotifyKey& key);
  absl::StatusOr<TemplatesPtr> AskTemplates(const NotifyKey& key) const;
  // nullopt: there is none of this id.
  absl::StatusOr<std::optional<NotifyTemplate>> FindTemplate(const NotifyKey& key, const std::string& id);
  static Credential CredentialOf(const NotifyKey& key) { return {key.token, ""}; }

  const Backend& backend_;
  const std::map<std::string, NotifyKey> keys_;
  base::Clock& clock_;
  MinuteLimit limit_;

  struct Kept {
    int64_t at_us = 0;
    TemplatesPtr templates;
  };
  base::Mutex mutex_;
  std::map<std::string, Kept> kept_ ABSL_GUARDED_BY(mutex_);  // by campaign; as many as there are keys
};

}  // namespace pharos::edge
