#include "ops/cli/audience_people.h"

#include <cstdio>
#include <memory>

#include "fmt/format.h"
#include "ops/cli/audience_choice.h"
#include "ops/cli/audience_people_client.h"
#include "pharos/audience/v1/audience_service.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::cli {
namespace {

using namespace audience::v1;

constexpr size_t kPseudonymBytes = 16;

}  // namespace

absl::Status ListPeople(Context& c) {
  StreamAudienceRequest request;
  PHAROS_RETURN_IF_ERROR(SetAudience(c.args, request));
  request.set_purpose(Name("purposes", c.args.Get("purpose")));
  request.set_form(c.args.Has("names") ? StreamAudienceRequest::PEOPLE : StreamAudienceRequest::PSEUDONYMS);
  return StreamPeople(c.client, request, [&](const StreamAudienceResponse& batch) {
    for (const std::string& person : batch.people()) c.out.Data(person);
    const std::string_view all = batch.pseudonyms();
    for (size_t at = 0; at < all.size(); at += kPseudonymBytes)
      c.out.Data(base::ToHex(all.substr(at, kPseudonymBytes)));
    if (batch.position() != 0) c.out.Say(fmt::format("{} people match.", Thousands(batch.matched())));
    return absl::OkStatus();
  });
}

absl::Status ExportPeople(Context& c) {
  ExportAudienceRequest request;
  PHAROS_RETURN_IF_ERROR(SetAudience(c.args, request));
  request.set_purpose(Name("purposes", c.args.Get("purpose")));
  for (const std::string& field : c.args.All("field")) request.add_fields(field);
  PHAROS_ASSIGN_OR_RETURN(const int format,
                          Enum(ExportAudienceRequest::Format_descriptor(), "", c.args.Get("format", "csv")));
  request.set_format(static_cast<ExportAudienceRequest::Format>(format));
  std::FILE* file = c.args.Has("file") ? std::fopen(c.args.Get("file").c_str(), "wbx") : stdout;
  if (file == nullptr) {
    return UsageError(fmt::format("The file {} cannot be written, or is there already.", c.args.Get("file")));
  }
  bool written = true;
  absl::Status status = StreamExport(c.client, request, [&](const ExportAudienceResponse& piece) {
    written =
        written && std::fwrite(piece.data().data(), 1, piece.data().size(), file) == piece.data().size();
    return written ? absl::OkStatus() : absl::CancelledError();
  });
  if (file != stdout) written = std::fclose(file) == 0 && written;
  if (!written) return UsageError("The export could not be written to its end: is the disk full?");
  PHAROS_RETURN_IF_ERROR(status);
  if (file != stdout) c.out.Say(fmt::format("Written to {}.", c.args.Get("file")));
  return absl::OkStatus();
}

}  // namespace pharos::cli
