#include <fmt/format.h>

#include <map>
#include <set>

#include "pharos/campaign/v1/campaign_service.pb.h"
#include "services/base/errors.h"
#include "services/content/email_text.h"
#include "services/content/sms_text.h"
#include "services/content/template.h"
#include "services/edge/console/campaign_words.h"
#include "services/edge/console/template_checks.h"
#include "services/edge/console/template_pages.h"

namespace pharos::edge::console {
namespace {

namespace v1 = campaign::v1;
using Values = std::map<std::string, std::string>;

constexpr int kLookedThrough = 20;  // campaigns, newest first, for one that has a price

std::string SampleOf(const std::string& field) {
  static const auto* samples = new std::map<std::string, std::string, std::less<>>{
      {"given_name", "Sam"},   {"family_name", "Taylor"}, {"full_name", "Sam Taylor"},     {"title", "Dr"},
      {"postcode", "LS1 4AP"}, {"language", "en"},        {"date_of_birth", "1980-03-27"}, {"area", "Leeds"}};
  const auto at = samples->find(field);
  return at == samples->end() ? "yes" : at->second;
}

// Fields that are put in as they are: these need a value in any variant.
std::set<std::string> PutIn(const v1::Template& text, content::Names names) {
  std::set<std::string> fields;
  for (const std::string& source : {text.sms_body(), text.email_subject(), text.email_body()}) {
    const auto parts = content::ReadPlaceholders(source, names);
    if (!parts.ok()) continue;
    for (const content::Part& part : *parts)
      if (part.kind == content::Part::kField) fields.insert(part.field);
  }
  return fields;
}

// What stands in for a person's values.
struct Samples {
  Values full;                       // everything that may be shown is
  Values least;                      // only what has to be
  std::set<std::string> conditions;  // fields that are asked about and not put in
};

Samples SamplesOf(const v1::Template& text, content::Names names) {
  const std::set<std::string> put_in = PutIn(text, names);
  Samples samples;
  for (const std::string& source : {text.sms_body(), text.email_subject(), text.email_body()}) {
    const auto parts = content::ReadPlaceholders(source, names);
    if (!parts.ok()) continue;
    for (const content::Part& part : *parts) {
      if (part.kind == content::Part::kText) continue;
      samples.full[part.field] = SampleOf(part.field);
      if (put_in.contains(part.field)) samples.least[part.field] = samples.full[part.field];
      if (part.kind == content::Part::kCondition && !put_in.contains(part.field))
        samples.conditions.insert(part.field);
    }
  }
  return samples;
}

content::Names NamesOf(const v1::Template& text) {
  return text.single_messages() ? content::Names::kBrought : content::Names::kRecord;
}

Model Lines(const std::vector<std::string>& lines) {
  Model list = Model::array();
  for (const std::string& line : lines) list.push_back({{"line", line}});
  return list;
}

Model SmsModel(const std::string& rendered, int64_t price, std::vector<std::string>& problems) {
  const auto encoded = content::EncodeSms(rendered);
  if (!encoded.ok()) {
    problems.push_back(WordsOf(encoded.status()));
    return {{"text", rendered}, {"count", ""}, {"hints", Model::array()}};
  }
  const auto parts = static_cast<int64_t>(encoded->parts.size());
  std::string count = fmt::format("{} characters, charged as {} text message{}", encoded->characters, parts,
                                  parts == 1 ? "" : "s");
  count += price > 0 ? fmt::format(", {} for each person at the price of the last campaign.",
                                   MoneyInWords(parts * price))
                     : ".";
  std::vector<std::string> hints;
  if (encoded->encoding == content::SmsEncoding::kUcs2) {
    for (const std::string& hint : content::SmsHints(rendered))
      hints.push_back(fmt::format("This character makes the message longer: {}", hint));
    if (hints.empty())
      hints.push_back(
          "Some characters are outside the alphabet of text messages, so one message holds 70 characters "
          "instead of 160.");
  }
  return {{"text", rendered}, {"count", count}, {"hints", Lines(hints)}};
}

// One variant. What cannot be shown says why in `problems`.
Model Variant(const v1::Template& text, content::Names names, const std::string& name, const Values& values,
              int64_t price, std::vector<std::string>& problems, std::string& all) {
  Model variant = {{"name", name}};
  if (!text.sms_body().empty()) {
    const auto parsed = content::Template::Parse(text.sms_body(), names);
    const auto rendered = parsed.ok() ? parsed->Render(values) : absl::StatusOr<std::string>(parsed.status());
    if (rendered.ok()) variant["sms"] = SmsModel(*rendered, price, problems);
    if (!rendered.ok()) problems.push_back("Text message: " + WordsOf(rendered.status()));
    if (rendered.ok()) all += *rendered + "\n";
  }
  if (!text.email_body().empty() || !text.email_subject().empty()) {
    const auto parsed = content::EmailTemplate::Parse(text.email_subject(), text.email_body(), names);
    const auto rendered =
        parsed.ok() ? parsed->Render(values) : absl::StatusOr<content::Email>(parsed.status());
    if (rendered.ok())
      variant["mail"] = {{"subject", rendered->subject},
                         {"html", MailForPage(rendered->html)},
                         {"plain", rendered->text},
                         {"name", name}};
    if (!rendered.ok()) problems.push_back("Email: " + WordsOf(rendered.status()));
    if (rendered.ok()) all += rendered->text + "\n";
  }
  return variant;
}

}  // namespace

Model PreviewOf(const v1::Template& text, int64_t price) {
  const auto names = NamesOf(text);
  const auto [full, least, conditions] = SamplesOf(text, names);
  std::vector<std::string> problems;
  std::string all, ignored;
  Model model = {{"variants", Model::array()}};
  model["variants"].push_back(
      Variant(text, names, conditions.empty() ? "As people will see it" : "With everything that may be shown",
              full, price, problems, all));
  std::vector<std::string> again;
  if (!conditions.empty() && problems.empty())
    model["variants"].push_back(
        Variant(text, names, "With nothing that may be left out", least, price, again, ignored));
  for (const std::string& problem : again) problems.push_back(problem);
  model["problems"] = Lines(problems);
  const std::string source = text.sms_body() + "\n" + text.email_subject() + "\n" + text.email_body();
  const auto words = WordHints(source), access = AccessHints(source);
  model["checked"] = !all.empty();
  model["reading"] =
      fmt::format("Reading age {} (Flesch–Kincaid grade {:.1f}). Most people are at ease with 9 to 11.",
                  ReadingAge(all), ReadingGrade(all));
  model["words"] = Lines(words);
  model["has_words"] = !words.empty();
  model["access"] = Lines(access);
  model["has_access"] = !access.empty();
  return model;
}

absl::StatusOr<SampleMessage> SampleSms(const v1::Template& text) {
  const auto names = NamesOf(text);
  PHAROS_ASSIGN_OR_RETURN(const auto parsed, content::Template::Parse(text.sms_body(), names));
  SampleMessage message;
  PHAROS_ASSIGN_OR_RETURN(message.text, parsed.Render(SamplesOf(text, names).full));
  return message;
}

absl::StatusOr<SampleMessage> SampleEmail(const v1::Template& text) {
  const auto names = NamesOf(text);
  PHAROS_ASSIGN_OR_RETURN(const auto parsed,
                          content::EmailTemplate::Parse(text.email_subject(), text.email_body(), names));
  PHAROS_ASSIGN_OR_RETURN(const content::Email email, parsed.Render(SamplesOf(text, names).full));
  return SampleMessage{email.subject, email.text};
}

int64_t PriceOfPart(const Visit& visit) {
  if (!visit.May("campaigns.read")) return 0;
  v1::ListCampaignsRequest request;
  request.set_page_size(kLookedThrough);
  v1::ListCampaignsResponse response;
  if (!visit.Call(request, &response).ok()) return 0;
  for (const v1::Campaign& campaign : response.campaigns()) {
    if (campaign.launch_time_us() == 0) continue;
    v1::GetReportRequest ask;
    ask.set_name(campaign.name());
    v1::Report report;
    if (!visit.Call(ask, &report).ok()) continue;
    if (report.parts() > 0 && report.cost_micropounds() > 0)
      return report.cost_micropounds() / report.parts();
  }
  return 0;
}

}  // namespace pharos::edge::console
