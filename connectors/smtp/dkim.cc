#include "connectors/smtp/dkim.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <fstream>
#include <iterator>
#include <utility>

#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::smtp {
namespace {

// Signed wherever they occur, and once more: a second one added on the way breaks the signature.
constexpr std::array<std::string_view, 12> kSealed = {"from",
                                                      "to",
                                                      "cc",
                                                      "subject",
                                                      "date",
                                                      "reply-to",
                                                      "message-id",
                                                      "mime-version",
                                                      "content-type",
                                                      "content-transfer-encoding",
                                                      "list-unsubscribe",
                                                      "list-unsubscribe-post"};
// Signed where they occur.
constexpr std::array<std::string_view, 3> kSigned = {"auto-submitted", "precedence", "feedback-id"};
constexpr size_t kLine = 72;       // of the signature's own field
constexpr size_t kSeedBytes = 32;  // of Ed25519
constexpr size_t kMostKeyOctets = 64 * 1024;

struct PkeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct ContextFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Pkey = std::unique_ptr<EVP_PKEY, PkeyFree>;

absl::Status KeyWrong(const DkimKeyFile& file, const char* what) {
  ERR_clear_error();
  return base::MakeError(absl::StatusCode::kInvalidArgument, "DKIM_KEY_WRONG",
                         fmt::format("DKIM key {}: {}", file.file, what));
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string Base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), Bytes(bytes),
                             static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

std::string Sha256Of(std::string_view text) {
  std::string digest(32, '\0');
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr, EVP_sha256(),
             nullptr);
  return digest;
}

// The form that dkimpy writes: the seed alone, in base 64.
Pkey SeedKey(const std::string& text) {
  const std::string seed(base::TrimAscii(text));
  std::string bytes(seed.size() / 4 * 3 + 3, '\0');
  if (seed.size() != 44) return nullptr;
  if (EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), Bytes(seed), 44) != 33) return nullptr;
  return Pkey(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, Bytes(bytes), kSeedBytes));
}

absl::StatusOr<Pkey> ReadKey(const DkimKeyFile& file) {
  std::ifstream in(file.file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  if (text.empty() || text.size() > kMostKeyOctets) return KeyWrong(file, "it cannot be read, or is no key");
  BIO* source = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  // A key with a passphrase would ask for it on the terminal: it is refused.
  auto no_passphrase = [](char*, int, int, void*) { return -1; };
  Pkey key(PEM_read_bio_PrivateKey(source, nullptr, no_passphrase, nullptr));
  BIO_free(source);
  const bool rsa = file.algorithm == DkimAlgorithm::kRsa;
  if (!key && !rsa) key = SeedKey(text);
  if (!key) return KeyWrong(file, "it holds no private key in PEM form without a passphrase");
  if (EVP_PKEY_base_id(key.get()) != (rsa ? EVP_PKEY_RSA : EVP_PKEY_ED25519))
    return KeyWrong(file, rsa ? "it is no RSA key" : "it is no Ed25519 key");
  if (rsa && EVP_PKEY_bits(key.get()) < kLeastRsaBits)
    return KeyWrong(file, "it is shorter than 2048 bits; receivers no longer trust such a key");
  ERR_clear_error();
  return key;
}

// Name of a field in lower case, and the field as it stands, without its last CRLF.
using RawFields = std::vector<std::pair<std::string, std::string_view>>;

RawFields FieldsOf(std::string_view header) {
  RawFields fields;
  while (!header.empty()) {
    size_t end = 0;
    do {
      end = header.find("\r\n", end);
      end = end == std::string_view::npos ? header.size() : end + 2;
    } while (end < header.size() && (header[end] == ' ' || header[end] == '\t'));
    std::string_view field = header.substr(0, end);
    header.remove_prefix(end);
    if (field.ends_with("\r\n")) field.remove_suffix(2);
    fields.emplace_back(base::LowerAscii(base::TrimAscii(field.substr(0, field.find(':')))), field);
  }
  return fields;
}

struct Chosen {
  std::string names;      // value of h=
  std::string canonical;  // of those fields, each with CRLF
};

// Fields of one name are taken from the last to the first (5.4.2).
Chosen Choose(const RawFields& fields) {
  Chosen chosen;
  auto name = [&](std::string_view text) {
    if (!chosen.names.empty()) chosen.names += ':';
    chosen.names += text;
  };
  auto take = [&](std::string_view wanted) {
    for (auto field = fields.rbegin(); field != fields.rend(); ++field) {
      if (field->first != wanted) continue;
      name(wanted);
      chosen.canonical += RelaxedField(field->second) + "\r\n";
    }
  };
  for (std::string_view wanted : kSealed) {
    take(wanted);
    name(wanted);
  }
  for (std::string_view wanted : kSigned) take(wanted);
  return chosen;
}

// In lines of at most kLine; `text` is cut after one of `marks`, or anywhere if there are none.
std::string Folded(std::string_view text, std::string_view marks) {
  std::string out;
  while (text.size() > kLine) {
    size_t cut = marks.empty() ? kLine : text.find_last_of(marks, kLine - 1);
    cut = cut == std::string_view::npos ? text.size() : marks.empty() ? cut : cut + 1;
    out.append(text.substr(0, cut)).append("\r\n ");
    text.remove_prefix(cut);
  }
  return out.append(text);
}

}  // namespace

struct DkimSigner::Key {
  DkimAlgorithm algorithm;
  std::string domain, selector;
  Pkey key;

  // "" if the library would not.
  std::string Signature(std::string_view canonical) const {
    std::unique_ptr<EVP_MD_CTX, ContextFree> context(EVP_MD_CTX_new());
    const bool rsa = algorithm == DkimAlgorithm::kRsa;
    // Ed25519 signs the digest of the header (RFC 8463, 3).
    const std::string digest = rsa ? "" : Sha256Of(canonical);
    std::string_view text = rsa ? canonical : std::string_view(digest);
    size_t size = static_cast<size_t>(EVP_PKEY_size(key.get()));
    std::string out(size, '\0');
    bool good =
        EVP_DigestSignInit(context.get(), nullptr, rsa ? EVP_sha256() : nullptr, nullptr, key.get()) == 1 &&
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, Bytes(text),
                       text.size()) == 1;
    ERR_clear_error();
    out.resize(good ? size : 0);
    return out;
  }
};

DkimSigner::DkimSigner() = default;
DkimSigner::~DkimSigner() = default;

absl::StatusOr<std::shared_ptr<const DkimSigner>> DkimSigner::Make(const std::vector<DkimKeyFile>& files) {
  std::shared_ptr<DkimSigner> signer(new DkimSigner());
  for (const auto& file : files) {
    if (file.domain.empty() || file.selector.empty())
      return KeyWrong(file, "its domain or its selector is missing");
    for (const std::string* name : {&file.domain, &file.selector})
      for (const char c : *name)
        if (c <= ' ' || c > '~' || c == ';' || c == '=')
          return KeyWrong(file, "its domain or its selector is no DNS name");
    PHAROS_ASSIGN_OR_RETURN(Pkey key, ReadKey(file));
    signer->keys_.push_back(std::make_unique<Key>(
        Key{file.algorithm, base::LowerAscii(file.domain), file.selector, std::move(key)}));
  }
  return std::shared_ptr<const DkimSigner>(std::move(signer));
}

absl::StatusOr<std::string> DkimSigner::Sign(std::string_view message, int64_t wall_us) const {
  size_t end = message.find("\r\n\r\n");
  std::string_view header = message.substr(0, end == std::string_view::npos ? message.size() : end + 2);
  std::string_view body = end == std::string_view::npos ? std::string_view() : message.substr(end + 4);
  const Chosen chosen = Choose(FieldsOf(header));
  const std::string body_hash = Base64(Sha256Of(RelaxedBody(body)));
  std::string out;
  for (const auto& key : keys_) {
    std::string field = fmt::format(
        "DKIM-Signature: v=1; a={}-sha256; c=relaxed/relaxed; d={};\r\n s={}; t={};\r\n h={};\r\n bh={};\r\n "
        "b=",
        key->algorithm == DkimAlgorithm::kRsa ? "rsa" : "ed25519", key->domain, key->selector,
        wall_us / 1'000'000, Folded(chosen.names, ":"), body_hash);
    std::string signature = key->Signature(chosen.canonical + RelaxedField(field));
    if (signature.empty())
      return base::MakeError(absl::StatusCode::kInternal, "DKIM_FAILED", "the message could not be signed");
    out += field + Folded(Base64(signature), "") + "\r\n";
  }
  return out;
}

std::string RelaxedField(std::string_view field) {
  size_t colon = field.find(':');
  if (colon == std::string_view::npos) colon = field.size();
  std::string out = base::LowerAscii(base::TrimAscii(field.substr(0, colon)));
  out += ':';
  bool space = false, begun = false;
  for (char c : field.substr(std::min(field.size(), colon + 1))) {
    if (c == ' ' || c == '\t') space = true;
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    if (space && begun) out += ' ';
    space = false;
    begun = true;
    out += c;
  }
  return out;
}

std::string RelaxedBody(std::string_view body) {
  std::string out;
  out.reserve(body.size() + 2);
  size_t content = 0;  // of `out`, up to the last line that is not empty
  while (!body.empty()) {
    size_t end = body.find("\r\n");
    std::string_view line = body.substr(0, end);
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 2);
    bool space = false, any = false;
    for (char c : line) {
      if (c == ' ' || c == '\t') {
        space = true;
        continue;
      }
      if (space) out += ' ';
      space = false;
      any = true;
      out += c;
    }
    out += "\r\n";
    if (any) content = out.size();
  }
  out.resize(content);
  return out;
}

}  // namespace pharos::smtp
