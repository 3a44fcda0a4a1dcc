#include "services/customer/linker_saved.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "storage/envelope.h"

namespace pharos::customer {

namespace {

constexpr std::string_view kFileName = "/link-index";
constexpr std::string_view kMagic = "pharos link index 1";
constexpr size_t kPieceBytes = 1u << 20;
constexpr uint32_t kLongestPiece =
    8u << 20;  // what is read at once: a damaged length must not ask for all memory
// What a piece holds: its first byte.
constexpr char kHead = 'H', kRecords = 'R', kDecisions = 'A', kIndex = 'I', kEnd = 'E';

absl::Status Failed(std::string_view what) {
  return base::MakeError(
      absl::StatusCode::kResourceExhausted, "INDEX_NOT_SAVED",
      fmt::format("the link index cannot be {}: {}; free some disk space, or check the disk. The "
                  "next start reads the records instead",
                  what, std::strerror(errno)));
}
absl::Status NotWhole() {
  return absl::DataLossError("the saved link index is not whole");
}

std::string DigestOf(const identity::Model& model) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    model.row().SerializeToCodedStream(&coded);
  }
  return base::Sha256(bytes);
}

std::string PlaceOf(uint64_t at) {
  return fmt::format("link index\n{}", at);
}

// Numbers and strings, one after the other.
void PutNumber(std::string& to, uint64_t number) {
  for (; number >= 0x80; number >>= 7) to.push_back(static_cast<char>(number | 0x80));
  to.push_back(static_cast<char>(number));
}
void PutText(std::string& to, std::string_view text) {
  PutNumber(to, text.size());
  to.append(text);
}
class Cursor {
 public:
  explicit Cursor(std::string_view rest) : rest_(rest) {}
  uint64_t Number() {
    uint64_t number = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return Fail();
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      number |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return number;
    }
    return Fail();
  }
  std::string_view Text() {
    const uint64_t size = Number();
    if (size > rest_.size()) {
      Fail();
      return {};
    }
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }
  bool done() const { return rest_.empty(); }
  bool ok() const { return ok_; }

 private:
  uint64_t Fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }
  std::string_view rest_;
  bool ok_ = true;
};

class Output {
 public:
  Output(const std::string& file, storage::DataKey key) : key_(std::move(key)) {
    fd_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  }
  ~Output() {
    if (fd_ >= 0) ::close(fd_);
  }
  void Piece(char kind, std::string_view content) {
    std::string clear(1, kind);
    clear.append(content);
    const std::string sealed = storage::Seal(key_, clear, PlaceOf(count_++));
    const auto size = static_cast<uint32_t>(sealed.size());
    char length[4];
    for (int at = 0; at < 4; ++at) length[at] = static_cast<char>(size >> (8 * at));
    Write({length, sizeof length});
    Write(sealed);
  }
  bool Finish() { return fd_ >= 0 && ok_ && ::fsync(fd_) == 0; }

 private:
  void Write(std::string_view bytes) {
    while (ok_ && !bytes.empty()) {
      const ssize_t written = fd_ < 0 ? -1 : ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) ok_ = false;
      if (written > 0) bytes.remove_prefix(static_cast<size_t>(written));
    }
  }
  const storage::DataKey key_;
  int fd_ = -1;
  uint64_t count_ = 0;
  bool ok_ = true;
};

class Input {
 public:
  Input(const std::string& file, storage::KeyRing& ring)
      : ring_(ring), file_(std::fopen(file.c_str(), "rbe")) {}
  ~Input() {
    if (file_ != nullptr) std::fclose(file_);
  }
  bool there() const { return file_ != nullptr; }
  // Its kind, and the rest in `content`.
  absl::StatusOr<char> Piece(std::string& content) {
    unsigned char length[4];
    if (std::fread(length, 1, 4, file_) != 4) return NotWhole();
    uint32_t size = 0;
    for (int at = 3; at >= 0; --at) size = size << 8 | length[at];
    if (size > kLongestPiece) return NotWhole();
    std::string sealed(size, '\0');
    if (std::fread(sealed.data(), 1, size, file_) != size) return NotWhole();
    PHAROS_ASSIGN_OR_RETURN(content, storage::Unseal(ring_, sealed, PlaceOf(count_++)));
    if (content.empty()) return NotWhole();
    const char kind = content.front();
    content.erase(0, 1);
    return kind;
  }

 private:
  storage::KeyRing& ring_;
  std::FILE* file_;
  uint64_t count_ = 0;
};

void WriteRecords(const Registry& registry, Output& out) {
  std::string piece;
  const size_t count = registry.size();
  for (RecordNo record = 0; record < count; ++record) {
    const Registry::Entry& entry = registry.At(record);
    PutText(piece, registry.Name(record));
    PutText(piece, registry.Birth(record));
    PutNumber(piece, entry.state);
    PutNumber(piece, entry.person);
    PutNumber(piece, entry.with);
    PutNumber(piece, static_cast<uint64_t>(entry.create_time_us));
    if (piece.size() < kPieceBytes) continue;
    out.Piece(kRecords, piece);
    piece.clear();
  }
  out.Piece(kRecords, piece);
}

using PersonOf = std::vector<std::pair<RecordNo, RecordNo>>;  // person, record

absl::Status ReadRecords(std::string_view piece, Registry& registry, PersonOf& people) {
  Cursor cursor(piece);
  while (!cursor.done()) {
    const std::string_view name = cursor.Text(), birth = cursor.Text();
    const RecordNo record = registry.Number(name, birth);
    const auto state = static_cast<Registry::State>(cursor.Number());
    const auto person = static_cast<RecordNo>(cursor.Number()), with = static_cast<RecordNo>(cursor.Number());
    registry.SetState(record, state, with);
    registry.Arrive(record, static_cast<int64_t>(cursor.Number()));
    if (person != Registry::kNobody && state != Registry::kUnknown) people.emplace_back(person, record);
  }
  return cursor.ok() ? absl::OkStatus() : NotWhole();
}

absl::Status FinishPeople(PersonOf& people, Registry& registry) {
  std::sort(people.begin(), people.end());
  for (size_t at = 0; at < people.size();) {
    const RecordNo person = people[at].first;
    if (person >= registry.size()) return NotWhole();
    std::vector<RecordNo> members;
    for (; at < people.size() && people[at].first == person; ++at) members.push_back(people[at].second);
    registry.SetPerson(person, members);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SaveIndex(const std::string& folder, storage::DataKey key, const identity::LinkIndex& index,
                       const Registry& registry, const std::map<uint64_t, std::string>& assertions,
                       uint64_t position) {
  const std::string file = folder + std::string(kFileName), fresh = file + ".new";
  Output out(fresh, std::move(key));
  std::string head(kMagic);
  PutText(head, DigestOf(index.model()));
  PutNumber(head, position);
  out.Piece(kHead, head);
  WriteRecords(registry, out);
  std::string decisions;
  for (const auto& [number, name] : assertions) {
    PutNumber(decisions, number);
    PutText(decisions, name);
    if (decisions.size() < kPieceBytes) continue;
    out.Piece(kDecisions, decisions);
    decisions.clear();
  }
  out.Piece(kDecisions, decisions);
  index.Save([&](std::string_view piece) { out.Piece(kIndex, piece); });
  out.Piece(kEnd, {});
  if (!out.Finish()) return Failed("written");
  if (std::rename(fresh.c_str(), file.c_str()) != 0) return Failed("put in its place");
  const int at = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (at >= 0) {
    ::fsync(at);
    ::close(at);
  }
  return absl::OkStatus();
}

absl::StatusOr<SavedIndex> LoadSaved(const std::string& folder, storage::KeyRing& ring,
                                     const std::shared_ptr<const identity::Model>& model,
                                     Registry& registry) {
  Input in(folder + std::string(kFileName), ring);
  if (!in.there()) return absl::NotFoundError("no saved link index");
  SavedIndex saved;
  PersonOf people;
  std::string piece;
  PHAROS_ASSIGN_OR_RETURN(char kind, in.Piece(piece));
  if (kind != kHead || !piece.starts_with(kMagic)) return NotWhole();
  Cursor head(std::string_view(piece).substr(kMagic.size()));
  if (head.Text() != DigestOf(*model))
    return absl::FailedPreconditionError("the saved link index has another model");
  saved.position = head.Number();
  while (true) {
    PHAROS_ASSIGN_OR_RETURN(kind, in.Piece(piece));
    if (kind == kRecords) {
      PHAROS_RETURN_IF_ERROR(ReadRecords(piece, registry, people));
    } else if (kind == kDecisions) {
      for (Cursor cursor(piece); !cursor.done();) {
        const uint64_t number = cursor.Number();
        saved.assertions[number] = std::string(cursor.Text());
      }
    } else {
      break;
    }
  }
  PHAROS_RETURN_IF_ERROR(FinishPeople(people, registry));
  absl::Status broken;
  PHAROS_ASSIGN_OR_RETURN(saved.index, identity::LinkIndex::Load(model, [&](std::string& next) {
                            if (kind != kIndex || !broken.ok()) return false;
                            next = std::move(piece);
                            const absl::StatusOr<char> following = in.Piece(piece);
                            broken = following.status();
                            kind = following.ok() ? *following : kEnd;
                            return true;
                          }));
  PHAROS_RETURN_IF_ERROR(broken);
  if (kind != kEnd) return NotWhole();
  return saved;
}

void DropSavedIndex(const std::string& folder) {
  const std::string file = folder + std::string(kFileName);
  (void)std::remove(file.c_str());
  (void)std::remove((file + ".new").c_str());
}

}  // namespace pharos::customer
