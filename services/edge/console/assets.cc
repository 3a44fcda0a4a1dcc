#include "services/edge/console/assets.h"

#include <zlib.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "services/base/ids.h"
#include "services/edge/console/built_in.h"

namespace pharos::edge::console {
namespace {

constexpr const char* kGovukFiles[] = {"govuk-frontend.min.css", "govuk-frontend.min.js"};

std::string TypeOf(const std::string& name) {
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  return name.ends_with(".svg") ? "image/svg+xml" : "application/octet-stream";
}

std::string Gzip(const std::string& text) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
    return "";
  std::string packed(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return whole ? packed : "";
}

// GDS Transport and the crown are for services on GOV.UK only: the faces and files are left out, Arial is
// next.
std::string WithoutGovukFaces(const std::string& css) {
  static const std::regex face(R"(@font-face\{[^}]*\})"), url(R"(url\([^)]*\))");
  return std::regex_replace(std::regex_replace(css, face, ""), url, "none");
}

}  // namespace

Assets::Assets(const std::string& folder) {
  for (const auto& [name, text] : BuiltInAssets()) Add(std::string(name), std::string(text));
  if (folder.empty()) return;
  for (const std::string name : kGovukFiles) {
    std::ifstream in(folder + "/" + name, std::ios::binary);
    std::stringstream text;
    if (!in || !(text << in.rdbuf())) continue;
    Add(name, name.ends_with(".css") ? WithoutGovukFaces(text.str()) : text.str());
  }
}

void Assets::Add(const std::string& name, std::string text) {
  File file;
  file.content_type = TypeOf(name);
  file.compressed = Gzip(text);
  file.etag = "\"" + base::ToHex(base::Sha256(text)).substr(0, 16) + "\"";
  file.text = std::move(text);
  files_[name] = std::move(file);
}

Response Assets::Answer(const Request& request) const {
  Response response;
  const auto at = files_.find(request.path.substr(request.path.find_last_of('/') + 1));
  if (at == files_.end()) {
    response.status = 404;
    return response;
  }
  const File& file = at->second;
  response.content_type = file.content_type;
  response.headers = {
      {"Cache-Control", "public, max-age=300"}, {"ETag", file.etag}, {"Vary", "Accept-Encoding"}};
  if (request.Header("if-none-match") == file.etag) {
    response.status = 304;
    return response;
  }
  const bool packed = request.Header("accept-encoding").find("gzip") != std::string_view::npos;
  if (packed && !file.compressed.empty()) response.headers.emplace_back("Content-Encoding", "gzip");
  response.body = packed && !file.compressed.empty() ? file.compressed : file.text;
  return response;
}

}  // namespace pharos::edge::console
