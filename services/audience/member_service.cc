#include "services/audience/member_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "pharos/audience/internal/v1/member_service.pb.h"
#include "services/audience/audience_service.h"
#include "services/audience/errors.h"
#include "services/audience/page_token.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/rpc/once.h"

namespace pharos::audience {
namespace {

using internal::v1::PinMembersRequest;

PinRequest RequestOf(const rpc::Call& call, const PinMembersRequest& request) {
  PinMembersRequest body = request;
  body.clear_request_id();
  return {call.caller().principal, request.request_id(), base::Sha256(body.SerializeAsString())};
}

Question QuestionOf(const PinMembersRequest& request) {
  Question question;
  question.filter = request.filter();
  question.purpose = request.purpose();
  for (const int channel : request.channels())
    question.channels.push_back(static_cast<type::v1::Channel>(channel));
  question.keep_people = true;
  return question;
}

record::v1::PinRow RowOf(const PinMembersRequest& request, const Outcome& outcome, int64_t now_us) {
  record::v1::PinRow row;
  row.set_name("pins/" + base::NewId(now_us));
  row.set_campaign(request.campaign());
  row.set_filter(request.filter());
  row.set_purpose(request.purpose());
  row.mutable_channels()->CopyFrom(request.channels());
  row.set_matched(outcome.matched);
  row.set_members(outcome.member_count);
  row.mutable_excluded()->insert(outcome.excluded.begin(), outcome.excluded.end());
  const std::vector<std::string> pages = PagesOf(outcome.members);
  row.mutable_pages()->Assign(pages.begin(), pages.end());
  row.set_digest(DigestOf(pages));
  row.set_position(outcome.position);
  row.set_create_time_us(now_us);
  return row;
}

void Fill(const record::v1::PinRow& row, internal::v1::Pin& pin) {
  pin.set_name(row.name());
  pin.set_matched(row.matched());
  pin.set_members(row.members());
  pin.mutable_excluded()->insert(row.excluded().begin(), row.excluded().end());
  pin.set_digest(row.digest());
  pin.set_position(row.position());
  *pin.mutable_pages() = row.pages();
}

// The number of the first member that a page token stands for.
absl::StatusOr<uint64_t> FirstOf(const std::string& pin, const std::string& token) {
  if (token.empty()) return 0;
  PHAROS_ASSIGN_OR_RETURN(const std::string position, ReadPageToken(pin, token));
  return std::strtoull(position.c_str(), nullptr, 10);
}

}  // namespace

MemberService::MemberService(storage::Store& store, const PeopleIndex& index, AskFreshness ask,
                             base::Clock& clock)
    : index_(index), ask_(std::move(ask)), clock_(clock), pins_(store) {}

absl::Status MemberService::PinMembers(rpc::Call& call, const PinMembersRequest& request,
                                       internal::v1::Pin& response) {
  if (request.request_id().empty()) return AudienceErrors::RequestIdMissing();
  if (request.purpose().empty()) return AudienceErrors::PurposeNotFound("purposes/");
  const PinRequest who = RequestOf(call, request);
  PHAROS_ASSIGN_OR_RETURN(const auto earlier, pins_.Find(who));
  if (earlier) {
    Fill(*earlier, response);
    return absl::OkStatus();
  }
  const int64_t now_us = clock_.WallMicros();
  PHAROS_ASSIGN_OR_RETURN(const Outcome outcome, Evaluate(QuestionOf(request), index_, ask_, now_us,
                                                          call.RemainingMicros() - kAnswerUs));
  record::v1::PinRow row = RowOf(request, outcome, now_us);
  const std::string change = rpc::ChangeBy(call, row.name(), "members.pinned", 1, now_us);
  PHAROS_ASSIGN_OR_RETURN(row, pins_.Write(std::move(row), outcome, who, change));
  Fill(row, response);
  return absl::OkStatus();
}

absl::Status MemberService::ListMembers(rpc::Call&, const internal::v1::ListMembersRequest& request,
                                        internal::v1::ListMembersResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const auto pin, pins_.Load(request.pin()));
  PHAROS_ASSIGN_OR_RETURN(const uint64_t first, FirstOf(request.pin(), request.page_token()));
  const size_t most =
      request.page_size() > 0 ? std::min<size_t>(request.page_size(), kChunkPeople) : kChunkPeople;
  PHAROS_ASSIGN_OR_RETURN(const auto rows, pins_.Members(pin, first, most));
  for (const auto& row : rows) {
    internal::v1::Member& member = *response.add_members();
    member.set_person(row.person());
    member.set_channel(row.channel());
    member.set_endpoint(row.endpoint());
    for (int i = 0; i < row.alternative_channels_size(); ++i) {
      internal::v1::Alternative& alternative = *member.add_alternatives();
      alternative.set_channel(row.alternative_channels(i));
      alternative.set_endpoint(row.alternative_endpoints(i));
    }
  }
  const uint64_t next = first + rows.size();
  if (next < static_cast<uint64_t>(pin.members()))
    response.set_next_page_token(MakePageToken(pin.name(), std::to_string(next)));
  return absl::OkStatus();
}

}  // namespace pharos::audience
