// For tests: checks DKIM signatures (RFC 6376, RFC 8463), by code that shares nothing with the signer.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <map>
#include <regex>
#include <string>
#include <vector>

namespace pharos::smtp {

namespace dkim_check {

using Tags = std::map<std::string, std::string>;

inline std::string Without(const std::string& text, const char* what) {
  std::string out;
  for (char c : text)
    if (std::string(what).find(c) == std::string::npos) out += c;
  return out;
}

inline std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(tolower(c));
  return text;
}

inline Tags TagsOf(const std::string& text) {
  Tags tags;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find(';', at), text.size());
    std::string tag = text.substr(at, end - at);
    at = end + 1;
    size_t equals = tag.find('=');
    if (equals == std::string::npos) continue;
    tags[Without(tag.substr(0, equals), " \t\r\n")] = Without(tag.substr(equals + 1), " \t\r\n");
  }
  return tags;
}

inline std::string Unbase64(const std::string& text) {
  std::string out(text.size() + 4, '\0');
  int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return "";
  for (size_t i = text.size(); i > 0 && text[i - 1] == '='; --i) --size;
  out.resize(static_cast<size_t>(size));
  return out;
}

inline std::string Field(std::string field, bool relaxed) {
  if (!relaxed) return field;
  size_t colon = field.find(':');
  std::string name = Lower(Without(field.substr(0, colon), " \t"));
  std::string value = std::regex_replace(Without(field.substr(colon + 1), "\r\n"), std::regex("[ \t]+"), " ");
  while (!value.empty() && value.front() == ' ') value.erase(0, 1);
  while (!value.empty() && value.back() == ' ') value.pop_back();
  return name + ":" + value;
}

inline std::string Body(std::string body, bool relaxed) {
  if (!body.empty() && !body.ends_with("\r\n")) body += "\r\n";
  if (relaxed) {
    body = std::regex_replace(body, std::regex("[ \t]+"), " ");
    body = std::regex_replace(body, std::regex(" \r\n"), "\r\n");
  }
  while (body.ends_with("\r\n\r\n")) body.resize(body.size() - 2);
  if (body == "\r\n" && relaxed) body.clear();
  if (body.empty() && !relaxed) body = "\r\n";
  return body;
}

inline bool Holds(const std::vector<std::string>& fields, const std::string& signature,
                  const std::string& body, const std::map<std::string, std::string>& dns) {
  Tags tags = TagsOf(signature.substr(signature.find(':') + 1));
  auto record = dns.find(tags["s"] + "._domainkey." + tags["d"]);
  if (record == dns.end() || tags["v"] != "1" || tags["bh"].empty()) return false;
  Tags key = TagsOf(record->second);
  const bool ed = tags["a"] == "ed25519-sha256";
  if (!ed && tags["a"] != "rsa-sha256") return false;
  if (key.count("v") && key["v"] != "DKIM1") return false;
  if ((key.count("k") ? key["k"] : "rsa") != (ed ? "ed25519" : "rsa")) return false;
  if (key.count("h") && (":" + key["h"] + ":").find(":sha256:") == std::string::npos) return false;
  if (key.count("t") && (":" + key["t"] + ":").find(":s:") != std::string::npos && tags.count("i") &&
      Lower(tags["i"].substr(tags["i"].find('@') + 1)) != Lower(tags["d"]))
    return false;
  const std::string form = tags.count("c") ? tags["c"] : "simple/simple";
  const bool relaxed = form.starts_with("relaxed");
  std::string canonical = Body(body, form.ends_with("/relaxed"));
  if (tags.count("l"))
    canonical.resize(std::min(canonical.size(), static_cast<size_t>(std::stoul(tags["l"]))));
  unsigned char digest[32];
  EVP_Digest(canonical.data(), canonical.size(), digest, nullptr, EVP_sha256(), nullptr);
  if (Unbase64(tags["bh"]) != std::string(reinterpret_cast<char*>(digest), 32)) return false;

  std::string header, names = Lower(tags["h"]) + ":";
  std::map<std::string, size_t> taken;  // how many from the end
  bool from = false;
  for (size_t at = 0, end; (end = names.find(':', at)) != std::string::npos; at = end + 1) {
    std::string name = names.substr(at, end - at);
    from = from || name == "from";
    size_t skip = taken[name]++;
    for (auto field = fields.rbegin(); field != fields.rend(); ++field) {
      if (Lower(Without(field->substr(0, field->find(':')), " \t")) != name || skip-- > 0) continue;
      header += Field(*field, relaxed) + "\r\n";
      break;
    }
  }
  if (!from) return false;
  header +=
      Field(std::regex_replace(signature, std::regex("([;:][ \t\r\n]*b[ \t\r\n]*=)[^;]*"), "$1"), relaxed);
  if (ed) {
    EVP_Digest(header.data(), header.size(), digest, nullptr, EVP_sha256(), nullptr);
    header.assign(reinterpret_cast<char*>(digest), 32);
  }
  std::string bytes = Unbase64(key["p"]), sign = Unbase64(tags["b"]);
  auto data = reinterpret_cast<const unsigned char*>(bytes.data());
  EVP_PKEY* pkey = ed ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, data, bytes.size())
                      : d2i_PUBKEY(nullptr, &data, static_cast<long>(bytes.size()));
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  bool good = pkey &&
              EVP_DigestVerifyInit(context, nullptr, ed ? nullptr : EVP_sha256(), nullptr, pkey) == 1 &&
              EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(sign.data()), sign.size(),
                               reinterpret_cast<const unsigned char*>(header.data()), header.size()) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(pkey);
  return good;
}

}  // namespace dkim_check

// A verdict a signature, in the order that they stand in. `dns`: TXT records by name.
inline std::vector<bool> CheckDkim(const std::string& mail, const std::map<std::string, std::string>& dns) {
  size_t end = mail.find("\r\n\r\n");
  std::string header = mail.substr(0, end + 2), body = end == std::string::npos ? "" : mail.substr(end + 4);
  std::vector<std::string> fields;
  for (size_t at = 0, line; at < header.size() && (line = header.find("\r\n", at)) != std::string::npos;
       at = line + 2) {
    if ((header[at] == ' ' || header[at] == '\t') && !fields.empty())
      fields.back() += "\r\n" + header.substr(at, line - at);
    else
      fields.push_back(header.substr(at, line - at));
  }
  std::vector<bool> verdicts;
  for (const auto& field : fields)
    if (dkim_check::Lower(field.substr(0, 15)) == "dkim-signature:")
      verdicts.push_back(dkim_check::Holds(fields, field, body, dns));
  return verdicts;
}

}  // namespace pharos::smtp
