// What pages need besides themselves: styles and scripts, ours (built in) and those of govuk-frontend, if
// they are installed. Held in memory, compressed once.
#pragma once

#include <map>
#include <string>

#include "services/edge/request.h"

namespace pharos::edge::console {

class Assets {
 public:
  // `folder`: with govuk-frontend.min.css and .js; files that are missing are left out.
  explicit Assets(const std::string& folder);

  Response Answer(const Request& request) const;
  bool has_govuk() const { return files_.contains("govuk-frontend.min.css"); }

 private:
  struct File {
    std::string content_type, text, compressed, etag;
  };
  void Add(const std::string& name, std::string text);

  std::map<std::string, File> files_;
};

}  // namespace pharos::edge::console
