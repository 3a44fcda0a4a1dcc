// The protoc plugin: protoc --openapi_out=DIR --plugin=protoc-gen-openapi=… all public protos. Writes
// document.cc with one OpenAPI 3.1 document of all unary RPCs: texts are the protos' own comments.
#include <google/protobuf/compiler/code_generator.h>
#include <google/protobuf/compiler/plugin.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/printer.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "pharos/api/v1/options.pb.h"

namespace {

namespace pb = google::protobuf;
using nlohmann::json;

// The comment before something, as one text.
template <typename Descriptor>
std::string CommentOf(const Descriptor& of) {
  pb::SourceLocation place;
  if (!of.GetSourceLocation(&place)) return "";
  std::string text;
  for (const char c : place.leading_comments) {
    if (c == '\n' || (c == ' ' && (text.empty() || text.back() == ' '))) {
      if (!text.empty() && text.back() != ' ') text += ' ';
    } else {
      text += c;
    }
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

json Reference(const std::string& name) {
  return {{"$ref", "#/components/schemas/" + name}};
}

class Writer {
 public:
  void Add(const pb::FileDescriptor& file) {
    for (int s = 0; s < file.service_count(); ++s) AddService(*file.service(s));
  }

  std::string Text() {
    json document = {{"openapi", "3.1.0"},
                     {"info",
                      {{"title", "Pharos"},
                       {"version", "1"},
                       {"description",
                        "Every unary RPC of Pharos as the Connect protocol has it: POST, JSON in, JSON out. "
                        "64-bit numbers are texts, bytes are "
                        "base64, times are microseconds since 1970. Servers streams and gRPC itself are "
                        "described in proto/."}}},
                     {"components",
                      {{"securitySchemes", {{"key", {{"type", "http"}, {"scheme", "bearer"}}}}},
                       {"schemas", ErrorSchema()}}},
                     {"security", json::array({{{"key", json::array()}}})},
                     {"paths", paths_},
                     {"tags", tags_}};
    for (const auto& [name, schema] : schemas_) document["components"]["schemas"][name] = schema;
    return document.dump();
  }

 private:
  static json ErrorSchema() {
    return {
        {"error",
         {{"type", "object"},
          {"description", "What went wrong and what to do next. details[].debug.reason is a stable name."},
          {"properties",
           {{"code", {{"type", "string"}}},
            {"message", {{"type", "string"}}},
            {"details", {{"type", "array"}, {"items", {{"type", "object"}}}}}}}}}};
  }

  void AddService(const pb::ServiceDescriptor& service) {
    bool any = false;
    for (int m = 0; m < service.method_count(); ++m) any |= AddMethod(*service.method(m));
    if (any) tags_.push_back({{"name", service.name()}, {"description", CommentOf(service)}});
  }

  bool AddMethod(const pb::MethodDescriptor& method) {
    const auto& policy = method.options().GetExtension(pharos::api::v1::policy);
    if (policy.internal() || method.client_streaming() || method.server_streaming()) return false;
    AddMessage(*method.input_type());
    AddMessage(*method.output_type());
    const json body = {{"application/json", {{"schema", Reference(method.input_type()->full_name())}}}};
    const json answer = {{"application/json", {{"schema", Reference(method.output_type()->full_name())}}}};
    const json error = {{"application/json", {{"schema", Reference("error")}}}};
    paths_["/" + method.service()->full_name() + "/" + method.name()]["post"] = {
        {"operationId", method.service()->name() + "_" + method.name()},
        {"tags", {method.service()->name()}},
        {"description", CommentOf(method) + " Needs the permission " + policy.permission() + "."},
        {"requestBody", {{"required", true}, {"content", body}}},
        {"responses",
         {{"200", {{"description", "The answer."}, {"content", answer}}},
          {"default", {{"description", "An error."}, {"content", error}}}}}};
    return true;
  }

  void AddMessage(const pb::Descriptor& message) {
    if (schemas_.contains(message.full_name())) return;
    schemas_[message.full_name()] = json::object();  // it may hold itself
    json properties = json::object();
    for (int f = 0; f < message.field_count(); ++f) {
      const pb::FieldDescriptor& field = *message.field(f);
      json schema = SchemaOf(field);
      if (const std::string comment = CommentOf(field); !comment.empty()) schema["description"] = comment;
      properties[field.json_name()] = std::move(schema);
    }
    schemas_[message.full_name()] = {
        {"type", "object"}, {"description", CommentOf(message)}, {"properties", std::move(properties)}};
  }

  json SchemaOf(const pb::FieldDescriptor& field) {
    if (field.is_map())
      return {{"type", "object"},
              {"additionalProperties", ValueOf(*field.message_type()->FindFieldByNumber(2))}};
    json value = ValueOf(field);
    return field.is_repeated() ? json{{"type", "array"}, {"items", std::move(value)}} : value;
  }

  json ValueOf(const pb::FieldDescriptor& field) {
    switch (field.cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        return {{"type", "boolean"}};
      case pb::FieldDescriptor::CPPTYPE_INT32:
      case pb::FieldDescriptor::CPPTYPE_UINT32:
        return {{"type", "integer"}};
      case pb::FieldDescriptor::CPPTYPE_INT64:
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        return {{"type", "string"}, {"format", "int64"}};
      case pb::FieldDescriptor::CPPTYPE_FLOAT:
      case pb::FieldDescriptor::CPPTYPE_DOUBLE:
        return {{"type", "number"}};
      case pb::FieldDescriptor::CPPTYPE_ENUM:
        return EnumOf(*field.enum_type());
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        AddMessage(*field.message_type());
        return Reference(field.message_type()->full_name());
      case pb::FieldDescriptor::CPPTYPE_STRING:
        break;
    }
    if (field.type() == pb::FieldDescriptor::TYPE_BYTES)
      return {{"type", "string"}, {"contentEncoding", "base64"}};
    return {{"type", "string"}};
  }

  json EnumOf(const pb::EnumDescriptor& type) {
    if (!schemas_.contains(type.full_name())) {
      json names = json::array();
      for (int v = 0; v < type.value_count(); ++v) names.push_back(type.value(v)->name());
      schemas_[type.full_name()] = {
          {"type", "string"}, {"description", CommentOf(type)}, {"enum", std::move(names)}};
    }
    return Reference(type.full_name());
  }

  std::map<std::string, json> schemas_;
  json paths_ = json::object(), tags_ = json::array();
};

class OpenApiGenerator : public pb::compiler::CodeGenerator {
 public:
  uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }

  bool Generate(const pb::FileDescriptor*, const std::string&, pb::compiler::GeneratorContext*,
                std::string* error) const override {
    *error = "asked for all files at once";
    return false;
  }

  bool GenerateAll(const std::vector<const pb::FileDescriptor*>& files, const std::string&,
                   pb::compiler::GeneratorContext* context, std::string*) const override {
    Writer writer;
    for (const pb::FileDescriptor* file : files) writer.Add(*file);
    const std::string text = writer.Text();
    Put(context, "openapi.json", text);
    Put(context, "document.cc",
        "// Written by protoc-gen-openapi.\n#include \"services/edge/api/document.h\"\n\nnamespace "
        "pharos::edge::api {\n\n"
        "std::string_view Document() {\n  static constexpr char kDocument[] = R\"~~~~(" +
            text +
            ")~~~~\";\n  return {kDocument, sizeof kDocument - 1};\n}\n\n}  // namespace "
            "pharos::edge::api\n");
    return true;
  }

 private:
  static void Put(pb::compiler::GeneratorContext* context, const std::string& name, const std::string& text) {
    std::unique_ptr<pb::io::ZeroCopyOutputStream> stream(context->Open(name));
    pb::io::Printer printer(stream.get(), '$');
    printer.PrintRaw(text);
  }
};

}  // namespace

int main(int argc, char** argv) {
  OpenApiGenerator generator;
  return pb::compiler::PluginMain(argc, argv, &generator);
}
