#include "services/edge/console/visit.h"

#include <algorithm>
#include <cctype>

#include "services/base/text.h"

namespace pharos::edge::console {
namespace {

std::string ErrorKey(const std::string& field) {
  std::string key = "error_" + field;
  for (char& c : key) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return key;
}

bool Fits(const std::vector<std::string>& pattern, const std::vector<std::string>& parts,
          std::vector<std::string>& args) {
  if (pattern.size() != parts.size()) return false;
  args.clear();
  for (size_t i = 0; i < parts.size(); ++i) {
    if (pattern[i] == "{}") {
      const auto decoded = ReadPairs("a=" + parts[i]);
      if (!decoded.ok() || parts[i].empty()) return false;
      args.push_back(decoded->Get("a"));
    } else if (pattern[i] != parts[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

Reply Show(std::string_view page, Model model) {
  Reply reply;
  reply.page = page;
  reply.model = std::move(model);
  return reply;
}

Reply ShowErrors(std::string_view page, Model model,
                 const std::vector<std::pair<std::string, std::string>>& errors) {
  model["has_errors"] = !errors.empty();
  model["errors"] = Model::array();
  for (const auto& [field, text] : errors) {
    model["errors"].push_back({{"field", field.empty() ? Model(false) : Model(field)}, {"text", text}});
    if (!field.empty()) model[ErrorKey(field)] = text;
  }
  Reply reply = Show(page, std::move(model));
  reply.status = 422;
  return reply;
}

Reply ShowPart(std::string_view part, Model model) {
  Reply reply;
  reply.part = part;
  reply.model = std::move(model);
  return reply;
}

Reply Go(std::string path, std::string notice) {
  Reply reply;
  reply.go = std::move(path);
  reply.notice = std::move(notice);
  return reply;
}

Reply Download(std::string file_name, std::string content_type, std::string body) {
  Reply reply;
  reply.raw.content_type = std::move(content_type);
  reply.raw.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + file_name + "\"");
  reply.raw.body = std::move(body);
  return reply;
}

Reply Events(std::function<bool(Model& changes)> next) {
  Reply reply;
  reply.raw.content_type = "text/event-stream";
  reply.raw.next = [next = std::move(next)](std::string& text) {
    Model changes = Model::object();
    const bool more = next(changes);
    // A comment, when there is nothing to say, shows whether the browser is still there.
    text = changes.empty()
               ? ":\n\n"
               : "data: " + changes.dump(-1, ' ', false, Model::error_handler_t::replace) + "\n\n";
    return more;
  };
  return reply;
}

void Routes::Get(std::string pattern, std::string permission, PageFunction page) {
  routes_.push_back({"GET", base::Split(pattern, '/'), std::move(permission), page});
}

void Routes::Post(std::string pattern, std::string permission, PageFunction page) {
  routes_.push_back({"POST", base::Split(pattern, '/'), std::move(permission), page});
}

const Routes::Route* Routes::Find(std::string_view method, std::string_view path,
                                  std::vector<std::string>& args) const {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  const std::vector<std::string> parts = base::Split(path, '/');
  for (const Route& route : routes_) {
    if (route.method == wanted && Fits(route.pattern, parts, args)) return &route;
  }
  return nullptr;
}

std::string WordsOf(const absl::Status& status) {
  return std::string(status.message().data(), status.message().size());
}

}  // namespace pharos::edge::console
