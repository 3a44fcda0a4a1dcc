#include "services/rpc/field_check.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <string>
#include <vector>

#include "google/api/field_behavior.pb.h"
#include "pharos/api/v1/options.pb.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::rpc {
namespace {

namespace pb = google::protobuf;
using pb::FieldDescriptor;

constexpr uint32_t kDefaultMaxLength = 1024;  // bytes of a string
constexpr uint32_t kDefaultMaxItems = 1000;   // of a list or map
constexpr size_t kMaxViolations = 16;         // what fits into the trailers that any client accepts (8 KiB)
constexpr int kMaxDepth = 32;                 // of messages in messages
constexpr size_t kMaxSegment = 128;           // of a resource name
constexpr size_t kMaxRequestId = 128;

bool Behaves(const FieldDescriptor& field, google::api::FieldBehavior behavior) {
  const auto& options = field.options();
  for (int i = 0; i < options.ExtensionSize(google::api::field_behavior); ++i) {
    if (options.GetExtension(google::api::field_behavior, i) == behavior) return true;
  }
  return false;
}

bool IsSegment(std::string_view s) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '~' || c == '-';
  };
  return !s.empty() && s.size() <= kMaxSegment && std::all_of(s.begin(), s.end(), allowed);
}

bool HasShape(std::string_view name, std::string_view shape) {
  const auto parts = base::Split(name, '/'), wanted = base::Split(shape, '/');
  if (parts.size() != wanted.size()) return false;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool free = wanted[i].starts_with('{');
    if (free ? !IsSegment(parts[i]) : parts[i] != wanted[i]) return false;
  }
  return true;
}

// Request ids travel in headers and logs.
bool IsRequestId(std::string_view id) {
  return id.size() <= kMaxRequestId &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

class Checker {
 public:
  void Message(pb::Message& message, const std::string& path, int depth) {
    if (depth > kMaxDepth) return Violate(path, fmt::format("is nested deeper than {} messages", kMaxDepth));
    const pb::Descriptor& type = *message.GetDescriptor();
    for (int i = 0; i < type.field_count() && !full(); ++i) Field(message, *type.field(i), path, depth);
  }
  std::vector<base::FieldViolation> Take() { return std::move(violations_); }

 private:
  bool full() const { return violations_.size() >= kMaxViolations; }
  void Violate(const std::string& path, std::string description) {
    if (!full()) violations_.push_back({path, std::move(description)});
  }

  void Field(pb::Message& message, const FieldDescriptor& field, const std::string& parent, int depth) {
    const pb::Reflection& reflection = *message.GetReflection();
    if (Behaves(field, google::api::OUTPUT_ONLY)) return reflection.ClearField(&message, &field);
    const std::string path = parent.empty() ? field.name() : parent + "." + field.name();
    if (field.is_repeated()) return List(message, field, path, depth);
    const bool given = reflection.HasField(message, &field);
    if (!given && Behaves(field, google::api::REQUIRED)) return Violate(path, "is required; give a value");
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (given) Message(*reflection.MutableMessage(&message, &field), path, depth + 1);
    } else if (given || !field.has_presence()) {
      Value(message, field, -1, path);
    }
  }

  void List(pb::Message& message, const FieldDescriptor& field, const std::string& path, int depth) {
    const pb::Reflection& reflection = *message.GetReflection();
    const int size = reflection.FieldSize(message, &field);
    if (size == 0 && Behaves(field, google::api::REQUIRED))
      return Violate(path, "is required; give at least one item");
    const uint32_t limit = MaxItems(field);
    if (static_cast<uint32_t>(size) > limit) {
      return Violate(path,
                     fmt::format("has {} items, at most {} are allowed; send fewer at a time", size, limit));
    }
    for (int i = 0; i < size && !full(); ++i) {
      const std::string item = fmt::format("{}[{}]", path, i);
      if (field.is_map()) {
        MapEntry(reflection.GetRepeatedMessage(message, &field, i), field, item);
      } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Message(*reflection.MutableRepeatedMessage(&message, &field, i), item, depth + 1);
      } else {
        Value(message, field, i, item);
      }
    }
  }

  // Keys and values of a map are held to the bounds of the map's field. Our maps hold scalars.
  void MapEntry(const pb::Message& entry, const FieldDescriptor& map, const std::string& path) {
    const pb::Descriptor& type = *entry.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& part = *type.field(i);
      if (part.cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
      std::string scratch;
      const std::string& text = entry.GetReflection()->GetStringReference(entry, &part, &scratch);
      Text(text, part, MaxLength(map), path + "." + part.name());
    }
  }

  // One scalar; index -1 = not in a list.
  void Value(const pb::Message& message, const FieldDescriptor& field, int index, const std::string& path) {
    const pb::Reflection& r = *message.GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        const std::string& text = index < 0 ? r.GetStringReference(message, &field, &scratch)
                                            : r.GetRepeatedStringReference(message, &field, index, &scratch);
        Text(text, field, MaxLength(field), path);
        return Name(text, field, path);
      }
      case FieldDescriptor::CPPTYPE_ENUM: {
        const int number =
            index < 0 ? r.GetEnumValue(message, &field) : r.GetRepeatedEnumValue(message, &field, index);
        if (field.enum_type()->FindValueByNumber(number) == nullptr) Violate(path, UnknownEnum(field));
        return;
      }
      case FieldDescriptor::CPPTYPE_INT32:
        return Integer(index < 0 ? r.GetInt32(message, &field) : r.GetRepeatedInt32(message, &field, index),
                       field, path);
      case FieldDescriptor::CPPTYPE_INT64:
        return Integer(index < 0 ? r.GetInt64(message, &field) : r.GetRepeatedInt64(message, &field, index),
                       field, path);
      default:
        return;  // no bounds for other kinds yet
    }
  }

  void Text(const std::string& text, const FieldDescriptor& field, uint32_t limit, const std::string& path) {
    if (text.size() > limit)
      return Violate(path, fmt::format("is {} bytes long, at most {} are allowed", text.size(), limit));
    if (field.type() == FieldDescriptor::TYPE_STRING && !base::IsUtf8(text)) Violate(path, "is not UTF-8");
  }

  void Name(const std::string& text, const FieldDescriptor& field, const std::string& path) {
    if (field.name() == "request_id" && !IsRequestId(text)) {
      return Violate(
          path, fmt::format("must be at most {} printable ASCII characters without spaces", kMaxRequestId));
    }
    const std::string& shape = field.options().GetExtension(api::v1::bounds).resource();
    if (!text.empty() && !shape.empty() && !HasShape(text, shape)) {
      Violate(path, fmt::format("is not a resource name of the form \"{}\"", shape));
    }
  }

  void Integer(int64_t number, const FieldDescriptor& field, const std::string& path) {
    const api::v1::Bounds& bounds = field.options().GetExtension(api::v1::bounds);
    if (bounds.has_min() && number < bounds.min())
      Violate(path, fmt::format("must be at least {}", bounds.min()));
    if (bounds.has_max() && number > bounds.max())
      Violate(path, fmt::format("must be at most {}", bounds.max()));
  }

  static uint32_t MaxLength(const FieldDescriptor& field) {
    const uint32_t limit = field.options().GetExtension(api::v1::bounds).max_length();
    return limit != 0 ? limit : kDefaultMaxLength;
  }
  static uint32_t MaxItems(const FieldDescriptor& field) {
    const uint32_t limit = field.options().GetExtension(api::v1::bounds).max_items();
    return limit != 0 ? limit : kDefaultMaxItems;
  }
  static std::string UnknownEnum(const FieldDescriptor& field) {
    return fmt::format("is not a value of {}; a newer client than the server?",
                       field.enum_type()->full_name());
  }

  std::vector<base::FieldViolation> violations_;
};

}  // namespace

absl::Status CheckFields(pb::Message& message) {
  Checker checker;
  checker.Message(message, "", 0);
  base::ErrorFacts facts;
  facts.violations = checker.Take();
  if (facts.violations.empty()) return absl::OkStatus();
  facts.reason = "FIELD_WRONG";
  const auto& first = facts.violations.front();
  std::string text = fmt::format("{} {}", first.field, first.description);
  if (facts.violations.size() > 1)
    text += fmt::format(" (and {} more; see the details)", facts.violations.size() - 1);
  return base::MakeError(absl::StatusCode::kInvalidArgument, text, std::move(facts));
}

}  // namespace pharos::rpc
