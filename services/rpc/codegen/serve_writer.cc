#include "services/rpc/codegen/serve_writer.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/stubs/strutil.h>

#include <algorithm>
#include <map>
#include <set>

#include "pharos/api/v1/options.pb.h"

namespace pharos::codegen {
namespace {

namespace pb = google::protobuf;

std::string ReplaceAll(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

std::string Namespace(const std::string& package) {
  return ReplaceAll(package, ".", "::");
}
std::string TypeName(const pb::Descriptor& message) {
  return "::" + ReplaceAll(message.full_name(), ".", "::");
}

const api::v1::Policy& PolicyOf(const pb::MethodDescriptor& method) {
  return method.options().GetExtension(api::v1::policy);
}

template <typename Visit>
void ForEachMethod(const pb::FileDescriptor& file, const Visit& visit) {
  for (int s = 0; s < file.service_count(); ++s) {
    for (int m = 0; m < file.service(s)->method_count(); ++m) visit(*file.service(s)->method(m));
  }
}

// Forward declarations of the messages that the handlers name, a block a namespace.
std::string Declarations(const pb::FileDescriptor& file) {
  std::map<std::string, std::set<std::string>> names;
  ForEachMethod(file, [&](const pb::MethodDescriptor& method) {
    for (const pb::Descriptor* type : {method.input_type(), method.output_type()}) {
      names[Namespace(type->file()->package())].insert(type->name());
    }
  });
  std::string text;
  for (const auto& [space, types] : names) {
    text += fmt::format("namespace {} {{\n", space);
    for (const std::string& type : types) text += fmt::format("class {};\n", type);
    text += fmt::format("}}  // namespace {}\n\n", space);
  }
  return text;
}

// What the handler's method takes after the call.
std::string HandlerParameters(const pb::MethodDescriptor& method) {
  const std::string in = TypeName(*method.input_type()), out = TypeName(*method.output_type());
  if (method.client_streaming()) return fmt::format("::pharos::rpc::Stream<{}, {}>& stream", in, out);
  if (method.server_streaming())
    return fmt::format("const {}& request, ::pharos::rpc::Writer<{}>& writer", in, out);
  return fmt::format("const {}& request, {}& response", in, out);
}

std::string Handler(const pb::ServiceDescriptor& service) {
  std::string text =
      fmt::format("class {0}Handler {{\n public:\n  virtual ~{0}Handler() = default;\n", service.name());
  for (int m = 0; m < service.method_count(); ++m) {
    const pb::MethodDescriptor& method = *service.method(m);
    text += fmt::format("  virtual absl::Status {}(::pharos::rpc::Call& call, {}) = 0;\n", method.name(),
                        HandlerParameters(method));
  }
  return text + fmt::format(
                    "}};\n\n// The handler must outlive the service.\n"
                    "std::unique_ptr<::pharos::rpc::Service> Make{0}({0}Handler& handler);\n\n",
                    service.name());
}

// The row that rpc::Serve… goes by.
std::string Row(const pb::MethodDescriptor& method) {
  const api::v1::Policy& policy = PolicyOf(method);
  return fmt::format("constexpr ::pharos::rpc::MethodRow k{}{}{{\"/{}/{}\", \"{}\", {}, {}, {}, \"{}\"}};\n",
                     method.service()->name(), method.name(), method.service()->full_name(), method.name(),
                     policy.permission(), policy.internal(), policy.read_only(), policy.reads_people(),
                     pb::CEscape(policy.instead()));
}

std::string UnaryMethod(const pb::MethodDescriptor& method) {
  return fmt::format(
      "  ::grpc::Status {0}(::grpc::ServerContext* context, const {1}* request, {2}* response) override {{\n"
      "    return ::pharos::rpc::ServeUnary(host_, *context, k{3}{0}, *request,\n"
      "        [&](::pharos::rpc::Call& call) {{ return handler_.{0}(call, *request, *response); }});\n"
      "  }}\n",
      method.name(), TypeName(*method.input_type()), TypeName(*method.output_type()),
      method.service()->name());
}

std::string ServerStreamMethod(const pb::MethodDescriptor& method) {
  return fmt::format(
      "  ::grpc::Status {0}(::grpc::ServerContext* context, const {1}* request, ::grpc::ServerWriter<{2}>* "
      "grpc_writer) override {{\n"
      "    return ::pharos::rpc::ServeServerStream(host_, *context, k{3}{0}, *request, "
      "[&](::pharos::rpc::Call& call) {{\n"
      "      ::pharos::rpc::WriterAdapter<{2}> writer(*grpc_writer);\n"
      "      return handler_.{0}(call, *request, writer);\n"
      "    }});\n"
      "  }}\n",
      method.name(), TypeName(*method.input_type()), TypeName(*method.output_type()),
      method.service()->name());
}

std::string StreamMethod(const pb::MethodDescriptor& method) {
  return fmt::format(
      "  ::grpc::Status {0}(::grpc::ServerContext* context, ::grpc::ServerReaderWriter<{2}, {1}>* "
      "grpc_stream) override {{\n"
      "    return ::pharos::rpc::ServeStream(host_, *context, k{3}{0},\n"
      "        [&](::pharos::rpc::Call& call, ::pharos::rpc::InputCheck& check) {{\n"
      "          ::pharos::rpc::StreamAdapter<{1}, {2}> stream(*grpc_stream, check);\n"
      "          return handler_.{0}(call, stream);\n"
      "        }});\n"
      "  }}\n",
      method.name(), TypeName(*method.input_type()), TypeName(*method.output_type()),
      method.service()->name());
}

std::string Server(const pb::ServiceDescriptor& service) {
  std::string text = fmt::format(
      "class {0}Server final : public ::pharos::rpc::Service, public {0}::Service {{\n public:\n"
      "  explicit {0}Server({0}Handler& handler) : handler_(handler) {{}}\n"
      "  ::grpc::Service* grpc() override {{ return this; }}\n"
      "  std::string_view name() const override {{ return \"{1}\"; }}\n",
      service.name(), service.full_name());
  for (int m = 0; m < service.method_count(); ++m) {
    const pb::MethodDescriptor& method = *service.method(m);
    text += method.client_streaming()   ? StreamMethod(method)
            : method.server_streaming() ? ServerStreamMethod(method)
                                        : UnaryMethod(method);
  }
  return text + fmt::format("\n private:\n  {}Handler& handler_;\n}};\n\n", service.name());
}

// "" if the RPC can be generated.
std::string Fault(const pb::MethodDescriptor& method) {
  const std::string place =
      fmt::format("{}: rpc {}.{}", method.file()->name(), method.service()->name(), method.name());
  if (!method.options().HasExtension(api::v1::policy)) {
    return place +
           " has no policy row: add `option (pharos.api.v1.policy) = {permission: \"<noun>.<verb>\"};`";
  }
  if (PolicyOf(method).permission().empty()) {
    return place + " has a policy row without a permission: add `permission: \"<noun>.<verb>\"` to it";
  }
  if (method.input_type()->containing_type() || method.output_type()->containing_type()) {
    return place + " uses a nested message: declare request and response at the top of a file";
  }
  if (method.client_streaming() && !method.server_streaming()) {
    return place + " streams from the client only: let the server stream its answers too";
  }
  return "";
}

}  // namespace

std::string Stem(const pb::FileDescriptor& file) {
  return file.name().substr(0, file.name().size() - std::string(".proto").size());
}

std::string MissingPolicy(const pb::FileDescriptor& file) {
  std::string faults;
  ForEachMethod(file, [&](const pb::MethodDescriptor& method) {
    const std::string fault = Fault(method);
    if (!fault.empty()) faults += (faults.empty() ? "" : "\n") + fault;
  });
  return faults;
}

std::string WriteHeader(const pb::FileDescriptor& file) {
  std::string text = fmt::format(
      "// Written by protoc-gen-serve from {}. Do not edit.\n#pragma once\n\n#include <memory>\n\n"
      "#include \"absl/status/status.h\"\n#include \"services/rpc/call.h\"\n#include "
      "\"services/rpc/service.h\"\n\n",
      file.name());
  text += Declarations(file) + fmt::format("namespace {} {{\n\n", Namespace(file.package()));
  for (int s = 0; s < file.service_count(); ++s) text += Handler(*file.service(s));
  return text + fmt::format("}}  // namespace {}\n", Namespace(file.package()));
}

std::string WriteSource(const pb::FileDescriptor& file) {
  std::string text = fmt::format(
      "// Written by protoc-gen-serve from {0}. Do not edit.\n#include \"{1}.serve.h\"\n\n#include "
      "\"{1}.grpc.pb.h\"\n"
      "#include \"{1}.pb.h\"\n#include \"services/rpc/serve.h\"\n\nnamespace {2} {{\nnamespace {{\n\n",
      file.name(), Stem(file), Namespace(file.package()));
  ForEachMethod(file, [&](const pb::MethodDescriptor& method) { text += Row(method); });
  text += "\n";
  for (int s = 0; s < file.service_count(); ++s) text += Server(*file.service(s));
  text += "}  // namespace\n\n";
  for (int s = 0; s < file.service_count(); ++s) {
    text += fmt::format(
        "std::unique_ptr<::pharos::rpc::Service> Make{0}({0}Handler& handler) {{\n"
        "  return std::make_unique<{0}Server>(handler);\n}}\n\n",
        file.service(s)->name());
  }
  return text + fmt::format("}}  // namespace {}\n", Namespace(file.package()));
}

}  // namespace pharos::codegen
