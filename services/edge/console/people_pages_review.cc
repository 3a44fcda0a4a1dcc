// Pairs that may be one person: both side by side, the score, a decision, the next.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "pharos/customer/v1/identity_service.pb.h"
#include "services/base/errors.h"
#include "services/edge/console/people_pages.h"
#include "services/edge/console/people_words.h"

namespace pharos::edge::console {

namespace v1 = customer::v1;

namespace {

constexpr int kShown = 50;    // pairs on a page
constexpr int kSought = 200;  // among so many of the likeliest one pair is looked for

absl::StatusOr<v1::ListReviewsResponse> Reviews(const Visit& visit, int size, const std::string& page) {
  v1::ListReviewsRequest request;
  request.set_page_size(size);
  request.set_page_token(page);
  v1::ListReviewsResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  return response;
}

std::string ReviewPath(const v1::Review& review) {
  return fmt::format("/console/reviews/{}", EscapeForUrl(IdOf(review.name())));
}

absl::StatusOr<Reply> ShowReviews(Visit& visit) {
  Reply ask;
  if (!KnowsPurpose(visit, ask)) return ask;
  PHAROS_ASSIGN_OR_RETURN(const auto response, Reviews(visit, kShown, visit.query.Get("page")));
  Section section;
  section.paragraphs = {
      "Pairs that are too likely to ignore and not sure enough to link. A decision stands until somebody "
      "takes it back."};
  Table table{fmt::format("{} to look at, likeliest first", Thousands(response.total())),
              Heads({"Pair", "Record", "Other record", "#Bits"}),
              {},
              "There is no pair to look at."};
  for (const v1::Review& review : response.reviews()) {
    Cell bits{fmt::format("{:.1f}", review.explanation().weight())};
    bits.numeric = true;
    table.rows.push_back({Link("Look at this pair", ReviewPath(review)),
                          {RecordInWords(review.explanation().record_a())},
                          {RecordInWords(review.explanation().record_b())},
                          bits});
  }
  section.tables = {table};
  Model model = PageModel("Are these the same person?", {section});
  AddNextPage(model, "/console/reviews", response.next_page_token());
  AddCopyAs(model, "pharos identity reviews", "customer.v1.IdentityService/ListReviews", "{}");
  return Show("sections", std::move(model));
}

absl::StatusOr<v1::SourceRecord> RecordOf(const Visit& visit, const std::string& person,
                                          const std::string& record) {
  v1::ListPersonRecordsRequest request;
  request.set_person(person);
  v1::ListPersonRecordsResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  for (const v1::SourceRecord& each : response.records())
    if (each.name() == record) return each;
  v1::SourceRecord gone;
  gone.set_name(record);
  return gone;
}

Table SideBySide(const v1::SourceRecord& a, const v1::SourceRecord& b) {
  Table table{"The two records",
              {{"What"}, {RecordInWords(a.name())}, {RecordInWords(b.name())}, {"Same?"}},
              {},
              "Neither says anything."};
  std::set<std::string> fields;
  for (const auto& [field, value] : a.fields()) fields.insert(field);
  for (const auto& [field, value] : b.fields()) fields.insert(field);
  const auto said = [](const v1::SourceRecord& record, const std::string& field) {
    const auto at = record.fields().find(field);
    return at == record.fields().end() ? std::string() : at->second;
  };
  for (const std::string& field : fields) {
    const std::string left = said(a, field), right = said(b, field);
    const bool both = !left.empty() && !right.empty();
    table.rows.push_back({{FieldInWords(field)},
                          {ValueInWords(field, left)},
                          {ValueInWords(field, right)},
                          both ? (left == right ? Tag("Same", "green") : Tag("Differs", "yellow")) : Cell{}});
  }
  return table;
}

Model Decision(const v1::Review& review, const std::string& reason, const std::string& error) {
  FormPage page;
  Field why{Field::Kind::kText, "reason", "Why",
            "Other people will read this. Do not write names or numbers."};
  why.value = reason;
  page.fields = {why};
  Model form = ModelOf(page);
  form["form_path"] = ReviewPath(review);
  if (!error.empty()) {
    form["fields"][0]["wrong"] = error;
    form["fields"][0]["described"] = "reason-hint reason-error";
  }
  form["submits"] = {{{"name", "decision"},
                      {"value", "same"},
                      {"words", "The same person"},
                      {"quiet", false},
                      {"danger", false}},
                     {{"name", "decision"},
                      {"value", "different"},
                      {"words", "Two people"},
                      {"quiet", true},
                      {"danger", false}}};
  return Model::array({form});
}

absl::StatusOr<Model> ReviewModel(Visit& visit, const v1::Review& review, const std::string& error) {
  const v1::LinkExplanation& explanation = review.explanation();
  PHAROS_ASSIGN_OR_RETURN(const auto a, RecordOf(visit, review.person_a(), explanation.record_a()));
  PHAROS_ASSIGN_OR_RETURN(const auto b, RecordOf(visit, review.person_b(), explanation.record_b()));
  Section both, score;
  both.tables = {SideBySide(a, b)};
  both.buttons = {{"All of the first person", PersonPath(review.person_a()), true},
                  {"All of the second person", PersonPath(review.person_b()), true}};
  score.heading = "How likely it is";
  score.paragraphs = WeightInWords(explanation);
  score.tables = {WaterfallOf(explanation, "What speaks for it and against it")};
  Model model = PageModel("Is this one person?", {both, score}, "/console/reviews");
  if (visit.May("identity.decide")) model["forms"] = Decision(review, visit.form.Get("reason"), error);
  AddCopyAs(model,
            fmt::format("pharos identity decide {} --same --reason \"same NHS number\"", review.name()),
            "customer.v1.IdentityService/DecideReview",
            fmt::format(R"({{"name": "{}", "same": true, "reason": "same NHS number"}})", review.name()));
  return model;
}

absl::StatusOr<v1::Review> Find(const Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const auto response, Reviews(visit, kSought, ""));
  for (const v1::Review& review : response.reviews())
    if (IdOf(review.name()) == visit.args[0]) return review;
  return base::MakeError(absl::StatusCode::kNotFound, "REVIEW_GONE",
                         "This pair is not to be looked at any more: somebody decided it, or a later record "
                         "settled it. Go on with the "
                         "next one in the list.");
}

absl::StatusOr<Reply> ShowReview(Visit& visit) {
  Reply ask;
  if (!KnowsPurpose(visit, ask)) return ask;
  PHAROS_ASSIGN_OR_RETURN(const v1::Review review, Find(visit));
  PHAROS_ASSIGN_OR_RETURN(Model model, ReviewModel(visit, review, ""));
  return Show("sections", std::move(model));
}

absl::StatusOr<Reply> Decide(Visit& visit) {
  const std::string decision = visit.form.Get("decision"), reason = visit.form.Get("reason");
  if (reason.empty() || (decision != "same" && decision != "different")) {
    PHAROS_ASSIGN_OR_RETURN(const v1::Review review, Find(visit));
    const std::string words =
        reason.empty() ? "Enter why you decide so" : "Select \"The same person\" or \"Two people\"";
    PHAROS_ASSIGN_OR_RETURN(Model model, ReviewModel(visit, review, words));
    return ShowErrors("sections", std::move(model), {{"reason", words}});
  }
  v1::DecideReviewRequest request;
  request.set_name(fmt::format("reviews/{}", visit.args[0]));
  request.set_same(decision == "same");
  request.set_reason(reason);
  request.set_request_id(visit.form.Get("request_id"));
  v1::Assertion assertion;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &assertion));
  const std::string done =
      request.same() ? "Linked: they are one person." : "Kept apart: they are two people.";
  PHAROS_ASSIGN_OR_RETURN(const auto rest, Reviews(visit, 1, ""));
  return Go(rest.reviews().empty() ? "/console/reviews" : ReviewPath(rest.reviews(0)),
            done + (rest.reviews().empty() ? "" : " Here is the next pair."));
}

}  // namespace

void AddReviewPages(Routes& routes) {
  routes.Get("/console/reviews", "identity.read", &ShowReviews);
  routes.Get("/console/reviews/{}", "identity.read", &ShowReview);
  routes.Post("/console/reviews/{}", "identity.decide", &Decide);
}

}  // namespace pharos::edge::console
