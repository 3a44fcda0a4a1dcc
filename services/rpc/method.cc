#include "services/rpc/method.h"

#include <fmt/format.h>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "pharos/api/v1/options.pb.h"
#include "services/base/text.h"

namespace pharos::rpc {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

const FieldDescriptor* RequestId(const google::protobuf::Descriptor& type) {
  const FieldDescriptor* field = type.FindFieldByName("request_id");
  return field != nullptr && field->cpp_type() == FieldDescriptor::CPPTYPE_STRING ? field : nullptr;
}

}  // namespace

const MethodDescriptor* MethodOf(const Message& request) {
  const auto* type = request.GetDescriptor();
  for (int s = 0; s < type->file()->service_count(); ++s) {
    const auto* service = type->file()->service(s);
    for (int m = 0; m < service->method_count(); ++m) {
      if (service->method(m)->input_type() == type) return service->method(m);
    }
  }
  return nullptr;
}

std::string PathOf(const MethodDescriptor& method) {
  return fmt::format("/{}/{}", method.service()->full_name(), method.name());
}

const MethodDescriptor* FindMethod(std::string_view path) {
  if (path.empty() || path.front() != '/') return nullptr;
  const size_t slash = path.find('/', 1);
  if (slash == std::string_view::npos) return nullptr;
  const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
      std::string(path.substr(1, slash - 1)));
  return service == nullptr ? nullptr : service->FindMethodByName(std::string(path.substr(slash + 1)));
}

std::string ServiceOf(std::string_view path) {
  const auto words = base::Split(path, '.');
  return words.size() > 1 ? words[1] : "";
}

bool IsRepeatable(const MethodDescriptor& method) {
  return method.options().GetExtension(api::v1::policy).read_only() ||
         RequestId(*method.input_type()) != nullptr;
}

bool IsInternal(const MethodDescriptor& method) {
  return method.options().GetExtension(api::v1::policy).internal();
}

void FillRequestId(Message& request, std::string id) {
  const FieldDescriptor* field = RequestId(*request.GetDescriptor());
  if (field != nullptr && request.GetReflection()->GetString(request, field).empty())
    request.GetReflection()->SetString(&request, field, std::move(id));
}

}  // namespace pharos::rpc
