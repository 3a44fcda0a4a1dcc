#include "services/edge/console/form.h"

#include <fmt/format.h>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"

namespace pharos::edge::console {
namespace {

constexpr size_t kLongestPartHeader = 4096;

absl::Status FormWrong() {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "FORM_WRONG",
                         "The form could not be read. Go back and send it again.");
}

bool Decode(std::string_view text, std::string& decoded) {
  decoded.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      const std::string byte = base::FromHex(base::LowerAscii(text.substr(i + 1, 2)));
      if (byte.size() != 1) return false;
      decoded += byte;
      i += 2;
    }
  }
  return base::IsUtf8(decoded);
}

// `name` of "form-data; name=\"file\"; filename=\"a.csv\"".
std::string Parameter(std::string_view header, std::string_view name) {
  const std::string start = fmt::format("{}=\"", name);
  size_t at = header.find(start);
  while (at != std::string_view::npos && at > 0 && header[at - 1] != ' ' && header[at - 1] != ';')
    at = header.find(start, at + 1);
  if (at == std::string_view::npos) return "";
  at += start.size();
  const size_t end = header.find('"', at);
  return end == std::string_view::npos ? "" : std::string(header.substr(at, end - at));
}

std::string WithoutFolder(const std::string& name) {
  const size_t slash = name.find_last_of("/\\");
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

// One part: header lines, an empty line, what it holds.
bool AddPart(std::string_view part, FormValues& form) {
  const size_t blank = part.find("\r\n\r\n");
  if (blank == std::string_view::npos || blank > kLongestPartHeader) return false;
  std::string disposition;
  for (const std::string& line : base::Split(part.substr(0, blank), '\n')) {
    if (base::LowerAscii(line).starts_with("content-disposition:")) disposition = line;
  }
  const std::string name = Parameter(disposition, "name");
  if (name.empty() || !base::IsUtf8(name)) return false;
  std::string text(part.substr(blank + 4));
  if (disposition.find("filename=") != std::string::npos) {
    form.AddFile(name, {WithoutFolder(Parameter(disposition, "filename")), std::move(text)});
    return true;
  }
  if (!base::IsUtf8(text)) return false;
  form.Add(name, std::move(text));
  return true;
}

absl::StatusOr<FormValues> ReadParts(std::string_view boundary, std::string_view body) {
  FormValues form;
  const std::string line = fmt::format("--{}", boundary), between = "\r\n" + line;
  if (boundary.empty() || !body.starts_with(line)) return FormWrong();
  size_t at = line.size(), parts = 0;
  while (body.substr(at, 2) != "--") {
    if (body.substr(at, 2) != "\r\n" || ++parts > FormValues::kMostValues) return FormWrong();
    at += 2;
    const size_t end = body.find(between, at);
    if (end == std::string_view::npos || !AddPart(body.substr(at, end - at), form)) return FormWrong();
    at = end + between.size();
  }
  return form;
}

}  // namespace

std::string FormValues::Get(std::string_view name) const {
  const auto at = values_.find(name);
  return at == values_.end() ? "" : std::string(base::TrimAscii(at->second.front()));
}

std::vector<std::string> FormValues::All(std::string_view name) const {
  const auto at = values_.find(name);
  return at == values_.end() ? std::vector<std::string>() : at->second;
}

const FormFile* FormValues::File(std::string_view name) const {
  const auto at = files_.find(name);
  return at == files_.end() ? nullptr : &at->second;
}

size_t FormValues::size() const {
  size_t many = files_.size();
  for (const auto& [name, values] : values_) many += values.size();
  return many;
}

absl::StatusOr<FormValues> ReadPairs(std::string_view text) {
  FormValues form;
  size_t many = 0;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (++many > FormValues::kMostValues) return FormWrong();
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    std::string name, value;
    if (!Decode(pair.substr(0, equals), name) ||
        !Decode(pair.substr(std::min(equals + 1, pair.size())), value))
      return FormWrong();
    form.Add(std::move(name), std::move(value));
  }
  return form;
}

absl::StatusOr<FormValues> ReadForm(std::string_view content_type, std::string_view body) {
  if (!content_type.starts_with("multipart/form-data")) return ReadPairs(body);
  const size_t at = content_type.find("boundary=");
  if (at == std::string_view::npos) return FormWrong();
  std::string_view boundary = content_type.substr(at + 9);
  boundary = boundary.substr(0, boundary.find(';'));
  if (boundary.size() > 1 && boundary.front() == '"') boundary = boundary.substr(1, boundary.size() - 2);
  return ReadParts(boundary, body);
}

std::string EscapeForUrl(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain) {
      escaped += c;
    } else {
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

}  // namespace pharos::edge::console
