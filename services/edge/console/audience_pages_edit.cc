// Describing an audience: rows of "field, is, value", a filter in words, and at once who that would be.
#include <fmt/format.h>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/console/audience_pages.h"

namespace pharos::edge::console {
namespace {

namespace v1 = audience::v1;

constexpr int kRows = 3;  // of the builder; more goes into the filter

std::vector<v1::Field> PublishedFields(const Visit& visit) {
  v1::ListFieldsResponse response;
  if (!visit.Call(v1::ListFieldsRequest(), &response).ok()) return {};
  return {response.fields().begin(), response.fields().end()};
}

std::string InWords(std::string name) {
  for (char& c : name)
    if (c == '_') c = ' ';
  return name;
}

std::vector<Field> RowsOf(const std::vector<v1::Field>& published) {
  std::vector<Field> rows;
  for (int i = 1; i <= kRows; ++i) {
    Field field{Field::Kind::kSelect, fmt::format("field{}", i), i == 1 ? "Who: field" : "And: field", ""};
    field.choices = {{"", "Choose", ""}};
    for (const v1::Field& each : published)
      if (each.type() != "function" && each.type() != "timestamp" && each.name() != "person")
        field.choices.push_back({each.name(), InWords(each.name()), ""});
    Field relation{Field::Kind::kSelect, fmt::format("relation{}", i), fmt::format("Row {}: is", i), ""};
    relation.choices = {
        {"is", "is", ""}, {"not", "is not", ""}, {"least", "is at least", ""}, {"most", "is at most", ""}};
    relation.value = "is";
    Field value{Field::Kind::kText, fmt::format("value{}", i), fmt::format("Row {}: value", i), ""};
    value.width = "govuk-input--width-10";
    rows.insert(rows.end(), {field, relation, value});
  }
  return rows;
}

std::vector<Field> AllFields(const Visit& visit, const v1::Audience& audience, bool fresh) {
  std::vector<Field> fields;
  if (fresh && visit.May("audiences.write")) {
    fields.push_back(
        {Field::Kind::kText, "audience_id", "Short name",
         "For programs: small letters, digits and hyphens, like smokers-leeds. It cannot be changed later."});
    fields.back().width = "govuk-input--width-20";
  }
  if (visit.May("audiences.write")) {
    fields.push_back(
        {Field::Kind::kText, "display_name", "Audience name", "Only you and your colleagues see it"});
    fields.back().value = audience.display_name();
  }
  const auto rows = RowsOf(PublishedFields(visit));
  fields.insert(fields.end(), rows.begin(), rows.end());
  fields.push_back(
      {Field::Kind::kArea, "filter", "Or write a filter",
       "For example: age >= 35 AND deprivation <= 3 AND reachable(SMS). Rows above are added to it."});
  fields.back().value = audience.filter();
  fields.push_back(
      {Field::Kind::kSelect, "purpose", "Who of them may be written to for", "Nothing is sent by choosing"});
  fields.back().choices = PurposeChoices(visit, "Only count");
  fields.push_back({Field::Kind::kCheckboxes, "channels", "By", ""});
  fields.back().choices = {{"1", "Text message", ""}, {"2", "Email", ""}};
  fields.back().chosen = {"1"};
  fields.push_back({Field::Kind::kHidden, "version"});
  fields.back().value = std::to_string(audience.version());
  return fields;
}

// What rows and filter say together.
std::string FilterOf(const Visit& visit) {
  const FormValues& form = visit.form;
  std::vector<std::string> all = {form.Get("filter")};
  const std::vector<v1::Field> published = PublishedFields(visit);
  for (int i = 1; i <= kRows; ++i) {
    const std::string field = form.Get(fmt::format("field{}", i));
    for (const v1::Field& each : published)
      if (each.name() == field)
        all.push_back(RowFilter(field, each.type(), form.Get(fmt::format("relation{}", i)),
                                form.Get(fmt::format("value{}", i))));
  }
  return AllOf(all);
}

absl::StatusOr<v1::CountAudienceResponse> Count(const Visit& visit, const std::string& filter) {
  v1::CountAudienceRequest request;
  request.set_filter(filter);
  request.set_purpose(visit.form.Get("purpose"));
  for (const std::string& channel : visit.form.All("channels"))
    if (channel == "1" || channel == "2")
      request.add_channels(channel == "1" ? type::v1::CHANNEL_SMS : type::v1::CHANNEL_EMAIL);
  if (request.channels().empty()) request.add_channels(type::v1::CHANNEL_SMS);
  if (request.purpose().empty()) request.clear_channels();
  v1::CountAudienceResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  return response;
}

PageOfBlocks EditPage(Visit& visit, const v1::Audience& audience, const std::string& id,
                      const std::string& filter,
                      const std::vector<std::pair<std::string, std::string>>& errors) {
  const bool fresh = id.empty();
  PageOfBlocks page(visit, fresh ? "New audience" : "Change audience",
                    fresh ? "/console/audiences" : "/console/audiences/" + id);
  FormBlock form;
  form.fields = AllFields(visit, audience, fresh);
  if (visit.request.method == "POST") Refill(form.fields, visit.form);
  if (visit.May("audiences.write")) form.submits = {{"Save", "act", "save"}};
  form.submits.push_back({"Count", "act", "count", true});
  for (int i = 1; i <= kRows; ++i)
    form.rows.emplace_back(fmt::format("field{}", i), fmt::format("value{}", i));
  form.live = "/console/audiences/count";
  form.into = "funnel";
  form.errors = errors;
  page.Add(form);
  if (visit.May("audiences.count")) {
    Model funnel = FunnelModel(Count(visit, filter));
    if (!filter.empty()) funnel["as_filter"] = filter;
    page.AddInto("funnel", "_funnel", funnel);
  }
  Section help;
  Table fields{"Fields that a filter may use", Heads({"Field", "Kind", "What it means"}), {}, ""};
  for (const v1::Field& each : PublishedFields(visit))
    fields.rows.push_back({{each.name()}, {each.type()}, {each.description()}});
  help.tables = {fields};
  page.Add("_unfold",
           {{"summary", "Fields that a filter may use"}, {"html", Fill("_section", ModelOf(help))}});
  AddCopyAs(
      page.model(), "pharos audience count --filter 'age >= 35 AND deprivation <= 3' --purpose stop-smoking",
      "audience.v1.AudienceService/CountAudience",
      R"j({"filter": "age >= 35 AND deprivation <= 3", "purpose": "purposes/stop-smoking", "channels": ["CHANNEL_SMS"]})j");
  return page;
}

absl::StatusOr<v1::Audience> Get(const Visit& visit) {
  v1::GetAudienceRequest request;
  request.set_name("audiences/" + visit.args[0]);
  v1::Audience audience;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &audience));
  return audience;
}

absl::StatusOr<Reply> ShowNew(Visit& visit) {
  return EditPage(visit, {}, "", "", {}).Show();
}

absl::StatusOr<Reply> ShowEdit(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Audience audience, Get(visit));
  return EditPage(visit, audience, visit.args[0], audience.filter(), {}).Show();
}

absl::StatusOr<Reply> CountNow(Visit& visit) {
  const std::string filter = FilterOf(visit);
  Model funnel = FunnelModel(Count(visit, filter));
  if (!filter.empty()) funnel["as_filter"] = filter;
  return ShowPart("_funnel", std::move(funnel));
}

Reply Again(Visit& visit, const std::string& id, const std::string& filter, const std::string& field,
            const std::string& words) {
  const std::vector<std::pair<std::string, std::string>> errors = {{field, words}};
  return EditPage(visit, {}, id, filter, errors).ShowWith(errors);
}

absl::StatusOr<Reply> Create(Visit& visit) {
  const std::string filter = FilterOf(visit), id = visit.form.Get("audience_id");
  if (visit.form.Get("act") == "count" || !visit.May("audiences.write"))
    return EditPage(visit, {}, "", filter, {}).Show();
  if (!base::IsChosenId(id))
    return Again(visit, "", filter, "audience_id",
                 "Enter a short name of small letters, digits and hyphens, like smokers-leeds");
  v1::CreateAudienceRequest request;
  request.set_audience_id(id);
  request.mutable_audience()->set_display_name(visit.form.Get("display_name"));
  request.mutable_audience()->set_filter(filter);
  request.set_request_id(visit.form.Get("request_id"));
  v1::Audience made;
  const absl::Status status = visit.Call(request, &made);
  if (status.ok()) return Go("/console/audiences/" + id, "The audience is saved.");
  if (!IsMendable(status)) return status;
  return Again(visit, "", filter, absl::IsAlreadyExists(status) ? "audience_id" : "filter", WordsOf(status));
}

absl::StatusOr<Reply> Update(Visit& visit) {
  const std::string filter = FilterOf(visit), id = visit.args[0];
  if (visit.form.Get("act") == "count") return EditPage(visit, {}, id, filter, {}).Show();
  v1::UpdateAudienceRequest request;
  request.mutable_audience()->set_name("audiences/" + id);
  request.mutable_audience()->set_display_name(visit.form.Get("display_name"));
  request.mutable_audience()->set_filter(filter);
  request.set_expected_version(
      static_cast<uint32_t>(std::strtoul(visit.form.Get("version").c_str(), nullptr, 10)));
  request.set_request_id(visit.form.Get("request_id"));
  v1::Audience made;
  const absl::Status status = visit.Call(request, &made);
  if (status.ok())
    return Go("/console/audiences/" + id,
              fmt::format("Version {} of the audience is saved.", made.version()));
  if (!IsMendable(status)) return status;
  return Again(visit, id, filter, "filter", WordsOf(status));
}

}  // namespace

void AddAudienceEditPages(Routes& routes) {
  routes.Get("/console/audiences/new", "audiences.read", &ShowNew);
  routes.Post("/console/audiences/new", "audiences.read", &Create);
  routes.Post("/console/audiences/count", "audiences.count", &CountNow);
  routes.Get("/console/audiences/{}/edit", "audiences.write", &ShowEdit);
  routes.Post("/console/audiences/{}/edit", "audiences.write", &Update);
}

}  // namespace pharos::edge::console
