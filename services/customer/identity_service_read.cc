// IdentityService: reviews, explanations, matching. Names of records and people and comparisons go out,
// values never.
#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "services/base/errors.h"
#include "services/customer/assertion_store.h"
#include "services/customer/clean.h"
#include "services/customer/errors.h"
#include "services/customer/identity_service.h"
#include "services/customer/linker_change.h"
#include "services/customer/model_store.h"
#include "services/rpc/audit.h"

namespace pharos::customer {

using identity::LinkIndex;
using identity::RecordNo;
using record::v1::RecordRow;

namespace {

constexpr int kDefaultReviews = 50;
constexpr int kDefaultCandidates = 10;
constexpr size_t kMostAbout = 10'000;  // decisions about one record
constexpr size_t kMatchesAPerson =
    8;  // records looked at for each person asked for: several may be one person's
constexpr size_t kReviewsARead = 10'000;  // at a time, when one is looked for by its digest

v1::Review ShowReview(const LinkIndex& index, const RecordNames& names, const identity::Review& review) {
  v1::Review shown;
  const std::string record_a = names.NameOf(review.a), record_b = names.NameOf(review.b);
  shown.set_name(ReviewName(record_a, record_b));
  shown.set_person_a(names.PersonOf(review.a));
  shown.set_person_b(names.PersonOf(review.b));
  auto& explanation = *shown.mutable_explanation();
  explanation = ShowExplanation(index.Explain(review.a, review.b), index.model());
  explanation.set_record_a(record_a);
  explanation.set_record_b(record_b);
  explanation.set_person_a(shown.person_a());
  explanation.set_person_b(shown.person_b());
  return shown;
}

std::vector<std::string> PeopleIn(const v1::ListReviewsResponse& response) {
  std::set<std::string> people;
  for (const auto& review : response.reviews()) people.insert({review.person_a(), review.person_b()});
  return {people.begin(), people.end()};
}

// Records that share a group with it; itself alone where the index does not know it.
bool InGroup(const std::vector<RecordNo>& group, RecordNo record) {
  return std::find(group.begin(), group.end(), record) != group.end();
}

}  // namespace

// ----------------------------------------------------------------------------------------------------
// reviews

absl::Status IdentityService::ListReviews(rpc::Call& call, const v1::ListReviewsRequest& request,
                                          v1::ListReviewsResponse& response) {
  const size_t most = static_cast<size_t>(request.page_size() <= 0 ? kDefaultReviews : request.page_size());
  std::optional<ReviewPlace> place;
  if (!request.page_token().empty()) {
    PHAROS_ASSIGN_OR_RETURN(place, PlaceOf(request.page_token()));
  }
  Side records;
  if (!request.person().empty()) {
    PHAROS_ASSIGN_OR_RETURN(records, RecordsOfPerson(*store_.Read(), request.person()));
  }
  const auto look = [&](const LinkIndex& index, const RecordNames& names) -> absl::Status {
    std::vector<identity::Review> reviews;
    if (!request.person().empty()) {
      for (const auto& record : records) {
        const auto number = names.NumberOf(record);
        if (number) reviews = index.ReviewsOf(*number);
        if (!reviews.empty()) break;  // they are all of one group
      }
      response.set_total(static_cast<int64_t>(reviews.size()));
    } else {
      std::optional<identity::Review> after;
      if (place) {
        const auto a = names.NumberOf(place->record_a), b = names.NumberOf(place->record_b);
        if (!a || !b) return errors::PageTokenWrong();
        after = {*a, *b, place->weight};
      }
      reviews = index.Reviews(after ? &*after : nullptr, most + 1);
      response.set_total(static_cast<int64_t>(index.ReviewCount()));
      if (reviews.size() > most) {
        reviews.resize(most);
        const auto& last = reviews.back();
        response.set_next_page_token(TokenOf({last.weight, names.NameOf(last.a), names.NameOf(last.b)}));
      }
    }
    for (const auto& review : reviews) *response.add_reviews() = ShowReview(index, names, review);
    return absl::OkStatus();
  };
  PHAROS_RETURN_IF_ERROR(linker_.Read(look));
  return rpc::AuditRead(call, store_, "reviews.read", PeopleIn(response), clock_.WallMicros());
}

absl::StatusOr<std::pair<std::string, std::string>> IdentityService::RecordsOfReviewNamed(
    const std::string& name) const {
  if (auto records = RecordsOfReview(name)) return *records;
  if (!IsDigestOfReview(name)) return errors::ReviewNameWrong();
  std::optional<std::pair<std::string, std::string>> found;
  const auto look = [&](const LinkIndex& index, const RecordNames& names) -> absl::Status {
    std::optional<identity::Review> after;
    while (!found) {
      const auto reviews = index.Reviews(after ? &*after : nullptr, kReviewsARead);
      if (reviews.empty()) return absl::OkStatus();
      for (const auto& review : reviews) {
        const std::string a = names.NameOf(review.a), b = names.NameOf(review.b);
        if (ReviewName(a, b) == name) found = {a, b};
      }
      after = reviews.back();
    }
    return absl::OkStatus();
  };
  PHAROS_RETURN_IF_ERROR(linker_.Read(look));
  if (!found) {
    return errors::ReviewGone(
        "CHANGED", "another pair of records speaks for it now, or none; list the reviews again", "");
  }
  return *found;
}

absl::StatusOr<std::string> IdentityService::DecisionAbout(const storage::View& view,
                                                           const std::string& record_a,
                                                           const std::string& record_b, bool same) const {
  PHAROS_ASSIGN_OR_RETURN(const auto about, AssertionsAbout(view, std::span(&record_a, 1), kMostAbout));
  const std::array<std::string, 2> both = {record_a, record_b};
  for (const auto& row : about) {
    if (!InForce(row)) continue;
    if (same ? SaysSame(row, both) : SaysDifferent(row, record_a, record_b)) return row.name();
  }
  return std::string();
}

absl::StatusOr<ReviewStanding> IdentityService::StandingOf(const storage::View& view,
                                                           const std::string& record_a,
                                                           const std::string& record_b) const {
  ReviewStanding standing;
  const auto look = [&](const LinkIndex& index, const RecordNames& names) -> absl::Status {
    const auto a = names.NumberOf(record_a), b = names.NumberOf(record_b);
    const auto group_a = a ? index.GroupOf(*a) : std::vector<RecordNo>();
    const auto group_b = b ? index.GroupOf(*b) : std::vector<RecordNo>();
    standing.known_a = !group_a.empty();
    standing.known_b = !group_b.empty();
    if (!standing.known_a || !standing.known_b) return absl::OkStatus();
    standing.linked = InGroup(group_a, *b);
    // Also where another pair of their records has become the strongest: it is the same two people.
    for (const auto& review : index.ReviewsOf(*a)) {
      standing.stands |= InGroup(group_b, review.a) || InGroup(group_b, review.b);
    }
    return absl::OkStatus();
  };
  PHAROS_RETURN_IF_ERROR(linker_.Read(look));
  standing.stands &= !standing.linked;
  if (standing.stands || !standing.known_a || !standing.known_b) return standing;
  PHAROS_ASSIGN_OR_RETURN(standing.decision, DecisionAbout(view, record_a, record_b, standing.linked));
  return standing;
}

// ------------------------------------------------------------------------------------------------
// explanations

absl::Status IdentityService::ExplainLink(rpc::Call& call, const v1::ExplainLinkRequest& request,
                                          v1::LinkExplanation& response) {
  const auto look = [&](const LinkIndex& index, const RecordNames& names) -> absl::Status {
    const auto a = names.NumberOf(request.record_a()), b = names.NumberOf(request.record_b());
    if (!a || index.GroupOf(*a).empty()) return errors::RecordNotFound(request.record_a());
    if (!b || index.GroupOf(*b).empty()) return errors::RecordNotFound(request.record_b());
    response = ShowExplanation(index.Explain(*a, *b), index.model());
    response.set_person_a(names.PersonOf(*a));
    response.set_person_b(names.PersonOf(*b));
    response.set_linked(InGroup(index.GroupOf(*a), *b));
    return absl::OkStatus();
  };
  PHAROS_RETURN_IF_ERROR(linker_.Read(look));
  response.set_record_a(request.record_a());
  response.set_record_b(request.record_b());
  PHAROS_ASSIGN_OR_RETURN(
      *response.mutable_assertion(),
      DecisionAbout(*store_.Read(), request.record_a(), request.record_b(), response.linked()));
  return rpc::AuditRead(call, store_, "link.explained", {response.person_a(), response.person_b()},
                        clock_.WallMicros());
}

// ----------------------------------------------------------------------------------------------------
// matching

absl::StatusOr<std::shared_ptr<const identity::Model>> IdentityService::ModelInForce(
    const storage::View& view) const {
  PHAROS_ASSIGN_OR_RETURN(const auto epoch, LoadEpoch(view));
  return ModelNamed(view, ActiveModel(epoch));
}

absl::Status IdentityService::MatchContact(rpc::Call& call, const v1::MatchContactRequest& request,
                                           v1::MatchContactResponse& response) {
  std::map<std::string, std::string, std::less<>> clean;
  for (const auto& [field, typed] : request.fields()) {
    std::string value = CleanField(field, typed);
    if (!value.empty()) clean[field] = std::move(value);
  }
  if (clean.empty())
    return errors::FieldMissing("fields", "give a name and a contact detail that can be read");
  const auto said = [&](std::string_view field) -> std::string_view {
    const auto it = clean.find(field);
    return it == clean.end() ? std::string_view() : std::string_view(it->second);
  };
  PHAROS_ASSIGN_OR_RETURN(const auto model, ModelInForce(*store_.Read()));
  const identity::Features probe = identity::Features::Of(said, {}, *model);
  const size_t most = static_cast<size_t>(request.most() <= 0 ? kDefaultCandidates : request.most());
  const auto look = [&](const LinkIndex& index, const RecordNames& names) -> absl::Status {
    std::set<std::string> people;
    for (const auto& match : index.Find(probe, most * kMatchesAPerson)) {
      const std::string person = names.PersonOf(match.record);
      if (people.size() == most || !people.insert(person).second) continue;
      auto& candidate = *response.add_candidates();
      candidate.set_person(person);
      candidate.set_record(names.NameOf(match.record));
      candidate.set_weight(Bits(match.weight));
      candidate.set_would_link(match.weight >= index.model().auto_weight());
    }
    return absl::OkStatus();
  };
  PHAROS_RETURN_IF_ERROR(linker_.Read(look));
  std::vector<std::string> people;
  for (auto& candidate : *response.mutable_candidates()) {
    PHAROS_RETURN_IF_ERROR(ExplainCandidate(probe, model, candidate));
    people.push_back(candidate.person());
  }
  return rpc::AuditRead(call, store_, "contact.matched", people, clock_.WallMicros());
}

// The index compares what it knows, so the two are put into one of their own.
absl::Status IdentityService::ExplainCandidate(const identity::Features& probe,
                                               const std::shared_ptr<const identity::Model>& model,
                                               v1::MatchContactResponse::Candidate& candidate) const {
  PHAROS_ASSIGN_OR_RETURN(auto row, people_.LoadRecord(*store_.Read(), candidate.record()));
  if (!row) return absl::OkStatus();  // it went meanwhile
  SealedRows::Earlier earlier;
  PHAROS_RETURN_IF_ERROR(people_.rows().OpenWhole(*row, earlier));
  const auto pair = LinkIndex::Make(model);
  pair->Put(0, 0, probe);
  pair->Put(1, 1, Preparation::FeaturesOf(*row, earlier, *model));
  pair->Settle();
  pair->Keep();
  const v1::LinkExplanation shown = ShowExplanation(pair->Explain(0, 1), *model);
  *candidate.mutable_evidence() = shown.evidence();
  if (!shown.veto().empty()) candidate.set_would_link(false);
  return absl::OkStatus();
}

}  // namespace pharos::customer
