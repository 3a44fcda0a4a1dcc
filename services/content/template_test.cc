#include "services/content/template.h"

#include <gtest/gtest.h>

#include "services/base/errors.h"

namespace pharos::content {
namespace {

std::string ReasonFor(std::string_view text) {
  return base::ReasonOf(Template::Parse(text).status());
}
std::string FactFor(std::string_view text, const std::string& key) {
  auto facts = base::FactsOf(Template::Parse(text).status());
  return facts ? facts->metadata[key] : "no facts";
}

TEST(Template, RendersPlaceholdersAsNotifyUsersWriteThem) {
  struct Case {
    std::string text, rendered;
  };
  const std::map<std::string, std::string> values = {{"given_name", "Ann"},
                                                     {"family_name", "Lee"},
                                                     {"postcode", "SW1A 1AA"},
                                                     {"role", "carer"},
                                                     {"language", "no"}};
  for (const Case& c :
       std::vector<Case>{{"Dear ((first name)),", "Dear Ann,"},
                         {"((First_Name)) ((SURNAME))", "Ann Lee"},
                         {"((name))((last name))", "AnnLee"},
                         {"no placeholder (but brackets)", "no placeholder (but brackets)"},
                         {"nested (plain (brackets)) stay", "nested (plain (brackets)) stay"},
                         {"(((first name)))", "(Ann)"},
                         {"Hi((role?? and thank you for caring)).", "Hi and thank you for caring."},
                         {"((role?"
                          "?(see leaflet)))!",
                          "(see leaflet)!"},
                         {"Hi((language?? in your language)).", "Hi."},
                         {"Hi((interests?? with interests)).", "Hi."},
                         {"Ring 1) or 2)", "Ring 1) or 2)"},
                         {"((given_name)) (a)(b)", "Ann (a)(b)"}}) {
    auto parsed = Template::Parse(c.text);
    ASSERT_TRUE(parsed.ok()) << c.text << ": " << parsed.status().message();
    EXPECT_EQ(parsed->Render(values).value_or("not rendered"), c.rendered) << c.text;
  }
}

TEST(Template, NamesFieldsOnceAndSorted) {
  auto parsed = Template::Parse("((surname)) ((first name)) ((name)) ((area??x))");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->fields(), (std::vector<std::string>{"area", "family_name", "given_name"}));
}

TEST(Template, ValuesAreNeverParsedAgain) {
  auto parsed = Template::Parse("Dear ((first name))");
  EXPECT_EQ(parsed->Render({{"given_name", "((surname))"}, {"family_name", "Lee"}}).value(),
            "Dear ((surname))");
}

TEST(Template, ConditionHoldsForYesAndForAnyOtherText) {
  auto parsed = Template::Parse("a((interests??b))");
  for (std::string value : {"yes", "TRUE", "1", "running"})
    EXPECT_EQ(parsed->Render({{"interests", value}}).value(), "ab") << value;
  for (std::string value : {"no", "False", "0", "", "  "})
    EXPECT_EQ(parsed->Render({{"interests", value}}).value(), "a") << value;
}

TEST(Template, MissingValueIsRefusedByName) {
  auto parsed = Template::Parse("Dear ((first name))");
  for (const auto& values : std::vector<std::map<std::string, std::string>>{{}, {{"given_name", " "}}}) {
    absl::Status status = parsed->Render(values).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(base::ReasonOf(status), "PLACEHOLDER_EMPTY");
    EXPECT_EQ(base::FactsOf(status)->metadata["field"], "given_name");
  }
}

TEST(Template, WrongBracketsNameThePosition) {
  struct Case {
    std::string text, position;
  };
  for (const Case& c : std::vector<Case>{{"Dear ((first name", "6"},
                                         {"Dear ((first name)", "6"},
                                         {"£5 ((first name ((surname))", "4"},
                                         {"Dear first name)) x", "16"},
                                         {"Dear (()) x", "6"},
                                         {"Dear ((??x)) x", "6"},
                                         {"((role?"
                                          "?(open))",
                                          "1"},
                                         {" ", "1"}}) {
    EXPECT_EQ(ReasonFor(c.text), "TEMPLATE_WRONG") << c.text;
    EXPECT_EQ(FactFor(c.text, "position"), c.position) << c.text;
  }
}

TEST(Template, UnknownPlaceholderNamesTheNearest) {
  EXPECT_EQ(ReasonFor("Dear ((frist name))"), "PLACEHOLDER_UNKNOWN");
  EXPECT_EQ(FactFor("Dear ((frist name))", "nearest"), "given_name");
  EXPECT_EQ(FactFor("In ((post coed))", "nearest"), "postcode");
  EXPECT_EQ(FactFor("((favourite colour of the moon))", "nearest"), "");
}

TEST(Template, PrivateFieldsAreRefused) {
  for (std::string text : {"((NHS number))", "((date_of_birth))", "((dob??x))", "((email))", "((phone))"}) {
    EXPECT_EQ(ReasonFor(text), "PLACEHOLDER_PRIVATE") << text;
  }
}

TEST(Template, TooLongIsRefused) {
  EXPECT_TRUE(Template::Parse(std::string(918, 'x')).ok());
  EXPECT_EQ(ReasonFor(std::string(919, 'x')), "TEMPLATE_TOO_LONG");
  EXPECT_EQ(ReasonFor("((role??" + std::string(8200, 'x') + "))"), "TEMPLATE_TOO_LONG");
}

TEST(Template, NotUtf8IsRefused) {
  EXPECT_EQ(ReasonFor("caf\xe9"), "NOT_UTF8");
}

TEST(Template, OfASingleMessageTakesWhateverTheMessageBrings) {
  const auto parsed = Template::Parse("((Ref No)): ((first name)), see you ((ref_no))", Names::kBrought);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->fields(), (std::vector<std::string>{"firstname", "refno"}));
  EXPECT_EQ(BroughtName("REF-no"), "refno");
  EXPECT_EQ(*parsed->Render({{"refno", "A1"}, {"firstname", "Ann"}}), "A1: Ann, see you A1");
}

TEST(Template, OfASingleMessageStillShowsNoNhsNumber) {
  EXPECT_EQ(base::ReasonOf(Template::Parse("You are ((NHS number))", Names::kBrought).status()),
            "PLACEHOLDER_PRIVATE");
  EXPECT_TRUE(Template::Parse("Ring ((phone number))", Names::kBrought).ok());
}

}  // namespace
}  // namespace pharos::content
