#include "ops/cli/import_client.h"

#include <optional>
#include <thread>

#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "pharos/customer/v1/import_service.grpc.pb.h"
#include "services/base/errors.h"
#include "services/rpc/channel.h"

namespace pharos::cli {
namespace {

using namespace customer::v1;

constexpr size_t kChunkBytes = 256 << 10;        // well below the limit of 1 MiB a message
constexpr int64_t kImportTimeoutMs = 3'600'000;  // streams live at most an hour

using Stream = grpc::ClientReaderWriter<ImportContactsRequest, ImportContactsResponse>;

void SendFile(Stream& stream, const ImportHeader& header, std::istream& file) {
  ImportContactsRequest request;
  *request.mutable_header() = header;
  bool open = stream.Write(request);
  std::string chunk(kChunkBytes, '\0');
  while (open && file) {
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    if (file.gcount() == 0) break;
    request.set_data(chunk.data(), static_cast<size_t>(file.gcount()));
    open = stream.Write(request);
  }
  stream.WritesDone();
}

}  // namespace

absl::StatusOr<ImportProgress> ImportContacts(Client& client, const ImportHeader& header, std::istream& file,
                                              const ImportCallbacks& callbacks) {
  PHAROS_RETURN_IF_ERROR(client.Ready());
  grpc::ClientContext context;
  rpc::CallOptions call;
  call.token = client.token();
  call.timeout_ms = kImportTimeoutMs;
  call.purpose = client.options().purpose;
  rpc::Prepare(context, call);
  auto stub = ImportService::NewStub(client.channel("customer"));
  auto stream = stub->ImportContacts(&context);
  std::thread sender([&] { SendFile(*stream, header, file); });
  std::optional<ImportProgress> summary;
  ImportContactsResponse response;
  while (stream->Read(&response)) {
    if (response.has_row_error()) callbacks.on_row_error(response.row_error());
    if (response.has_progress()) callbacks.on_progress(response.progress());
    if (response.has_summary()) summary = response.summary();
  }
  sender.join();
  PHAROS_RETURN_IF_ERROR(rpc::FromGrpc(stream->Finish()));
  if (!summary) {
    return base::MakeError(
        absl::StatusCode::kUnavailable, "IMPORT_BROKEN",
        "The import ended without a summary. Send the same file again: what was stored stays as it is.");
  }
  return *summary;
}

}  // namespace pharos::cli
