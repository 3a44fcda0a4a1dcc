#include "services/content/email_text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "services/content/errors.h"

namespace pharos::content {
namespace {

using Values = std::map<std::string, std::string>;

Email Rendered(std::string_view markdown, const Values& values = {}, std::string_view subject = "News") {
  auto parsed = EmailTemplate::Parse(subject, markdown);
  EXPECT_TRUE(parsed.ok()) << markdown << ": " << parsed.status().message();
  if (!parsed.ok()) return {};
  auto email = parsed->Render(values);
  EXPECT_TRUE(email.ok()) << markdown << ": " << email.status().message();
  return email.value_or(Email());
}

std::string ReasonFor(std::string_view markdown, std::string_view subject = "News") {
  return base::ReasonOf(EmailTemplate::Parse(subject, markdown).status());
}
std::string FactFor(std::string_view markdown, const std::string& key, std::string_view subject = "News") {
  auto facts = base::FactsOf(EmailTemplate::Parse(subject, markdown).status());
  return facts ? facts->metadata[key] : "no facts";
}
bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

constexpr std::string_view kSample = R"(# Stop smoking, ((first name))

You can do it. We are **here** for you,
every day.((role?? Thank you for caring.))

### What you can do

1. Ring [our helpline](tel:0800123456)
2. Visit [the quit page](https://quit.example/start?from=mail&step=1)
   - it is free
   - it is *private*

> I did it. So can you.

<b>No HTML</b>

---

Questions? <help@quit.example>
)";

constexpr std::string_view kSampleText = R"(Stop smoking, Ann
=================

You can do it. We are here for you, every day. Thank you for caring.

What you can do

1. Ring our helpline: 0800123456
2. Visit the quit page: https://quit.example/start?from=mail&step=1
   - it is free
   - it is private

> I did it. So can you.

<b>No HTML</b>

--------------------

Questions? help@quit.example
)";

constexpr std::string_view kSampleHtml = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>Ann, quit &amp; win</title>
<style>:root { color-scheme: light dark; }</style>
</head>
<body style="margin: 0; padding: 0;">
<table role="presentation" align="center" border="0" cellpadding="0" cellspacing="0" width="100%" style="max-width: 36em; margin: 0 auto; border-collapse: collapse;">
<tr>
<td style="padding: 16px; font-family: Arial, Helvetica, sans-serif; font-size: 18px; line-height: 1.5; overflow-wrap: anywhere;">
<h1 style="margin: 24px 0 8px; font-size: 28px; line-height: 1.25;">Stop smoking, Ann</h1>
<p style="margin: 0 0 16px;">You can do it. We are <strong>here</strong> for you,
every day. Thank you for caring.</p>
<h2 style="margin: 24px 0 8px; font-size: 22px; line-height: 1.25;">What you can do</h2>
<ol style="margin: 0 0 16px; padding: 0 0 0 32px;">
<li>Ring <a href="tel:0800123456">our helpline</a>
</li>
<li>Visit <a href="https://quit.example/start?from=mail&amp;step=1">the quit page</a>
<ul style="margin: 0 0 16px; padding: 0 0 0 32px;">
<li>it is free
</li>
<li>it is <em>private</em>
</li>
</ul>
</li>
</ol>
<blockquote style="margin: 0 0 16px; padding: 0 0 0 16px; border-left: 4px solid;">
<p style="margin: 0 0 16px;">I did it. So can you.</p>
</blockquote>
<p style="margin: 0 0 16px;">&lt;b&gt;No HTML&lt;/b&gt;</p>
<hr>
<p style="margin: 0 0 16px;">Questions? <a href="mailto:help@quit.example">help@quit.example</a></p>
</td>
</tr>
</table>
</body>
</html>
)";

TEST(EmailText, OneSourceMakesTextAndHtml) {
  const Email email =
      Rendered(kSample, {{"given_name", "Ann"}, {"role", "carer"}}, "((first name)), quit & win");
  EXPECT_EQ(email.subject, "Ann, quit & win");
  EXPECT_EQ(email.text, kSampleText);
  EXPECT_EQ(email.html, kSampleHtml);
}

TEST(EmailText, NamesTheFieldsOfSubjectAndBody) {
  auto parsed = EmailTemplate::Parse("((surname))", "((first name)) ((area??in your area)) ((name))");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->fields(), (std::vector<std::string>{"area", "family_name", "given_name"}));
}

TEST(EmailText, AValueIsNeverMarkdownHtmlPlaceholderOrLink) {
  for (std::string value :
       {"<script>alert(1)</script>", "](javascript:alert(1))", "((email))", "**bold**", "# x", "- x", "`x`",
        "<img src=x onerror=alert(1)>", "&lt;b&gt;", "</title><script>", "![x](https://evil.example/x.png)",
        "\"><a href='https://evil.example'>", "[x]: https://evil.example"}) {
    const Email email = Rendered("Dear ((first name)), [read on](https://good.example)",
                                 {{"given_name", value}}, "For ((name))");
    EXPECT_EQ(email.text, "Dear " + value + ", read on: https://good.example\n");
    EXPECT_EQ(email.subject, "For " + value);
    for (std::string_view mark :
         {"<script", "<img", "<strong", "<li", "<code", "href='", "<h1", "onerror=alert(1)>"})
      EXPECT_FALSE(Has(email.html, mark)) << value << " gave " << mark;
    EXPECT_EQ(email.html.find("<a href"), email.html.rfind("<a href")) << value << ": one link, the author's";
    EXPECT_TRUE(Has(email.html, "<a href=\"https://good.example\">read on</a>"));
  }
  EXPECT_TRUE(Has(Rendered("Dear ((name))", {{"given_name", "<O'Neil & \"Co\">"}}).html,
                  "Dear &lt;O&#39;Neil &amp; &quot;Co&quot;&gt;"));
}

TEST(EmailText, ASubjectIsOneLineWhateverTheValueIs) {
  for (const std::string& value :
       std::vector<std::string>{"Ann\r\nBcc: everyone@example.org", "Ann\nX", std::string("Ann\0X", 5),
                                "Ann\x7f X", "Ann\xc2\x85X", "Ann\xe2\x80\xa8X", "\r\nAnn\r\n"}) {
    const Email email = Rendered("Dear ((name))", {{"given_name", value}}, "Hello ((name))");
    EXPECT_TRUE(email.subject.starts_with("Hello Ann")) << email.subject;
    for (const char c : email.subject) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
    EXPECT_EQ(email.text.find('\n'), email.text.size() - 1) << "a name is one line of the text too";
    EXPECT_FALSE(Has(email.subject, "\xc2\x85") || Has(email.subject, "\xe2\x80\xa8"));
  }
}

TEST(EmailText, BidirectionalControlsOfAValueDoNotTurnTheTextRound) {
  const Email email = Rendered("Dear ((name)), hello",
                               {{"given_name",
                                 "Ann\xE2\x80\xAE\xE2\x81\xA6"
                                 "eve\xE2\x81\xA9\xE2\x80\xAC"}},
                               "((name))");
  EXPECT_EQ(email.text, "Dear Anneve, hello\n");
  EXPECT_EQ(email.subject, "Anneve");
  EXPECT_TRUE(Has(Rendered("Dear ((name))", {{"given_name", "محمد"}}).text, "محمد"));
}

TEST(EmailText, MissingOrWrongValuesAreRefused) {
  auto parsed = EmailTemplate::Parse("News", "Dear ((name))");
  for (std::string value : {"", "  ", "\r\n", "\xE2\x80\xAE"}) {
    absl::Status status = parsed->Render({{"given_name", value}}).status();
    EXPECT_EQ(base::ReasonOf(status), "PLACEHOLDER_EMPTY");
    EXPECT_EQ(base::FactsOf(status)->metadata["field"], "given_name");
  }
  EXPECT_EQ(base::ReasonOf(parsed->Render({{"given_name", "caf\xe9"}}).status()), "NOT_UTF8");
  EXPECT_EQ(base::ReasonOf(parsed->Render({{"given_name", std::string(200'000, 'x')}}).status()),
            "MESSAGE_TOO_LONG");
  EXPECT_EQ(
      base::ReasonOf(
          EmailTemplate::Parse("((name))", "x")->Render({{"given_name", std::string(2000, 'x')}}).status()),
      "MESSAGE_TOO_LONG");
  EXPECT_EQ(base::ReasonOf(EmailTemplate::Parse("((role??For carers))", "x")->Render({}).status()),
            "PLACEHOLDER_EMPTY");
}

TEST(EmailText, ConditionsHoldMarkdownOfTheirOwnAndLeaveNothingBehind) {
  const std::string source =
      "Dear ((name)),((role?? **thank you**, [see](https://x.example)))\n\n((interests??More for "
      "you.))\n\nBye";
  EXPECT_EQ(Rendered(source, {{"given_name", "Ann"}, {"role", "carer"}}).text,
            "Dear Ann, thank you, see: https://x.example\n\nBye\n");
  const Email without = Rendered(source, {{"given_name", "Ann"}, {"role", "no"}, {"interests", "running"}});
  EXPECT_EQ(without.text, "Dear Ann,\n\nMore for you.\n\nBye\n");
  EXPECT_FALSE(Has(without.html, "<p style=\"margin: 0 0 16px;\"></p>"));
  EXPECT_EQ(Rendered("- a\n- ((role??b))\n- c").text, "- a\n- c\n");
  EXPECT_EQ(ReasonFor("a **b ((role??c** d)) e"), "TEMPLATE_WRONG");
  EXPECT_EQ(FactFor("one\n\n((role??two\n\nthree))", "position"), "6");
}

TEST(EmailText, PlaceholdersStandInTextOnly) {
  struct Case {
    std::string markdown, position;
  };
  for (const Case& c : std::vector<Case>{{"See [it](https://x.example/((name)))", "28"},
                                         {"See <https://x.example/((name))>", "24"},
                                         {"See [it](https://x.example \"((name))\")", "29"},
                                         {"See [it]\n\n[it]: https://x.example/((name))", "35"},
                                         {"[((name))]: https://x.example\n\nx", "2"},
                                         {"``` ((name))\nx\n```", "5"}}) {
    EXPECT_EQ(ReasonFor(c.markdown), "TEMPLATE_WRONG") << c.markdown;
    EXPECT_EQ(FactFor(c.markdown, "position"), c.position) << c.markdown;
    EXPECT_EQ(FactFor(c.markdown, "text"), "email_body");
  }
  EXPECT_EQ(Rendered("`((name))`", {{"given_name", "**x**"}}).text, "**x**\n");
  EXPECT_EQ(Rendered("[for ((name))](https://x.example)", {{"given_name", "Ann"}}).text,
            "for Ann: https://x.example\n");
}

TEST(EmailText, LinksLeadToTheWebAMailboxOrAPhone) {
  for (std::string good :
       {"[a](https://x.example)", "[a](HTTP://x.example)", "[a](mailto:a@x.example)", "[a](tel:0800)"})
    EXPECT_EQ(ReasonFor(good), "") << good;
  for (std::string bad :
       {"[a](javascript:alert(1))", "[a](data:text/html,x)", "[a](/start)", "[a]()", "[a](x.html)",
        "[a](java&#115;cript:alert(1))", "<ftp://x.example>", "[a](https://)"}) {
    EXPECT_EQ(ReasonFor("fine\n\n" + bad), "TEMPLATE_WRONG") << bad;
    EXPECT_EQ(FactFor("fine\n\n" + bad, "position"), "7") << bad;
  }
  EXPECT_TRUE(
      Has(Rendered("[a](<https://x.example/\"é \\>>)").html, "href=\"https://x.example/%22%C3%A9%20%3E\""));
  EXPECT_TRUE(Has(Rendered("[](https://x.example)").html, ">https://x.example</a>"))
      << "a link says where it leads";
}

TEST(EmailText, ImagesAndReservedCharactersAreRefused) {
  EXPECT_EQ(FactFor("one\n\n![logo](https://x.example/l.png)", "position"), "6");
  for (std::string text :
       {"a \xF3\xB0\x80\x80 b", "a &#xF0000; b ((name))", "((name)) &#983040;", "\xF3\xBF\xBF\xBD"})
    EXPECT_EQ(ReasonFor(text), "TEMPLATE_WRONG") << text;
  EXPECT_EQ(ReasonFor(std::string("a\0b", 3)), "TEMPLATE_WRONG");
  EXPECT_EQ(ReasonFor(std::string(200, '>') + " x"), "TEMPLATE_WRONG");
}

TEST(EmailText, RawHtmlIsShownNotSent) {
  for (std::string source :
       {"<script>alert(1)</script>", "a <img src=x> b", "<!-- x -->", "<p onclick=x>y</p>"}) {
    const Email email = Rendered(source);
    EXPECT_FALSE(Has(email.html, "<script") || Has(email.html, "<img") || Has(email.html, "<!--") ||
                 Has(email.html, "<p onclick"));
    EXPECT_EQ(email.text, source + "\n");
  }
}

TEST(EmailText, HeadingsLeaveNoLevelOut) {
  const std::string html = Rendered("#### a\n\n# b\n\n### c\n\n###### d").html;
  EXPECT_TRUE(Has(html, "<h1") && Has(html, ">a</h1>") && Has(html, ">b</h1>") && Has(html, ">c</h2>") &&
              Has(html, ">d</h3>"));
}

TEST(EmailText, AFooterInBothPartsSaysHowToUnsubscribe) {
  auto parsed = EmailTemplate::Parse("News", "Dear ((name))");
  ASSERT_TRUE(parsed.ok());
  auto email = parsed->Render({{"given_name", "Ann"}}, "https://u.example/1?a=b&c=\"d");
  ASSERT_TRUE(email.ok());
  EXPECT_EQ(email->text,
            "Dear Ann\n\n--------------------\n\nUnsubscribe from these emails: "
            "https://u.example/1?a=b&c=\"d\n");
  EXPECT_TRUE(Has(email->html, "<a href=\"https://u.example/1?a=b&amp;c=&quot;d\">unsubscribe"));
  EXPECT_FALSE(Has(Rendered("Dear Ann").html, "nsubscribe"));
  EXPECT_FALSE(Has(email->html, "choose what we send you"));
  email = parsed->Render({{"given_name", "Ann"}}, "https://u.example/1", {}, "https://u.example/p/1?\"");
  ASSERT_TRUE(email.ok());
  EXPECT_TRUE(Has(email->text, "\n\nChoose what we send you: https://u.example/p/1?\"\n"));
  EXPECT_TRUE(
      Has(email->html, " or <a href=\"https://u.example/p/1?&quot;\">choose what we send you</a> at any"));
}

TEST(EmailText, TheHtmlIsOneColumnThatEverybodyCanRead) {
  const std::string html = Rendered("Hello").html;
  for (std::string_view mark : {"<html lang=\"en\">", "<title>News</title>", "<table role=\"presentation\"",
                                "color-scheme: light dark", "font-size: 18px"})
    EXPECT_TRUE(Has(html, mark)) << mark;
}

TEST(EmailText, WrongTemplatesSayWhichTextAndWhere) {
  EXPECT_EQ(ReasonFor("x", "Hello ((frist name))"), "PLACEHOLDER_UNKNOWN");
  EXPECT_EQ(FactFor("x", "text", "Hello ((frist name))"), "email_subject");
  EXPECT_EQ(FactFor("x", "position", "Hello ((frist name))"), "7");
  EXPECT_EQ(FactFor("x", "position", "Hello\nBcc: x"), "6");
  EXPECT_EQ(ReasonFor("x", " "), "TEMPLATE_WRONG");
  EXPECT_EQ(ReasonFor(" "), "TEMPLATE_WRONG");
  EXPECT_EQ(ReasonFor("((nhs number))"), "PLACEHOLDER_PRIVATE");
  EXPECT_EQ(ReasonFor("((name"), "TEMPLATE_WRONG");
  EXPECT_EQ(ReasonFor("caf\xe9"), "NOT_UTF8");
  EXPECT_EQ(ReasonFor(std::string(65'537, 'x')), "TEMPLATE_TOO_LONG");
  EXPECT_EQ(ReasonFor(std::string(60'000, '"')), "TEMPLATE_TOO_LONG") << "escaped it is six times as long";
}

constexpr std::string_view kLinks =
    R"([One](https://a.example/1), ((first name?? or [two](HTTPS://b.example:8443?x=1&y=2)))
and <https://c.example/3>

[no](http://d.example/), [mail](mailto:help@e.example), [call](tel:0800), [who](https://nhs.uk@evil.example/),
[odd](https://evil.example%2F.nhs.uk/), [name](https://caf\xc3\xa9.example/)

[one again](https://a.example/1)
)";

TEST(EmailText, LinksThatMayBeCountedAreNumberedInTheOrderOfTheText) {
  auto parsed = EmailTemplate::Parse("News", kLinks);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->links(),
            (std::vector<std::string>{"https://a.example/1", "HTTPS://b.example:8443?x=1&y=2",
                                      "https://c.example/3", "https://a.example/1"}));
  EXPECT_TRUE(EmailTemplate::Parse("News", "no link")->links().empty());
}

TEST(EmailText, LinksLeadElsewhereInOneEmailAndNowhereElse) {
  auto parsed = EmailTemplate::Parse("News", kLinks);
  ASSERT_TRUE(parsed.ok());
  const std::vector<std::string> instead = {"https://e.test/l/1", "https://e.test/l/2", "https://e.test/l/3",
                                            "https://e.test/l/4"};
  const auto email = parsed->Render({{"given_name", "Ann"}}, "https://u.test/1", instead);
  ASSERT_TRUE(email.ok()) << email.status();
  for (const std::string& address : instead) {
    EXPECT_TRUE(Has(email->html, "<a href=\"" + address + "\">")) << address;
    EXPECT_TRUE(Has(email->text, ": " + address)) << address;
  }
  EXPECT_FALSE(Has(email->html, "<a href=\"https://a.example"));
  EXPECT_TRUE(Has(email->html, "<a href=\"https://e.test/l/3\">https://c.example/3</a>"))
      << "what it shows stays";
  for (std::string_view same : {"http://d.example/", "mailto:help@e.example", "tel:0800",
                                "https://nhs.uk@evil.example/", "https://u.test/1"})
    EXPECT_TRUE(Has(email->html, fmt::format("<a href=\"{}\"", same))) << same;

  // A condition that does not hold takes its link away, and no number moves.
  const auto shorter = parsed->Render({}, "", instead);
  ASSERT_TRUE(shorter.ok());
  EXPECT_FALSE(Has(shorter->html, "https://e.test/l/2"));
  EXPECT_TRUE(Has(shorter->html, "https://e.test/l/3"));
  const auto plain = parsed->Render({{"given_name", "Ann"}});
  EXPECT_TRUE(Has(plain->html, "<a href=\"https://a.example/1\">One</a>"));
  EXPECT_FALSE(Has(plain->html, "e.test"));
}

TEST(EmailText, MoreLinksThanATokenCanNameStayAsTheyAre) {
  std::string many;
  for (int i = 0; i < 300; ++i) many += fmt::format("[x](https://a.example/{})\n", i);
  auto parsed = EmailTemplate::Parse("News", many);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->links().size(), 255u);
  const auto email = parsed->Render({}, "", std::vector<std::string>(255, "https://e.test/l/x"));
  EXPECT_TRUE(Has(email->html, "https://a.example/255"));
  EXPECT_FALSE(Has(email->html, "https://a.example/254"));
}

}  // namespace
}  // namespace pharos::content
