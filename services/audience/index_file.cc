#include "services/audience/index_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include "services/base/errors.h"

namespace pharos::audience {
namespace {

constexpr uint64_t kMagic = 0x3358444e49415850;  // "PXAINDX3"
constexpr uint32_t kMostText = 1u << 24;         // far above what the feed may bring
constexpr size_t kBuffer = 1u << 20;
constexpr size_t kBatch = 1u << 14;           // people: some 10 MB, milliseconds of work
constexpr uint64_t kMostReserved = 1u << 24;  // the number is believed only when everything has been read

absl::Status Damaged() {
  return base::MakeError(
      absl::StatusCode::kDataLoss, "CHECKPOINT_DAMAGED",
      "the checkpoint of the audience index is damaged or of another format: it is left out, "
      "and everybody is read from the customer service");
}
absl::Status Failed(std::string_view what) {
  return base::MakeError(
      absl::StatusCode::kUnavailable, "CHECKPOINT_FAILED",
      fmt::format("the checkpoint of the audience index could not be {}: is there space?", what));
}

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

class Digest {
 public:
  void Add(const void* bytes, size_t size) {
    const auto* at = static_cast<const unsigned char*>(bytes);
    // Eight bytes at a time: what matters is that a change is seen, and the sealing sees it, too.
    for (; size >= 8; at += 8, size -= 8) {
      uint64_t word = 0;
      std::memcpy(&word, at, 8);
      value_ = (value_ ^ word) * 0x100000001b3;
    }
    for (; size > 0; ++at, --size) value_ = (value_ ^ *at) * 0x100000001b3;
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325;
};

class Writer {
 public:
  explicit Writer(const std::string& path) : file_(std::fopen(path.c_str(), "wb")), buffer_(kBuffer) {
    if (file_) std::setvbuf(file_.get(), buffer_.data(), _IOFBF, buffer_.size());
  }
  bool ok() const { return file_ != nullptr && ok_; }
  void Bytes(const void* bytes, size_t size) {
    digest_.Add(bytes, size);
    ok_ = ok_ && std::fwrite(bytes, 1, size, file_.get()) == size;
  }
  template <typename Value>
  void Number(Value number) {
    Bytes(&number, sizeof(number));
  }
  void Text(std::string_view text) {
    Number(static_cast<uint32_t>(text.size()));
    Bytes(text.data(), text.size());
  }
  bool Finish() {
    Number(uint64_t{digest_.value()});
    return ok_ && std::fflush(file_.get()) == 0;
  }

 private:
  File file_;
  std::vector<char> buffer_;
  Digest digest_;
  bool ok_ = true;
};

class Reader {
 public:
  explicit Reader(const std::string& path) : file_(std::fopen(path.c_str(), "rb")), buffer_(kBuffer) {
    if (file_) std::setvbuf(file_.get(), buffer_.data(), _IOFBF, buffer_.size());
  }
  bool open() const { return file_ != nullptr; }
  bool ok() const { return ok_; }
  void Bytes(void* bytes, size_t size) {
    ok_ = ok_ && std::fread(bytes, 1, size, file_.get()) == size;
    if (ok_) digest_.Add(bytes, size);
  }
  template <typename Value>
  Value NumberOf() {
    Value number{};
    Bytes(&number, sizeof(number));
    return ok_ ? number : Value{};
  }
  const std::string& Text() {
    const auto size = NumberOf<uint32_t>();
    if (size > kMostText) ok_ = false;
    text_.resize(ok_ ? size : 0);
    Bytes(text_.data(), text_.size());
    return text_;
  }
  bool AtEnd() {
    const uint64_t wanted = digest_.value();
    return NumberOf<uint64_t>() == wanted && ok_ && std::fgetc(file_.get()) == EOF;
  }

 private:
  File file_;
  std::vector<char> buffer_;
  Digest digest_;
  std::string text_;
  bool ok_ = true;
};

void Write(const CompactPerson& person, Writer& out) {
  out.Bytes(person.texts.data(), sizeof(person.texts));
  out.Number(person.born);
  out.Number(person.update_time_us);
  const uint8_t small[4] = {person.kinds, person.reach, person.deprivation, person.inclusion};
  out.Bytes(small, sizeof(small));
  for (const auto* set : {&person.interests, &person.sources}) {
    out.Number(static_cast<uint32_t>(set->size()));
    out.Bytes(set->data(), set->size() * sizeof(uint32_t));
  }
  out.Number(static_cast<uint32_t>(person.former.size()));
  for (const std::string& id : person.former) out.Text(id);
  out.Text(person.gate);
}

void Write(const EngagementPages& pages, Writer& out) {
  out.Number(uint64_t{pages.former.size()});
  for (const auto& [number, id] : pages.former) {
    out.Number(number);
    out.Text(id);
  }
  out.Number(uint64_t{pages.folded.size()});
  for (const std::string& campaign : pages.folded) out.Text(campaign);
  out.Number(uint64_t{pages.sets.size()});
  for (const EngagementPages::Set& set : pages.sets) {
    out.Text(set.campaign);
    out.Number(static_cast<uint8_t>(set.event));
    out.Number(set.day);
    out.Text(set.people);
  }
}

EngagementPages ReadPages(Reader& in) {
  EngagementPages pages;
  for (auto left = in.NumberOf<uint64_t>(); left > 0 && in.ok(); --left) {
    const auto number = in.NumberOf<uint32_t>();
    pages.former.emplace_back(number, in.Text());
  }
  for (auto left = in.NumberOf<uint64_t>(); left > 0 && in.ok(); --left) pages.folded.push_back(in.Text());
  for (auto left = in.NumberOf<uint64_t>(); left > 0 && in.ok(); --left) {
    EngagementPages::Set& set = pages.sets.emplace_back();
    set.campaign = in.Text();
    set.event = static_cast<EngagementEvent>(in.NumberOf<uint8_t>());
    set.day = in.NumberOf<int32_t>();
    set.people = in.Text();
  }
  return pages;
}

bool ReadSet(Reader& in, uint64_t symbols, std::vector<uint32_t>& set) {
  const auto size = in.NumberOf<uint32_t>();
  if (!in.ok() || size > symbols) return false;
  set.resize(size);
  in.Bytes(set.data(), size * sizeof(uint32_t));
  for (const uint32_t symbol : set) {
    if (symbol >= symbols) return false;
  }
  return in.ok();
}

bool ReadPerson(Reader& in, uint64_t symbols, CompactPerson& person) {
  in.Bytes(person.texts.data(), sizeof(person.texts));
  for (const uint32_t symbol : person.texts) {
    if (symbol >= symbols) return false;
  }
  person.born = in.NumberOf<PackedDate>();
  person.update_time_us = in.NumberOf<int64_t>();
  uint8_t small[4] = {};
  in.Bytes(small, sizeof(small));
  person.kinds = small[0], person.reach = small[1], person.deprivation = small[2],
  person.inclusion = small[3];
  if (!ReadSet(in, symbols, person.interests) || !ReadSet(in, symbols, person.sources)) return false;
  for (auto left = in.NumberOf<uint32_t>(); left > 0 && in.ok(); --left) person.former.push_back(in.Text());
  person.gate = in.Text();
  return in.ok();
}

using People = std::vector<std::pair<std::string, CompactPerson>>;

// Up to kBatch of the `left` people.
bool ReadBatch(Reader& in, uint64_t symbols, uint64_t& left, People& people) {
  people.clear();
  for (; left > 0 && people.size() < kBatch; --left) {
    auto& [id, person] = people.emplace_back();
    id = in.Text();
    if (!ReadPerson(in, symbols, person)) return false;
  }
  return true;
}

// One batch is read while the one before is put into the index.
bool ReadPeople(Reader& in, uint64_t symbols, IndexData& data) {
  auto left = in.NumberOf<uint64_t>();
  data.Reserve(std::min(left, kMostReserved));
  People next, now;
  bool ok = in.ok() && ReadBatch(in, symbols, left, next);
  while (ok && !next.empty()) {
    std::swap(now, next);
    std::thread reader([&] { ok = ReadBatch(in, symbols, left, next); });
    for (auto& [id, person] : now) data.Put(id, std::move(person));
    reader.join();
  }
  return ok;
}

}  // namespace

absl::Status SaveIndex(const IndexData& data, const IndexPositions& positions, const std::string& path) {
  Writer out(path);
  if (!out.ok()) return Failed("written");
  out.Number(kMagic);
  out.Number(positions.people);
  out.Number(positions.engagement);
  out.Number(positions.reference);
  out.Number(uint64_t{data.pool.size()});
  for (uint32_t symbol = 1; symbol < data.pool.size(); ++symbol) {
    out.Text(data.pool.Get(symbol));
    out.Text(data.pool.Shown(symbol));
  }
  out.Number(uint64_t{data.alive.cardinality()});
  std::vector<uint32_t> renumbered(data.ids.size(), UINT32_MAX);
  uint32_t order = 0;
  for (const uint32_t person : data.alive) {
    renumbered[person] = order++;
    out.Text(data.ids.Id(person));
    Write(data.PersonAt(person), out);
  }
  Write(data.engagement.Write(renumbered), out);
  return out.Finish() ? absl::OkStatus() : Failed("written");
}

absl::Status LoadIndex(const std::string& path, IndexData& data, IndexPositions& positions) {
  Reader in(path);
  if (!in.open()) return Failed("read");
  if (in.NumberOf<uint64_t>() != kMagic) return Damaged();
  positions.people = in.NumberOf<uint64_t>();
  positions.engagement = in.NumberOf<uint64_t>();
  positions.reference = in.NumberOf<uint64_t>();
  const auto symbols = in.NumberOf<uint64_t>();
  for (uint64_t symbol = 1; symbol < symbols && in.ok(); ++symbol) {
    const std::string text = in.Text();
    if (data.pool.Intern(text, in.Text()) != symbol) return Damaged();
  }
  if (!ReadPeople(in, symbols, data)) return Damaged();
  const EngagementPages pages = ReadPages(in);
  if (!in.ok() || !data.engagement.Read(pages)) return Damaged();
  return in.AtEnd() ? absl::OkStatus() : Damaged();
}

}  // namespace pharos::audience
