// Decisions, reviews, explanations and models through the handlers, on a real store in memory.
#include "services/customer/identity_service.h"

#include <fmt/format.h>

#include "services/customer/identity_fixture.h"
#include "services/customer/model_store.h"

namespace pharos::customer {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr char kNhsNumber[] = "9320675082";

const Fields kAnn = {{"given_name", "Ann"},        {"family_name", "Lee"},    {"date_of_birth", "1980-05-06"},
                     {"email", "ann@example.org"}, {"phone", "447700900001"}, {"postcode", "M1 7XA"}};
const Fields kBob = {{"given_name", "Bob"},        {"family_name", "Ray"},    {"date_of_birth", "1951-11-23"},
                     {"email", "bob@example.org"}, {"phone", "447700900002"}, {"postcode", "LS1 4AP"}};
const Fields kCat = {{"given_name", "Catrin"},     {"family_name", "Morgan"}, {"date_of_birth", "1999-01-17"},
                     {"email", "cat@example.org"}, {"phone", "447700900003"}, {"postcode", "CF10 1AA"}};

Fields With(Fields fields, const std::string& field, const std::string& value) {
  fields[field] = value;
  return fields;
}

class IdentityTest : public ::testing::Test {
 protected:
  std::string R(const std::string& id) { return IdentityFixture::Record(id); }
  std::string Refused() { return base::ReasonOf(at_.refused); }

  base::FakeClock clock_;
  IdentityFixture at_{clock_};
};

TEST_F(IdentityTest, SamePeopleAreLinkedAndTheYoungerIdResolves) {
  const std::string ann = at_.Put("a", kAnn), bob = at_.Put("b", kBob);
  ASSERT_NE(ann, bob);
  const std::string assertion = at_.Same({R("a"), bob});
  ASSERT_NE(assertion, "") << at_.refused;
  EXPECT_EQ(at_.PersonOf("a"), ann);
  EXPECT_EQ(at_.PersonOf("b"), ann);
  EXPECT_EQ(at_.Person(bob).name(), ann);
  EXPECT_THAT(at_.last.people(), ElementsAre(ann));
  EXPECT_THAT(at_.last.groups(0).members(), ElementsAre(R("a"), R("b")));
  EXPECT_EQ(at_.last.principal(), "principals/tester");
  EXPECT_EQ(at_.Entries("assertion.made").size(), 1u);
}

TEST_F(IdentityTest, TakenBackEverythingIsAsItWas) {
  const std::string ann = at_.Put("a", kAnn), bob = at_.Put("b", kBob);
  const std::string before = at_.Hash();
  const std::string assertion = at_.Same({ann, bob});
  EXPECT_NE(at_.Hash(), before);
  ASSERT_EQ(at_.Revoke(assertion), assertion) << at_.refused;
  EXPECT_GT(at_.last.revoke_time_us(), 0);
  EXPECT_THAT(at_.last.people(), UnorderedElementsAre(ann, bob));
  EXPECT_EQ(at_.PersonOf("b"), bob);
  EXPECT_EQ(at_.Person(bob).name(), bob);
  EXPECT_EQ(at_.Hash(), before);
  const size_t revocations = at_.Entries("assertion.revoked").size();
  EXPECT_EQ(at_.Revoke(assertion), assertion) << "a second time it stays as it is";
  EXPECT_EQ(at_.Entries("assertion.revoked").size(), revocations);
  EXPECT_EQ(at_.Revoke("assertions/none"), "");
  EXPECT_EQ(Refused(), "ASSERTION_NOT_FOUND");
}

TEST_F(IdentityTest, ToldApartNothingGluesThemTogetherAgain) {
  at_.Put("a", kAnn);
  at_.Put("b", kAnn);
  ASSERT_EQ(at_.PersonOf("a"), at_.PersonOf("b"));
  ASSERT_NE(at_.Different({{R("a")}, {R("b")}}), "") << at_.refused;
  EXPECT_NE(at_.PersonOf("a"), at_.PersonOf("b"));
  at_.Put("c", kAnn);
  at_.Put("b", With(kAnn, "town", "Leeds"));
  EXPECT_NE(at_.PersonOf("a"), at_.PersonOf("b"));
}

TEST_F(IdentityTest, UnlinkedRecordsGetTheIdThatTheyHad) {
  const std::string ann = at_.Put("a", kAnn), cat = at_.Put("c", kCat);
  ASSERT_NE(at_.Put("b", kAnn), "");
  ASSERT_EQ(at_.PersonOf("b"), ann);
  const std::string link = at_.Same({R("a"), R("c")});
  ASSERT_EQ(at_.PersonOf("c"), ann);
  EXPECT_EQ(at_.Unlink(ann, {R("c")}), "");
  EXPECT_EQ(Refused(), "ASSERTION_CONFLICT");
  EXPECT_THAT(std::string(at_.refused.message()),
              HasSubstr(link + " (principals/tester said that they are one person)"));
  ASSERT_NE(at_.Revoke(link), "");
  EXPECT_EQ(at_.PersonOf("c"), cat);

  ASSERT_NE(at_.Unlink(ann, {R("b")}), "") << at_.refused;
  EXPECT_THAT(at_.last.people(), UnorderedElementsAre(ann, at_.PersonOf("b")));
  EXPECT_EQ(at_.PersonOf("a"), ann);
  EXPECT_NE(at_.PersonOf("b"), ann);
  EXPECT_EQ(at_.Unlink(ann, {R("b")}), "");
  EXPECT_EQ(Refused(), "RECORD_NOT_LINKED");
  EXPECT_EQ(at_.Unlink(ann, {R("a")}), "");
  EXPECT_EQ(Refused(), "ASSERTION_WRONG");
  EXPECT_EQ(at_.Unlink("people/nobody", {R("a")}), "");
  EXPECT_EQ(Refused(), "PERSON_NOT_FOUND");
}

TEST_F(IdentityTest, ADecisionAgainstAnotherIsRefusedAndNamesIt) {
  const std::string ann = at_.Put("a", kAnn), bob = at_.Put("b", kBob);
  const std::string apart = at_.Different({{ann}, {bob}});
  const uint64_t position = at_.store->LastPosition();
  EXPECT_EQ(at_.Same({ann, bob}), "");
  EXPECT_EQ(Refused(), "ASSERTION_CONFLICT");
  EXPECT_EQ(base::FactsOf(at_.refused)->metadata.at("with"), apart);
  EXPECT_EQ(at_.store->LastPosition(), position) << "nothing was stored";
  EXPECT_EQ(at_.Same({ann, R("nowhere")}), "");
  EXPECT_EQ(Refused(), "RECORD_NOT_FOUND");
  EXPECT_EQ(at_.Same({ann}), "");
  EXPECT_EQ(Refused(), "ASSERTION_WRONG");
  EXPECT_EQ(at_.Same({ann, "people/nobody"}), "");
  EXPECT_EQ(Refused(), "PERSON_NOT_FOUND");
}

TEST_F(IdentityTest, TheSameRequestTwiceIsOneDecision) {
  const std::string ann = at_.Put("a", kAnn), bob = at_.Put("b", kBob);
  const std::string once = at_.Same({R("a"), R("b")}, "r1");
  EXPECT_EQ(at_.Same({R("a"), R("b")}, "r1"), once);
  EXPECT_THAT(at_.last.people(), ElementsAre(ann));
  EXPECT_EQ(at_.Entries("assertion.made").size(), 1u);
  EXPECT_EQ(at_.Same({R("b"), R("a")}, "r1"), "");
  EXPECT_EQ(Refused(), "REQUEST_ID_REUSED");
}

TEST_F(IdentityTest, ALinkIsAnsweredWhenEveryPermitOfBothHasEnded) {
  const std::string ann = at_.Put("a", kAnn), bob = at_.Put("b", kBob);
  ASSERT_TRUE(at_.Issue(at_.Wanted("p1", bob, "447700900002")).has_granted());
  Waiting link([&] { at_.Same({ann, bob}); });
  EXPECT_TRUE(link.StaysOpen());
  at_.Release("p1");
  EXPECT_TRUE(link.Ends());
  EXPECT_EQ(at_.PersonOf("b"), ann);
}

TEST_F(IdentityTest, AnOptOutWhileLinkedHoldsForBothSidesAfterwards) {
  const std::string ann = at_.Put("a", kAnn), bob = at_.Put("b", kBob);
  const std::string link = at_.Same({ann, bob});
  v1::WithdrawConsentRequest stop;
  stop.set_person(ann);
  stop.set_scope(type::v1::SCOPE_EVERYTHING);
  stop.set_how("letter");
  v1::ConsentEntry entry;
  ASSERT_TRUE(at_.consents.WithdrawConsent(at_.call, stop, entry).ok());
  ASSERT_NE(at_.Revoke(link), "");
  for (const auto& person : {ann, bob}) {
    const auto row = at_.Person(person);
    EXPECT_EQ(row.name(), person);
    ASSERT_EQ(row.entries_size(), 1) << person;
    EXPECT_EQ(row.entries(0).name(), entry.name());
  }
}

// ----------------------------------------------------------------------------------------------------
// reviews

// One NHS number, and neither name nor date of birth agrees: a rule asks a person, whatever the model.
class ReviewTest : public IdentityTest {
 protected:
  ReviewTest() {
    ann_ = at_.Put("a", With(kAnn, "nhs_number", kNhsNumber));
    bob_ = at_.Put("b", With(kBob, "nhs_number", kNhsNumber));
  }
  std::string ann_, bob_;
};

TEST_F(ReviewTest, APairIsListedWithWhatSpeaksForAndAgainst) {
  ASSERT_NE(ann_, bob_);
  const auto reviews = at_.Reviews();
  ASSERT_EQ(reviews.reviews_size(), 1);
  EXPECT_EQ(reviews.total(), 1);
  const v1::Review& review = reviews.reviews(0);
  EXPECT_THAT((std::vector{review.person_a(), review.person_b()}), UnorderedElementsAre(ann_, bob_));
  const auto& e = review.explanation();
  EXPECT_EQ(review.name(), ReviewName(e.record_a(), e.record_b()));
  EXPECT_THAT((std::vector{e.record_a(), e.record_b()}), UnorderedElementsAre(R("a"), R("b")));
  EXPECT_GE(e.weight(), e.review_weight());
  EXPECT_FALSE(e.evidence().empty());
  EXPECT_EQ(at_.Entries("reviews.read").size(), 1u);
  EXPECT_EQ(at_.Reviews(bob_).reviews_size(), 1);
  at_.Put("c", kCat);
  EXPECT_EQ(at_.Reviews(at_.PersonOf("c")).reviews_size(), 0);
}

TEST_F(ReviewTest, DecidedOnePersonTheyAreLinked) {
  const std::string review = at_.Reviews().reviews(0).name();
  const std::string decision = at_.Decide(review, true);
  ASSERT_NE(decision, "") << at_.refused;
  EXPECT_EQ(at_.PersonOf("a"), at_.PersonOf("b"));
  EXPECT_THAT(at_.Reviews().reviews(), IsEmpty());
  EXPECT_EQ(at_.Decide(review, false), "");
  EXPECT_EQ(Refused(), "REVIEW_GONE");
  EXPECT_EQ(base::FactsOf(at_.refused)->metadata.at("became"), "LINKED");
  EXPECT_THAT(std::string(at_.refused.message()), HasSubstr(decision));
  ASSERT_NE(at_.Revoke(decision), "");
  EXPECT_EQ(at_.PersonOf("b"), bob_);
  EXPECT_EQ(at_.Reviews().reviews_size(), 1) << "what would hold without the decision holds again";
}

TEST_F(ReviewTest, DecidedTwoPeopleTheyStayApart) {
  const std::string review = at_.Reviews().reviews(0).name();
  const std::string decision = at_.Decide(review, false);
  ASSERT_NE(decision, "") << at_.refused;
  EXPECT_THAT(at_.Reviews().reviews(), IsEmpty());
  EXPECT_EQ(at_.Decide(review, true), "");
  EXPECT_EQ(base::FactsOf(at_.refused)->metadata.at("became"), "TOLD_APART");
  EXPECT_EQ(base::FactsOf(at_.refused)->metadata.at("assertion"), decision);
}

TEST_F(ReviewTest, ItFollowsLaterLinks) {
  const std::string cat = at_.Put("c", kCat);
  ASSERT_NE(at_.Same({ann_, cat}), "");
  const auto reviews = at_.Reviews(cat);
  ASSERT_EQ(reviews.reviews_size(), 1);
  EXPECT_THAT((std::vector{reviews.reviews(0).person_a(), reviews.reviews(0).person_b()}),
              UnorderedElementsAre(at_.PersonOf("c"), bob_));
  ASSERT_NE(at_.Decide(reviews.reviews(0).name(), true), "") << at_.refused;
  EXPECT_EQ(at_.PersonOf("c"), at_.PersonOf("b"));
  EXPECT_THAT(at_.last.groups(0).members(), ElementsAre(R("a"), R("b"), R("c")));
}

TEST_F(ReviewTest, OneWhoseRecordsHaveChangedIsGone) {
  const std::string review = at_.Reviews().reviews(0).name();
  at_.Put("x", kCat);
  std::vector<RecordChange> gone;
  gone.push_back(at_.ChangeOf("b", {}));
  gone[0].kind = RecordChange::kDelete;
  at_.PutAll(std::move(gone));
  EXPECT_THAT(at_.Reviews().reviews(), IsEmpty());
  EXPECT_EQ(at_.Decide(review, true), "");
  EXPECT_EQ(base::FactsOf(at_.refused)->metadata.at("became"), "RECORD_GONE");
  EXPECT_EQ(at_.Decide("reviews/nonsense", true), "");
  EXPECT_EQ(Refused(), "REVIEW_NAME_WRONG");
}

TEST_F(ReviewTest, ArePagedLikeliestFirst) {
  at_.Put("c", With(kCat, "nhs_number", kNhsNumber));
  v1::ListReviewsRequest request;
  request.set_page_size(1);
  std::set<std::string> names;
  double last = 1e9;
  for (int pages = 0; pages < 10; ++pages) {
    v1::ListReviewsResponse page;
    ASSERT_TRUE(at_.identity.ListReviews(at_.call, request, page).ok());
    for (const auto& review : page.reviews()) {
      EXPECT_TRUE(names.insert(review.name()).second) << review.name();
      EXPECT_LE(review.explanation().weight(), last);
      last = review.explanation().weight();
    }
    if (page.next_page_token().empty()) break;
    request.set_page_token(page.next_page_token());
  }
  EXPECT_EQ(static_cast<int>(names.size()), at_.Reviews().total());
  EXPECT_EQ(names.size(), 3u);
  request.set_page_token("beef");
  v1::ListReviewsResponse page;
  EXPECT_EQ(base::ReasonOf(at_.identity.ListReviews(at_.call, request, page)), "PAGE_TOKEN_WRONG");
}

// ----------------------------------------------------------------------------------------------- the
// decisions

TEST_F(IdentityTest, DecisionsAreListedNewestFirst) {
  std::vector<std::string> made;
  for (int i = 0; i < 5; ++i) {
    const std::string id = fmt::format("r{}", i);
    at_.Put(id + "a", {{"email", fmt::format("ann{}@example.org", i)}});
    at_.Put(id + "b", {{"email", fmt::format("bob{}@example.org", i)}});
    clock_.Advance(i * 400'000);
    made.insert(made.begin(), at_.Same({R(id + "a"), R(id + "b")}));
    ASSERT_NE(made[0], "") << at_.refused;
  }
  ASSERT_NE(at_.Revoke(made[1]), "");
  const auto list = [&](bool revoked, const std::string& about, int size) {
    v1::ListAssertionsRequest request;
    request.set_show_revoked(revoked);
    request.set_about(about);
    request.set_page_size(size);
    std::vector<std::string> names;
    for (int pages = 0; pages < 10; ++pages) {
      v1::ListAssertionsResponse page;
      EXPECT_TRUE(at_.identity.ListAssertions(at_.call, request, page).ok());
      for (const auto& assertion : page.assertions()) names.push_back(assertion.name());
      if (page.next_page_token().empty()) return names;
      request.set_page_token(page.next_page_token());
    }
    return names;
  };
  EXPECT_EQ(list(true, "", 2), made);
  EXPECT_EQ(list(true, "", 100), made);
  EXPECT_EQ(list(false, "", 1), (std::vector{made[0], made[2], made[3], made[4]}));
  EXPECT_THAT(list(true, R("r0b"), 10), ElementsAre(made[4]));
  EXPECT_THAT(list(true, at_.PersonOf("r0a"), 10), ElementsAre(made[4]));
  EXPECT_THAT(list(false, R("r3a"), 10), IsEmpty());
}

TEST_F(IdentityTest, KnownLinksComeInAStreamWithAProblemList) {
  const std::string ann = at_.Put("a", kAnn), bob = at_.Put("b", kBob);
  const std::string cat = at_.Put("c", kCat);
  at_.Different({{ann}, {cat}});
  SentLinks links;
  const auto add = [&](std::vector<std::vector<std::string>> groups) {
    auto& request = links.requests.emplace_back();
    request.set_reason("truth");
    for (const auto& members : groups) {
      auto& group = *request.add_groups();
      for (const auto& member : members) group.add_members(R(member));
    }
  };
  add({{"a", "b"}, {"a", "nowhere"}, {"b"}});
  add({{"b", "a"}, {"a", "c"}});
  ASSERT_TRUE(at_.identity.ImportAssertions(at_.call, links).ok());
  ASSERT_EQ(links.answers.size(), 2u);
  EXPECT_EQ(links.answers[0].stored(), 1);
  ASSERT_EQ(links.answers[0].problems_size(), 2);
  std::map<int64_t, std::string> problems;
  for (const auto& answer : links.answers) {
    for (const auto& problem : answer.problems()) problems[problem.group()] = problem.reason();
  }
  EXPECT_EQ(problems, (std::map<int64_t, std::string>{
                          {1, "RECORD_NOT_FOUND"}, {2, "ASSERTION_WRONG"}, {4, "ASSERTION_CONFLICT"}}));
  EXPECT_EQ(links.answers[1].stored(), 1);
  EXPECT_EQ(links.answers[1].unchanged(), 1) << "known already";
  EXPECT_EQ(at_.PersonOf("b"), ann);
  EXPECT_NE(at_.PersonOf("c"), ann);
  SentLinks without_reason;
  without_reason.requests.emplace_back();
  EXPECT_EQ(base::ReasonOf(at_.identity.ImportAssertions(at_.call, without_reason)), "FIELD_MISSING");
}

// ------------------------------------------------------------------------------------------------
// explanations

TEST_F(IdentityTest, AnExplanationAddsUpAndNamesTheDecision) {
  const std::string ann = at_.Put("a", kAnn);
  at_.Put("b", kAnn);
  at_.Put("c", kCat);
  v1::ExplainLinkRequest request;
  request.set_record_a(R("a"));
  request.set_record_b(R("b"));
  v1::LinkExplanation e;
  ASSERT_TRUE(at_.identity.ExplainLink(at_.call, request, e).ok());
  EXPECT_TRUE(e.linked());
  EXPECT_EQ(e.person_a(), ann);
  EXPECT_EQ(e.assertion(), "");
  EXPECT_GE(e.weight(), e.auto_weight());
  EXPECT_GT(e.auto_weight(), e.review_weight());
  double sum = 0;
  for (const auto& each : e.evidence()) sum += each.weight();
  EXPECT_NEAR(sum, e.weight(), 0.01);
  request.set_record_b(R("c"));
  e.Clear();
  const std::string decision = at_.Same({R("a"), R("c")});
  ASSERT_TRUE(at_.identity.ExplainLink(at_.call, request, e).ok());
  EXPECT_TRUE(e.linked());
  EXPECT_LT(e.weight(), e.review_weight());
  EXPECT_EQ(e.assertion(), decision);
  request.set_record_b(R("nowhere"));
  EXPECT_EQ(base::ReasonOf(at_.identity.ExplainLink(at_.call, request, e)), "RECORD_NOT_FOUND");
}

TEST_F(IdentityTest, AContactIsMatchedWithoutBeingStored) {
  const std::string ann = at_.Put("a", kAnn);
  at_.Put("b", kBob);
  const std::string hash = at_.Hash();
  v1::MatchContactRequest request;
  (*request.mutable_fields())["given_name"] = "ann";
  (*request.mutable_fields())["family_name"] = "LEE";
  (*request.mutable_fields())["date_of_birth"] = "06/05/1980";
  (*request.mutable_fields())["phone"] = "07700 900001";
  (*request.mutable_fields())["email"] = "Ann@Example.org";
  v1::MatchContactResponse response;
  const absl::Status status = at_.identity.MatchContact(at_.call, request, response);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(response.candidates_size(), 1);
  EXPECT_EQ(response.candidates(0).person(), ann);
  EXPECT_EQ(response.candidates(0).record(), R("a"));
  EXPECT_TRUE(response.candidates(0).would_link());
  double sum = 0;
  for (const auto& each : response.candidates(0).evidence()) sum += each.weight();
  EXPECT_NEAR(sum, response.candidates(0).weight(), 0.01);
  EXPECT_EQ(at_.Hash(), hash);
  request.mutable_fields()->clear();
  (*request.mutable_fields())["phone"] = "not a number";
  EXPECT_EQ(base::ReasonOf(at_.identity.MatchContact(at_.call, request, response)), "FIELD_MISSING");
}

// ------------------------------------------------------------------------------------------------------
// models

class ModelTest : public IdentityTest {
 protected:
  // The shipped model with other thresholds.
  std::string SaveStricter(int32_t more) {
    record::v1::LinkModel row = identity::Model::Default()->row();
    row.set_auto_weight(row.auto_weight() + more);
    row.set_review_weight(row.review_weight() + more);
    row.set_create_time_us(clock_.WallMicros());
    row.set_name(NameOfModel(row));
    EXPECT_TRUE(at_.store
                    ->Transact([&](storage::Transaction& tx) {
                      SaveModel(tx, row);
                      return absl::OkStatus();
                    })
                    .ok());
    return row.name();
  }
  std::vector<v1::LinkModel> Models() {
    v1::ListModelsResponse models;
    EXPECT_TRUE(at_.identity.ListModels(at_.call, {}, models).ok());
    return {models.models().begin(), models.models().end()};
  }
  absl::Status Switch(const std::string& name, const std::string& etag = "") {
    v1::SwitchModelRequest request;
    request.set_name(name);
    request.set_etag(etag);
    v1::LinkModel model;
    return at_.identity.SwitchModel(at_.call, request, model);
  }
};

constexpr int32_t kFarStricter = 500 * 1024;  // nothing scores so much

TEST_F(ModelTest, TheShippedOneIsInForceAtFirst) {
  const auto models = Models();
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].name(), "linkModels/shipped");
  EXPECT_TRUE(models[0].active());
  EXPECT_GT(models[0].auto_weight(), models[0].review_weight());
}

TEST_F(ModelTest, ADiffShowsWhatASwitchThenDoes) {
  const std::string ann = at_.Put("a", kAnn), bob = at_.Put("b", kBob);
  at_.Put("a2", With(kAnn, "town", "Leeds"));
  ASSERT_EQ(at_.PersonOf("a2"), ann);
  const std::string hash = at_.Hash(), stricter = SaveStricter(kFarStricter);
  v1::DiffModelRequest request;
  request.set_name(stricter);
  v1::ModelDiff diff;
  const absl::Status status = at_.identity.DiffModel(at_.call, request, diff);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(diff.people_now(), 2);
  EXPECT_EQ(diff.people_then(), 3);
  EXPECT_EQ(diff.split(), 1);
  EXPECT_EQ(diff.linked(), 0);
  ASSERT_EQ(diff.samples_size(), 1);
  EXPECT_FALSE(diff.samples(0).linked());
  EXPECT_THAT(diff.samples(0).people(), ElementsAre(ann));
  EXPECT_THAT(diff.samples(0).records(), UnorderedElementsAre(R("a"), R("a2")));
  EXPECT_EQ(at_.Hash(), hash) << "a diff changes nothing";

  const std::string etag = Models()[0].etag();
  ASSERT_TRUE(Switch(stricter, etag).ok());
  EXPECT_EQ(at_.PersonOf("a"), ann);
  EXPECT_NE(at_.PersonOf("a2"), ann);
  EXPECT_EQ(at_.PersonOf("b"), bob);
  EXPECT_TRUE(Switch(stricter, etag).ok()) << "a repeat changes nothing";
  EXPECT_EQ(base::ReasonOf(Switch("linkModels/shipped", etag)), "ETAG_MISMATCH");
  ASSERT_EQ(Models()[0].name(), stricter);
  EXPECT_TRUE(Models()[0].active());
  EXPECT_FALSE(Models()[1].active());
  ASSERT_TRUE(Switch("linkModels/shipped", Models()[0].etag()).ok());
  EXPECT_EQ(at_.PersonOf("a2"), ann);
  EXPECT_EQ(at_.Hash(), hash);
}

TEST_F(ModelTest, OneThatIsNotThereIsRefused) {
  EXPECT_EQ(base::ReasonOf(Switch("linkModels/none")), "MODEL_NOT_FOUND");
  v1::DiffModelRequest request;
  request.set_name("linkModels/none");
  v1::ModelDiff diff;
  EXPECT_EQ(base::ReasonOf(at_.identity.DiffModel(at_.call, request, diff)), "MODEL_NOT_FOUND");
}

TEST_F(ModelTest, AFewRecordsAreNotEnoughToLearnFrom) {
  at_.Put("a", kAnn);
  Collected<v1::TrainModelResponse> progress;
  EXPECT_EQ(base::ReasonOf(at_.identity.TrainModel(at_.call, {}, progress)), "TOO_FEW_RECORDS");
  v1::TrainModelRequest request;
  request.set_precision(0.2);
  EXPECT_EQ(base::ReasonOf(at_.identity.TrainModel(at_.call, request, progress)), "PRECISION_WRONG");
}

TEST_F(ModelTest, ATrainedModelIsNamedByItsContentAndChangesNothingYet) {
  const char* kGiven[] = {"Ann",  "Ben",  "Cara", "Dai",  "Elsie", "Farah",
                          "Gwen", "Hugo", "Iris", "Jack", "Kemi"};
  const char* kFamily[] = {"Adams",  "Baker", "Cole",  "Davies", "Evans", "Fox",  "Green",
                           "Hughes", "Iqbal", "Jones", "Khan",   "Lewis", "Moore"};
  std::vector<RecordChange> changes;
  for (int i = 0; i < 900; ++i) {
    Fields fields = {{"given_name", kGiven[i % 11]},
                     {"family_name", kFamily[(i / 11) % 13]},
                     {"date_of_birth", fmt::format("{}-{:02}-{:02}", 1940 + i % 61, 1 + i % 12, 1 + i % 28)},
                     {"phone", fmt::format("4477009{:05}", i)},
                     {"postcode", fmt::format("M{} {}XA", 1 + i % 40, i % 10)}};
    changes.push_back(at_.ChangeOf(fmt::format("x{}", i), fields));
    if (i % 2 == 0) changes.push_back(at_.ChangeOf(fmt::format("y{}", i), fields));
  }
  at_.PutAll(std::move(changes));
  const std::string hash = at_.Hash();
  Collected<v1::TrainModelResponse> progress, again;
  v1::TrainModelRequest request;
  const absl::Status status = at_.identity.TrainModel(at_.call, request, progress);
  ASSERT_TRUE(status.ok()) << status;
  const auto said = progress.Await(2);
  ASSERT_TRUE(said.back().has_model());
  EXPECT_GT(said.size(), 2u);
  const v1::LinkModel model = said.back().model();
  EXPECT_EQ(model.records(), 1350);
  EXPECT_FALSE(model.active());
  EXPECT_EQ(model.principal(), "principals/tester");
  EXPECT_EQ(at_.Hash(), hash);
  EXPECT_EQ(Models()[0].name(), model.name());
  ASSERT_TRUE(at_.identity.TrainModel(at_.call, request, again).ok());
  EXPECT_EQ(again.Await(1).back().model().name(), model.name());
  ASSERT_TRUE(Switch(model.name()).ok());
  EXPECT_TRUE(Models()[0].active());

  v1::IdentityState state;
  ASSERT_TRUE(at_.identity.GetIdentityState(at_.call, {}, state).ok());
  EXPECT_FALSE(state.outgrown());
  std::vector<RecordChange> more;
  for (int i = 0; i < 3 * 1350; ++i)
    more.push_back(at_.ChangeOf(fmt::format("z{}", i), {{"given_name", fmt::format("Name{}", i)}}));
  at_.PutAll(std::move(more));
  ASSERT_TRUE(at_.identity.GetIdentityState(at_.call, {}, state).ok());
  EXPECT_EQ(state.model_records(), 1350);
  EXPECT_TRUE(state.outgrown());
}

TEST_F(IdentityTest, TheStateCountsAndItsHashIsOfTheContent) {
  at_.Put("a", kAnn);
  at_.Put("a2", kAnn);
  at_.Put("b", kBob);
  v1::IdentityState state;
  ASSERT_TRUE(at_.identity.GetIdentityState(at_.call, {}, state).ok());
  EXPECT_EQ(state.model(), "linkModels/shipped");
  EXPECT_EQ(state.records(), 3);
  EXPECT_EQ(state.people(), 2);
  EXPECT_EQ(state.partition_hash(), "");
  EXPECT_GT(state.index_bytes(), 0);
  EXPECT_GT(state.model_records(), 100'000);
  EXPECT_FALSE(state.outgrown());
  base::FakeClock other_clock;
  IdentityFixture other{other_clock};
  other.Put("b", kBob);
  other.Put("a2", kAnn);
  other.Put("a", kAnn);
  EXPECT_EQ(other.Hash(), at_.Hash());
}

}  // namespace
}  // namespace pharos::customer
