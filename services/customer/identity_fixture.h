// A customer store in memory with the identity service, for tests: records go in as a source would send them.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "services/base/errors.h"
#include "services/customer/identity_service.h"
#include "services/customer/permit_fixture.h"

namespace pharos::customer {

using Fields = std::map<std::string, std::string>;

struct IdentityFixture : PermitFixture {
  explicit IdentityFixture(base::FakeClock& the_clock)
      : PermitFixture(the_clock),
        fake_clock(the_clock),
        identity(*store, people, *linker, opt_outs, the_clock) {}

  static std::string Record(const std::string& id) { return "sources/feed/records/" + id; }

  RecordChange ChangeOf(const std::string& id, const Fields& fields) {
    RecordChange change;
    change.row.set_name(Record(id));
    for (const auto& [field, value] : fields)
      (*change.row.mutable_fields())[field] = (*change.row.mutable_clean())[field] = value;
    return change;
  }
  // Gives the person's name.
  std::string Put(const std::string& id, const Fields& fields) {
    std::vector<RecordChange> changes;
    changes.push_back(ChangeOf(id, fields));
    return PutAll(std::move(changes)).at(0);
  }
  std::vector<std::string> PutAll(std::vector<RecordChange> changes) {
    fake_clock.Advance(1'000);
    const ChangeMaker by = [&](std::string_view resource, std::string_view kind, uint64_t version) {
      return rpc::ChangeByLoop("internal:test", resource, kind, version, clock.WallMicros());
    };
    const size_t count = changes.size();
    const auto results = linker->Apply(std::move(changes), by, {});
    EXPECT_TRUE(results.ok()) << results.status();
    std::vector<std::string> people_of(count);
    for (size_t at = 0; results.ok() && at < count; ++at) people_of[at] = (*results)[at].person;
    return people_of;
  }
  std::string PersonOf(const std::string& id) {
    const auto row = people.LoadRecord(*store->Read(), Record(id));
    EXPECT_TRUE(row.ok() && *row) << id;
    return row.ok() && *row ? (*row)->person() : "";
  }
  record::v1::PersonRow Person(const std::string& name) {
    auto row = people.Load(*store->Read(), name);
    EXPECT_TRUE(row.ok() && *row) << name;
    return row.ok() && *row ? **std::move(row) : record::v1::PersonRow();
  }

  // Decisions. The name of what was recorded; empty, and its reason in `refused`, if it was not.
  std::string Same(const std::vector<std::string>& members, const std::string& request_id = "") {
    v1::AssertSameRequest request;
    for (const auto& member : members) request.mutable_group()->add_members(member);
    request.set_reason("they said so");
    request.set_request_id(request_id);
    v1::Assertion made;
    return Kept(identity.AssertSame(call, request, made), made);
  }
  std::string Different(const std::vector<std::vector<std::string>>& groups) {
    v1::AssertDifferentRequest request;
    for (const auto& members : groups) {
      auto& group = *request.add_groups();
      for (const auto& member : members) group.add_members(member);
    }
    request.set_reason("they said so");
    v1::Assertion made;
    return Kept(identity.AssertDifferent(call, request, made), made);
  }
  std::string Unlink(const std::string& person, const std::vector<std::string>& records) {
    v1::UnlinkRecordsRequest request;
    request.set_person(person);
    for (const auto& record : records) request.add_records(record);
    request.set_reason("somebody else's");
    v1::UnlinkRecordsResponse response;
    const absl::Status status = identity.UnlinkRecords(call, request, response);
    return Kept(status, response.assertion());
  }
  std::string Revoke(const std::string& assertion) {
    v1::RevokeAssertionRequest request;
    request.set_name(assertion);
    request.set_reason("wrong");
    v1::Assertion revoked;
    return Kept(identity.RevokeAssertion(call, request, revoked), revoked);
  }
  std::string Decide(const std::string& review, bool same) {
    v1::DecideReviewRequest request;
    request.set_name(review);
    request.set_same(same);
    request.set_reason("looked at it");
    v1::Assertion made;
    return Kept(identity.DecideReview(call, request, made), made);
  }
  v1::ListReviewsResponse Reviews(const std::string& person = "") {
    v1::ListReviewsRequest request;
    request.set_person(person);
    v1::ListReviewsResponse response;
    const absl::Status status = identity.ListReviews(call, request, response);
    EXPECT_TRUE(status.ok()) << status;
    return response;
  }
  std::string Hash() {
    v1::GetIdentityStateRequest request;
    request.set_with_hash(true);
    v1::IdentityState state;
    EXPECT_TRUE(identity.GetIdentityState(call, request, state).ok());
    return state.partition_hash();
  }

  std::string Kept(const absl::Status& status, const v1::Assertion& made) {
    last = made;
    refused = status;
    return status.ok() ? made.name() : "";
  }

  base::FakeClock& fake_clock;
  IdentityService identity;
  TestCall call;
  v1::Assertion last;
  absl::Status refused;
};

// A client that has sent everything already.
class SentLinks : public IdentityService::AssertionStream {
 public:
  bool Read(v1::ImportAssertionsRequest& request) override {
    if (requests.empty()) return false;
    request = requests.front();
    requests.pop_front();
    return true;
  }
  bool Write(const v1::ImportAssertionsResponse& response) override {
    answers.push_back(response);
    return true;
  }
  std::deque<v1::ImportAssertionsRequest> requests;
  std::vector<v1::ImportAssertionsResponse> answers;
};

}  // namespace pharos::customer
