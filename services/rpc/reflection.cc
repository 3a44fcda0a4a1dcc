#include "services/rpc/reflection.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>

#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "services/rpc/serve.h"

namespace pharos::rpc {
namespace {

namespace pb = google::protobuf;
namespace api = grpc::reflection::v1alpha;

constexpr MethodRow kServerReflectionInfo{"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                          "reflection.read", false, true};

bool IsInternal(const std::string& service) {
  return service.find(".internal.") != std::string::npos;
}

void AddWithImports(const pb::FileDescriptor* file, std::set<const pb::FileDescriptor*>& files) {
  if (!files.insert(file).second) return;
  for (int i = 0; i < file->dependency_count(); ++i) AddWithImports(file->dependency(i), files);
}

class Reflection final : public Service, public api::ServerReflection::Service {
 public:
  explicit Reflection(const std::vector<std::string>& services) {
    for (const std::string& service : services) {
      const auto* found = pool_.FindServiceByName(service);
      if (IsInternal(service) || found == nullptr) continue;
      services_.push_back(service);
      AddWithImports(found->file(), files_);
    }
  }
  ::grpc::Service* grpc() override { return this; }
  std::string_view name() const override { return "grpc.reflection.v1alpha.ServerReflection"; }

  ::grpc::Status ServerReflectionInfo(
      ::grpc::ServerContext* context,
      ::grpc::ServerReaderWriter<api::ServerReflectionResponse, api::ServerReflectionRequest>* grpc_stream)
      override {
    return ServeStream(host_, *context, kServerReflectionInfo, [&](Call&, InputCheck& check) {
      StreamAdapter<api::ServerReflectionRequest, api::ServerReflectionResponse> stream(*grpc_stream, check);
      api::ServerReflectionRequest request;
      while (stream.Read(request) && stream.Write(Answer(request))) {
      }
      return absl::OkStatus();
    });
  }

 private:
  using Request = api::ServerReflectionRequest;
  using Response = api::ServerReflectionResponse;

  Response Answer(const Request& request) const {
    Response response;
    response.set_valid_host(request.host());
    *response.mutable_original_request() = request;
    switch (request.message_request_case()) {
      case Request::kListServices:
        for (const auto& service : services_)
          response.mutable_list_services_response()->add_service()->set_name(service);
        break;
      case Request::kFileByFilename:
        AnswerFile(pool_.FindFileByName(request.file_by_filename()), response);
        break;
      case Request::kFileContainingSymbol:
        AnswerFile(pool_.FindFileContainingSymbol(request.file_containing_symbol()), response);
        break;
      case Request::kFileContainingExtension:
        AnswerExtension(request.file_containing_extension(), response);
        break;
      case Request::kAllExtensionNumbersOfType:
        AnswerNumbers(request.all_extension_numbers_of_type(), response);
        break;
      default:
        Fail(::grpc::StatusCode::INVALID_ARGUMENT,
             "ask for a file, a symbol, an extension or the list of services", response);
    }
    return response;
  }

  void AnswerFile(const pb::FileDescriptor* file, Response& response) const {
    if (file == nullptr || files_.count(file) == 0)
      return Fail(::grpc::StatusCode::NOT_FOUND, "not found", response);
    std::set<const pb::FileDescriptor*> wanted;
    AddWithImports(file, wanted);
    auto& answer = *response.mutable_file_descriptor_response();
    const auto add = [&](const pb::FileDescriptor* each) {
      pb::FileDescriptorProto proto;
      each->CopyTo(&proto);
      answer.add_file_descriptor_proto(proto.SerializeAsString());
    };
    add(file);  // what was asked for comes first
    wanted.erase(file);
    for (const auto* each : wanted) add(each);
  }

  void AnswerExtension(const api::ExtensionRequest& wanted, Response& response) const {
    const auto* type = pool_.FindMessageTypeByName(wanted.containing_type());
    const auto* field =
        type == nullptr ? nullptr : pool_.FindExtensionByNumber(type, wanted.extension_number());
    AnswerFile(field == nullptr ? nullptr : field->file(), response);
  }

  void AnswerNumbers(const std::string& name, Response& response) const {
    const auto* type = pool_.FindMessageTypeByName(name);
    if (type == nullptr || files_.count(type->file()) == 0)
      return Fail(::grpc::StatusCode::NOT_FOUND, "not found", response);
    auto& answer = *response.mutable_all_extension_numbers_response();
    answer.set_base_type_name(name);
    std::vector<const pb::FieldDescriptor*> extensions;
    pool_.FindAllExtensions(type, &extensions);
    for (const auto* extension : extensions) {
      if (files_.count(extension->file()) != 0) answer.add_extension_number(extension->number());
    }
  }

  static void Fail(::grpc::StatusCode code, const char* message, Response& response) {
    response.mutable_error_response()->set_error_code(code);
    response.mutable_error_response()->set_error_message(message);
  }

  const pb::DescriptorPool& pool_ = *pb::DescriptorPool::generated_pool();
  std::vector<std::string> services_;
  std::set<const pb::FileDescriptor*> files_;
};

}  // namespace

std::unique_ptr<Service> MakeReflection(const std::vector<std::string>& services) {
  return std::make_unique<Reflection>(services);
}

}  // namespace pharos::rpc
