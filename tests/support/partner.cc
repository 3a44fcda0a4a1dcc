#include "tests/support/partner.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "pharos/customer/v1/sync_service.grpc.pb.h"
#include "services/base/text.h"
#include "services/rpc/channel.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

namespace v1 = customer::v1;

constexpr int64_t kStreamMs = 30'000;
constexpr int64_t kYearMicros = 365LL * 86'400'000'000;

// A stub and a context of one call.
struct Line {
  Line(const System& system, const std::string& principal)
      : stub(v1::SyncService::NewStub(grpc::CreateChannel(fmt::format("127.0.0.1:{}", system.port()),
                                                          grpc::InsecureChannelCredentials()))) {
    const std::string token = ReadFile(system.token_file(principal));
    rpc::Prepare(context, {.token = std::string(base::TrimAscii(token)), .timeout_ms = kStreamMs});
  }
  grpc::ClientContext context;
  std::unique_ptr<v1::SyncService::Stub> stub;
};

template <typename Reader, typename Message>
absl::Status ReadUntil(grpc::ClientContext& context, Reader& reader,
                       const std::function<bool(const Message&)>& enough) {
  for (Message message; reader.Read(&message);) {
    if (!enough(message)) continue;
    context.TryCancel();
    (void)reader.Finish();
    return absl::OkStatus();
  }
  return rpc::FromGrpc(reader.Finish());
}

}  // namespace

void MakeAgreement(const System& system, const std::string& source_id, const PartnerTerms& terms) {
  v1::CreateAgreementRequest request;
  request.set_agreement_id(source_id);
  auto& agreement = *request.mutable_agreement();
  agreement.add_principals("principals/partner");
  agreement.add_sources("sources/" + source_id);
  agreement.add_purposes(kPurpose);
  agreement.mutable_write_fields()->Assign(terms.write_fields.begin(), terms.write_fields.end());
  agreement.mutable_read_fields()->Assign(terms.read_fields.begin(), terms.read_fields.end());
  agreement.set_expire_time_us(WallNanos() / 1000 + kYearMicros);
  Must(system.As("governance").Call<v1::Agreement>("customer.v1.AgreementService/CreateAgreement", request));
}

v1::SyncItem Upsert(const std::string& record, const std::map<std::string, std::string>& fields,
                    const std::string& cursor) {
  v1::SyncItem item;
  item.set_record_id(record);
  item.set_cursor(cursor);
  item.mutable_upsert()->mutable_fields()->insert(fields.begin(), fields.end());
  return item;
}

v1::SyncItem& Said(v1::SyncItem& item, type::v1::EntryKind kind, int64_t time_us) {
  auto& consent = *item.mutable_upsert()->add_consents();
  consent.set_purpose(kPurpose);
  consent.set_channel(type::v1::CHANNEL_SMS);
  consent.set_kind(kind);
  consent.set_event_time_us(time_us);
  return item;
}

SyncAnswer Sync(const System& system, const std::string& principal, const v1::SyncHeader& header,
                const std::vector<v1::SyncItem>& items) {
  Line line(system, principal);
  const auto stream = line.stub->Sync(&line.context);
  v1::SyncRequest request;
  *request.mutable_header() = header;
  bool open = stream->Write(request);
  for (const auto& item : items) {  // fewer than may be unanswered
    *request.mutable_item() = item;
    open = open && stream->Write(request);
  }
  stream->WritesDone();
  SyncAnswer answer;
  for (v1::SyncResponse response; stream->Read(&response);) {
    answer.results.insert(answer.results.end(), response.results().begin(), response.results().end());
  }
  answer.status = rpc::FromGrpc(stream->Finish());
  return answer;
}

absl::Status FollowChanges(const System& system, const std::string& principal, const std::string& agreement,
                           const std::function<bool(const v1::FollowChangesResponse&)>& enough) {
  Line line(system, principal);
  v1::FollowChangesRequest request;
  request.set_agreement(agreement);
  return ReadUntil(line.context, *line.stub->FollowChanges(&line.context, request), enough);
}

absl::Status FollowConsents(const System& system, const std::string& principal, const std::string& agreement,
                            const std::function<bool(const v1::FollowConsentsResponse&)>& enough) {
  Line line(system, principal);
  v1::FollowConsentsRequest request;
  request.set_agreement(agreement);
  return ReadUntil(line.context, *line.stub->FollowConsents(&line.context, request), enough);
}

}  // namespace pharos::tests
