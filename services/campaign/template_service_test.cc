#include "services/campaign/campaign_world_test.h"

namespace pharos::campaign {
namespace {

using Stub = v1::TemplateService::Stub;

class TemplateServiceTest : public CampaignWorld {
 protected:
  absl::StatusOr<v1::Template> Get(const std::string& id, uint64_t version = 0) {
    v1::GetTemplateRequest request;
    request.set_name("templates/" + id);
    request.set_version(version);
    return As("maya", *templates_, &Stub::GetTemplate, request);
  }
  absl::StatusOr<v1::PreviewTemplateResponse> Preview(const std::map<std::string, std::string>& values) {
    v1::PreviewTemplateRequest request;
    request.set_name("templates/quit");
    request.mutable_values()->insert(values.begin(), values.end());
    return As("maya", *templates_, &Stub::PreviewTemplate, request);
  }
};

TEST_F(TemplateServiceTest, KeepsEveryVersion) {
  auto first = CreateTemplate("quit", "Dear ((first name))");
  ASSERT_TRUE(first.ok()) << first.status().message();
  EXPECT_EQ(first->version(), 1u);
  EXPECT_EQ(first->placeholders(0), "given_name");
  EXPECT_EQ(first->digest(), base::ToHex(content::DigestOf("Dear ((first name))", "", "")));
  auto second = UpdateTemplate("quit", "Hello", first->etag());
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->version(), 2u);
  EXPECT_EQ(Get("quit")->sms_body(), "Hello");
  EXPECT_EQ(Get("quit", 1)->sms_body(), "Dear ((first name))");
  EXPECT_EQ(base::ReasonOf(Get("quit", 3).status()), "TEMPLATE_NOT_FOUND");
}

TEST_F(TemplateServiceTest, NobodysEditIsLost) {
  auto first = CreateTemplate("quit", "one");
  ASSERT_TRUE(UpdateTemplate("quit", "two", first->etag()).ok());
  EXPECT_EQ(base::ReasonOf(UpdateTemplate("quit", "three", first->etag()).status()), "ETAG_MISMATCH");
  EXPECT_EQ(base::ReasonOf(UpdateTemplate("quit", "three", "").status()), "ETAG_MISSING");
  EXPECT_EQ(Get("quit")->sms_body(), "two");
}

TEST_F(TemplateServiceTest, RefusesWhatIsWrongByName) {
  EXPECT_EQ(base::ReasonOf(CreateTemplate("Quit!", "x").status()), "ID_WRONG");
  EXPECT_EQ(base::ReasonOf(CreateTemplate("quit", "Dear ((first name").status()), "TEMPLATE_WRONG");
  auto unknown = CreateTemplate("quit", "Dear ((fist name))").status();
  EXPECT_EQ(base::ReasonOf(unknown), "PLACEHOLDER_UNKNOWN");
  EXPECT_EQ(base::FactsOf(unknown)->metadata["nearest"], "given_name");
  EXPECT_EQ(base::ReasonOf(Get("quit").status()), "TEMPLATE_NOT_FOUND");
  ASSERT_TRUE(CreateTemplate("quit", "x").ok());
  EXPECT_EQ(base::ReasonOf(CreateTemplate("quit", "x").status()), "TEMPLATE_EXISTS");
}

TEST_F(TemplateServiceTest, HoldsAnSmsOrAnEmailOrBoth) {
  auto both = CreateEmailTemplate("quit", "Dear ((surname))", "For ((first name))",
                                  "# Hi\n\nIn ((area)), [go](https://quit.example)");
  ASSERT_TRUE(both.ok()) << both.status().message();
  EXPECT_EQ(std::vector<std::string>(both->placeholders().begin(), both->placeholders().end()),
            (std::vector<std::string>{"area", "family_name", "given_name"}));
  EXPECT_EQ(both->email_subject(), "For ((first name))");
  EXPECT_EQ(both->digest(),
            base::ToHex(content::DigestOf(both->sms_body(), both->email_subject(), both->email_body())));
  auto preview = Preview({{"given_name", "Ann"}, {"family_name", "Lee"}, {"area", "<Leeds>"}});
  ASSERT_TRUE(preview.ok()) << preview.status().message();
  EXPECT_EQ(preview->sms_text(), "Dear Lee");
  EXPECT_EQ(preview->email_subject(), "For Ann");
  EXPECT_EQ(preview->email_text(), "Hi\n==\n\nIn <Leeds>, go: https://quit.example\n");
  EXPECT_NE(preview->email_html().find("In &lt;Leeds&gt;, <a href=\"https://quit.example\">go</a>"),
            std::string::npos);
  ASSERT_TRUE(CreateEmailTemplate("mail", "", "News", "Text").ok());
  EXPECT_EQ(base::ReasonOf(CreateEmailTemplate("x", "", "", "").status()), "TEMPLATE_EMPTY");
  EXPECT_EQ(base::ReasonOf(CreateEmailTemplate("x", "sms", "News", "").status()), "EMAIL_INCOMPLETE");
  EXPECT_EQ(base::ReasonOf(CreateEmailTemplate("x", "sms", "", "Text").status()), "EMAIL_INCOMPLETE");
  auto wrong = CreateEmailTemplate("x", "sms", "News", "one\n\n[go](javascript:alert(1))").status();
  EXPECT_EQ(base::ReasonOf(wrong), "TEMPLATE_WRONG");
  EXPECT_EQ(base::FactsOf(wrong)->metadata["position"], "6");
  EXPECT_EQ(base::FactsOf(wrong)->metadata["text"], "email_body");
}

TEST_F(TemplateServiceTest, ListsById) {
  for (std::string id : {"c", "a", "b"}) ASSERT_TRUE(CreateTemplate(id, "x").ok());
  v1::ListTemplatesRequest request;
  request.set_page_size(2);
  auto page = As("maya", *templates_, &Stub::ListTemplates, request);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->templates_size(), 2);
  EXPECT_EQ(page->templates(0).name(), "templates/a");
  request.set_page_token(page->next_page_token());
  page = As("maya", *templates_, &Stub::ListTemplates, request);
  ASSERT_EQ(page->templates_size(), 1);
  EXPECT_EQ(page->templates(0).name(), "templates/c");
  EXPECT_EQ(page->next_page_token(), "");
  request.set_page_token("zz");
  EXPECT_EQ(base::ReasonOf(As("maya", *templates_, &Stub::ListTemplates, request).status()),
            "PAGE_TOKEN_WRONG");
}

TEST_F(TemplateServiceTest, PreviewCountsAsTheSenderDoes) {
  ASSERT_TRUE(CreateTemplate("quit", "Dear ((first name)), it’s £5").ok());
  auto preview = Preview({{"given_name", "Ann"}});
  ASSERT_TRUE(preview.ok());
  EXPECT_EQ(preview->sms_text(), "Dear Ann, it’s £5");
  EXPECT_EQ(preview->characters(), 17);
  EXPECT_EQ(preview->parts(), 1);
  EXPECT_EQ(preview->encoding(), "UCS-2");
  EXPECT_EQ(preview->hints(0), "’ → '");
  EXPECT_EQ(base::ReasonOf(Preview({}).status()), "PLACEHOLDER_EMPTY");
}

}  // namespace
}  // namespace pharos::campaign
