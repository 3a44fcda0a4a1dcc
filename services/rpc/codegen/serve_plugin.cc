// The protoc plugin: protoc --serve_out=DIR --plugin=protoc-gen-serve=….
#include <google/protobuf/compiler/code_generator.h>
#include <google/protobuf/compiler/plugin.h>
#include <google/protobuf/io/printer.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <memory>

#include "services/rpc/codegen/serve_writer.h"

namespace {

namespace pb = google::protobuf;

class ServeGenerator : public pb::compiler::CodeGenerator {
 public:
  uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }

  bool Generate(const pb::FileDescriptor* file, const std::string& parameter,
                pb::compiler::GeneratorContext* context, std::string* error) const override {
    *error = pharos::codegen::MissingPolicy(*file);
    if (!error->empty()) return false;
    const std::string stem = pharos::codegen::Stem(*file);
    Put(context, stem + ".serve.h", pharos::codegen::WriteHeader(*file));
    Put(context, stem + ".serve.cc", pharos::codegen::WriteSource(*file));
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
  ServeGenerator generator;
  return pb::compiler::PluginMain(argc, argv, &generator);
}
