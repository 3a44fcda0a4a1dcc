#include "services/edge/console/operation_words.h"

#include <gmock/gmock.h>

#include "services/edge/console/blocks.h"

namespace pharos::edge::console {
namespace {

TEST(OperationWords, RepliesReadAsWords) {
  EXPECT_EQ(ReplyInWords("STOP"), "Asked to stop");
  EXPECT_EQ(ReplyInWords("HELP"), "Asks for help");
  EXPECT_EQ(ReplyInWords("UNSUBSCRIBE"), "Unsubscribed");
  EXPECT_EQ(ReplyInWords("OTHER"), "Something else");
}

TEST(OperationWords, HealthIsTheWorstThatIsTrue) {
  dispatch::v1::Connector connector;
  EXPECT_EQ(HealthInWords(connector), "Not connected");
  connector.set_connected(true);
  EXPECT_EQ(HealthInWords(connector), "Provider away");
  connector.set_link_up(true);
  EXPECT_EQ(HealthInWords(connector), "Working");
  EXPECT_EQ(HealthColour(connector), "green");
  connector.set_problem("THROTTLED_HARD");
  EXPECT_EQ(HealthInWords(connector), "Working, with a problem");
  EXPECT_EQ(ProblemInWords(connector.problem()), "Throttled hard");
  connector.set_paused(true);
  EXPECT_EQ(HealthInWords(connector), "Paused");
}

TEST(OperationWords, MethodsReadAsWords) {
  EXPECT_EQ(QuestionInWords("/pharos.audience.v1.AudienceService/CountAudience"), "Count audience");
}

TEST(Blocks, DatesAreRealOnes) {
  const auto date = [](const char* pairs) { return DateOf(*ReadPairs(pairs), "d"); };
  EXPECT_EQ(date("d-day=27&d-month=3&d-year=1980"), "1980-03-27");
  EXPECT_EQ(date("d-day=&d-month=&d-year="), "");
  EXPECT_EQ(date("d-day=31&d-month=2&d-year=1980"), "?");
  EXPECT_EQ(date("d-day=1&d-month=1&d-year=80"), "?");
  EXPECT_EQ(date("d-day=1&d-month=x&d-year=1980"), "?");
  EXPECT_EQ(date("d-day=1&d-year=1980"), "?");
}

TEST(Blocks, AFormGivesBackWhatWasGiven) {
  FormPage page;
  Field boxes{Field::Kind::kCheckboxes, "kinds", "Kinds", ""};
  boxes.choices = {{"a", "A", ""}, {"b", "B", ""}};
  page.fields = {{Field::Kind::kText, "how", "How", ""}, boxes, {Field::Kind::kDate, "until", "Until", ""}};
  const FormPage again =
      Refilled(page, *ReadPairs("how=letter&kinds=b&until-day=1&until-month=&until-year=2026"));
  const Reply reply = ShowFormErrors(again, {{"until", "Enter when it ends"}});
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(reply.model["fields"][0]["value"], "letter");
  EXPECT_EQ(reply.model["fields"][1]["choices"][0]["chosen"], false);
  EXPECT_EQ(reply.model["fields"][1]["choices"][1]["chosen"], true);
  EXPECT_EQ(reply.model["fields"][2]["year"], "2026");
  EXPECT_EQ(reply.model["fields"][2]["wrong"], "Enter when it ends");
  EXPECT_EQ(reply.model["errors"][0]["field"], "until-day") << "the summary leads to the first of the three";
}

TEST(Blocks, NextPageKeepsTheFilter) {
  Model model;
  AddNextPage(model, "/console/inbox", "");
  EXPECT_FALSE(model.contains("next_page"));
  AddNextPage(model, "/console/inbox?kind=STOP", "a/b");
  EXPECT_EQ(model["next_page"], "/console/inbox?kind=STOP&page=a%2Fb");
}

}  // namespace
}  // namespace pharos::edge::console
