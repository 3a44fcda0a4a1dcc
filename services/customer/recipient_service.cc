#include "services/customer/recipient_service.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/clean.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"
#include "services/customer/record_reading.h"
#include "services/rpc/once.h"
#include "storage/envelope.h"

namespace pharos::customer {

using internal::v1::Recipient;
using internal::v1::ResolveRecipientsRequest;
using internal::v1::ResolveRecipientsResponse;

absl::Status RecipientService::ResolveRecipients(rpc::Call& call, const ResolveRecipientsRequest& request,
                                                 ResolveRecipientsResponse& response) {
  if (request.channel() != type::v1::CHANNEL_SMS && request.channel() != type::v1::CHANNEL_EMAIL)
    return errors::FieldMissing("channel", "CHANNEL_SMS or CHANNEL_EMAIL");
  PHAROS_RETURN_IF_ERROR(CheckSource(request.source()));
  const auto view = store_.Read();
  std::vector<Stranger> strangers;
  for (int i = 0; i < request.addresses_size(); ++i) {
    PHAROS_ASSIGN_OR_RETURN(auto stranger, Find(*view, request, i, *response.add_recipients()));
    if (stranger) strangers.push_back(*std::move(stranger));
  }
  return strangers.empty() ? absl::OkStatus() : AddStrangers(call, std::move(strangers), response);
}

absl::Status RecipientService::CheckSource(const std::string& source) const {
  if (IsReservedSource(base::Segment(source, "sources"))) return errors::SourceNotFound(source);
  record::v1::SourceRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(store_, SourceKey(source), row));
  return found ? absl::OkStatus() : errors::SourceNotFound(source);
}

// An endpoint that is suppressed and that nobody has gets no record: what was erased does not come back.
absl::StatusOr<std::optional<RecipientService::Stranger>> RecipientService::Find(
    const storage::View& view, const ResolveRecipientsRequest& request, int index,
    Recipient& recipient) const {
  using Answer = std::optional<Stranger>;
  const std::string& typed = request.addresses(index);
  const bool email = request.channel() == type::v1::CHANNEL_EMAIL;
  const std::string clean = email ? CleanEmail(typed) : CleanPhone(typed);
  if (clean.empty() || typed.size() > kLongestField) {
    recipient.set_refused("ADDRESS_WRONG");
    return Answer();
  }
  if (!email && !IsMobile(clean)) {
    recipient.set_refused("NOT_A_MOBILE");
    return Answer();
  }
  recipient.set_address(clean);
  recipient.set_endpoint(people_.EndpointOf(request.channel(), clean));
  PHAROS_ASSIGN_OR_RETURN(const auto holders, people_.PeopleAt(view, recipient.endpoint()));
  if (!holders.empty()) {
    recipient.set_person(*std::min_element(holders.begin(), holders.end()));  // ids rise with time
    return Answer();
  }
  PHAROS_ASSIGN_OR_RETURN(const auto row, people_.LoadEndpoint(view, recipient.endpoint()));
  if (row.suppressed() != type::v1::SUPPRESSION_REASON_UNSPECIFIED) {
    recipient.set_refused("ENDPOINT_SUPPRESSED");
    return Answer();
  }
  Stranger stranger;
  stranger.index = index;
  stranger.change.row.set_name(
      RecordName(base::Segment(request.source(), "sources"), base::ToHex(recipient.endpoint())));
  stranger.change.row.set_update_time_us(clock_.WallMicros());
  ReadField(stranger.change.row, email ? "email" : "phone", typed);
  return Answer(std::move(stranger));
}

absl::Status RecipientService::AddStrangers(rpc::Call& call, std::vector<Stranger> strangers,
                                            ResolveRecipientsResponse& response) const {
  const int64_t now = clock_.WallMicros();
  const ChangeMaker change = [&](std::string_view resource, std::string_view kind, uint64_t version) {
    return rpc::ChangeBy(call, resource, kind, version, now);
  };
  std::vector<RecordChange> changes;
  for (Stranger& stranger : strangers) changes.push_back(std::move(stranger.change));
  PHAROS_ASSIGN_OR_RETURN(const std::vector<RecordResult> results,
                          linker_.Apply(std::move(changes), change, {}));
  bool stricter = false;
  for (size_t i = 0; i < results.size(); ++i) {
    Recipient& recipient = *response.mutable_recipients(strangers[i].index);
    recipient.set_person(results[i].person);
    stricter = stricter || results[i].stricter;
    if (results[i].person.empty()) recipient.set_refused(base::ReasonOf(results[i].status));
  }
  if (stricter) opt_outs_.AwaitAllOutstanding();
  return absl::OkStatus();
}

}  // namespace pharos::customer
