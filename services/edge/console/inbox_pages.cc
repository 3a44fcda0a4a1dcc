// What people answered: the list, one reply, and what was done about it.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "pharos/campaign/v1/campaign_service.pb.h"
#include "pharos/engagement/v1/inbox_service.pb.h"
#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/edge/console/blocks.h"
#include "services/edge/console/campaign_words.h"
#include "services/edge/console/operation_pages.h"
#include "services/edge/console/operation_words.h"
#include "services/edge/console/people_pages.h"
#include "services/edge/console/people_words.h"

namespace pharos::edge::console {

namespace v1 = engagement::v1;

namespace {

constexpr int kShown = 50;                               // replies on a page
constexpr int kCampaigns = 200;                          // newest ones to choose from
constexpr size_t kExcerpt = 160;                         // of a text in the list: one part of an SMS
constexpr auto kPause = std::chrono::milliseconds(500);  // between looks while the page is open
constexpr int64_t kDayMicros = int64_t{86'400} * 1'000'000;
constexpr char kInbox[] = "/console/inbox";

std::string PathOf(std::string_view reply) {
  return fmt::format("{}/{}", kInbox, EscapeForUrl(IdOf(reply)));
}

int64_t All(const v1::CountRepliesResponse& counts) {
  int64_t all = 0;
  for (const auto& [kind, many] : counts.all_by_kind()) all += many;
  return all;
}

// ---- What is asked for ------------------------------------------------------------------------------------

Field Select(const char* id, const char* label, std::vector<Choice> choices, std::string value) {
  Field field{Field::Kind::kSelect, id, label, ""};
  field.choices = std::move(choices);
  field.value = std::move(value);
  return field;
}

std::vector<Choice> KindChoices() {
  std::vector<Choice> choices = {{"", "Everything", ""}};
  for (const char* kind : {"OTHER", "HELP", "STOP", "START", "WRONG_PERSON", "UNSUBSCRIBE", "UNSUBSCRIBE_ALL",
                           "PAUSE", "RESUME"})
    choices.push_back({kind, ReplyInWords(kind), ""});
  return choices;
}

std::vector<Choice> CampaignChoices(const Visit& visit, const std::string& chosen) {
  std::vector<Choice> choices = {{"", "All campaigns", ""}};
  campaign::v1::ListCampaignsRequest request;
  request.set_page_size(kCampaigns);
  campaign::v1::ListCampaignsResponse response;
  // Replies can be read without it.
  if (visit.May("campaigns.read") && visit.Call(request, &response).ok()) {
    for (const auto& campaign : response.campaigns())
      choices.push_back({IdOf(campaign.name()), NameForPeople(campaign), ""});
  }
  const bool known = std::any_of(choices.begin(), choices.end(),
                                 [&](const Choice& choice) { return choice.value == chosen; });
  if (!known) choices.push_back({chosen, chosen, ""});
  return choices;
}

// Fields of the filter, and the part of an address that says the same.
struct Filter {
  v1::ListRepliesRequest request;
  FormPage fields;
  std::string address;
};

Filter FilterOf(const Visit& visit) {
  const std::string state = visit.query.Has("state") ? visit.query.Get("state") : "NEW";
  const std::string kind = visit.query.Get("kind"), campaign = visit.query.Get("campaign"),
                    channel = visit.query.Get("channel"), days = visit.query.Get("days");
  Filter filter;
  v1::ReplyState wanted_state = v1::REPLY_STATE_UNSPECIFIED;
  if (v1::ReplyState_Parse(state, &wanted_state)) filter.request.set_state(wanted_state);
  v1::ReplyKind wanted_kind = v1::REPLY_KIND_UNSPECIFIED;
  if (v1::ReplyKind_Parse(kind, &wanted_kind)) filter.request.set_kind(wanted_kind);
  type::v1::Channel wanted_channel = type::v1::CHANNEL_UNSPECIFIED;
  if (type::v1::Channel_Parse(channel, &wanted_channel)) filter.request.set_channel(wanted_channel);
  if (!campaign.empty()) filter.request.set_campaign("campaigns/" + campaign);
  filter.fields.fields = {
      Select("state", "Show", {{"NEW", "New", ""}, {"DEALT_WITH", "Dealt with", ""}, {"ALL", "All", ""}},
             state),
      Select("kind", "What they say", KindChoices(), kind),
      Select("campaign", "Campaign", CampaignChoices(visit, campaign), campaign),
      Select("channel", "By",
             {{"", "Text message or email", ""},
              {"CHANNEL_SMS", "Text message", ""},
              {"CHANNEL_EMAIL", "Email", ""}},
             channel),
      Select("days", "Since",
             {{"", "The beginning", ""},
              {"1", "Yesterday", ""},
              {"7", "A week ago", ""},
              {"30", "30 days ago", ""}},
             days)};
  filter.address =
      fmt::format("{}?state={}&kind={}&campaign={}&channel={}&days={}", kInbox, EscapeForUrl(state),
                  EscapeForUrl(kind), EscapeForUrl(campaign), EscapeForUrl(channel), EscapeForUrl(days));
  return filter;
}

// From the start of a day on, so that pages of one list ask the same.
int64_t SinceOf(const Visit& visit) {
  const std::string days = visit.query.Get("days");
  const int64_t back = days == "1" ? 1 : days == "7" ? 7 : days == "30" ? 30 : -1;
  return back < 0 ? 0 : (visit.clock.WallMicros() / kDayMicros - back) * kDayMicros;
}

// ---- The list ---------------------------------------------------------------------------------------------

std::string StateInWords(const v1::Reply& reply) {
  if (reply.state() == v1::NEW) return "New";
  return reply.automatic() && reply.change_time_us() == 0 ? "Acted on by itself" : "Dealt with";
}
std::string StateColour(const v1::Reply& reply) {
  return reply.state() == v1::NEW ? "blue" : "grey";
}

std::string KindName(const v1::Reply& reply) {
  return v1::ReplyKind_Name(reply.kind());
}

// Where there is no text: why.
std::string NothingInWords(const v1::Reply& reply) {
  if (reply.forgotten()) return "What it said is not kept any more";
  const bool link = reply.kind() == v1::UNSUBSCRIBE || reply.kind() == v1::UNSUBSCRIBE_ALL ||
                    reply.kind() == v1::PAUSE || reply.kind() == v1::RESUME;
  return link ? "Chosen by a link in a message" : "Nothing was written";
}

std::string ExcerptOf(const v1::Reply& reply) {
  if (reply.text().empty()) return NothingInWords(reply);
  if (reply.text().size() <= kExcerpt) return reply.text();
  size_t end = kExcerpt;
  while (end > 0 && (static_cast<unsigned char>(reply.text()[end]) & 0xC0) == 0x80) --end;
  return reply.text().substr(0, end) + "…";
}

Row RowOf(const v1::Reply& reply) {
  Cell campaign;
  if (!reply.campaign().empty())
    campaign = Link(IdOf(reply.campaign()), fmt::format("/console/campaigns/{}", IdOf(reply.campaign())));
  return {Link(TimeInWords(reply.receive_time_us()), PathOf(reply.name())),
          Tag(ReplyInWords(KindName(reply)), ReplyColour(KindName(reply))),
          {ExcerptOf(reply)},
          campaign,
          Tag(StateInWords(reply), StateColour(reply))};
}

Model NewsOf(int64_t more) {
  if (more <= 0) return {{"more", false}};
  return {{"more", true},
          {"words", more == 1 ? "1 more reply has come." : Thousands(more) + " more replies have come."}};
}

absl::StatusOr<Reply> ShowInbox(Visit& visit) {
  Filter filter = FilterOf(visit);
  filter.request.set_page_size(kShown);
  filter.request.set_page_token(visit.query.Get("page"));
  filter.request.set_since_us(SinceOf(visit));
  v1::CountRepliesResponse counts;
  PHAROS_RETURN_IF_ERROR(visit.Call(v1::CountRepliesRequest(), &counts));
  v1::ListRepliesResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(filter.request, &response));
  Section list;
  Table table{
      "Replies, newest first",
      Heads({"Received", "What", "Text", "Campaign", "Status"}),
      {},
      response.next_page_token().empty() ? "There is nothing here." : "Nothing on this page; see the next."};
  for (const v1::Reply& reply : response.replies()) table.rows.push_back(RowOf(reply));
  list.paragraphs = {counts.waiting() == 1
                         ? "1 reply waits for somebody."
                         : fmt::format("{} replies wait for somebody.", Thousands(counts.waiting()))};
  list.tables = {table};
  Model model = PageModel("Inbox", {list});
  model["filter_fields"] = ModelOf(filter.fields)["fields"];
  model["stream"] = fmt::format("{}/stream?seen={}", kInbox, All(counts));
  model["fresh"] = filter.address;
  AddNextPage(model, filter.address, response.next_page_token());
  AddCopyAs(model, "pharos inbox list", "engagement.v1.InboxService/ListReplies", R"({"state": "NEW"})");
  return Show("inbox", std::move(model));
}

// How many have come since the page was drawn. Counting is no look at what anybody wrote.
absl::StatusOr<Reply> StreamInbox(Visit& visit) {
  const std::string given = visit.query.Get("seen");
  const bool number =
      !given.empty() && given.size() <= 18 && given.find_first_not_of("0123456789") == std::string::npos;
  const int64_t seen = number ? std::stoll(given) : INT64_MAX;
  return Events([&backend = visit.backend, who = visit.credential(), seen](Model& changes) {
    std::this_thread::sleep_for(kPause);
    v1::CountRepliesResponse counts;
    if (!backend.Call(who, v1::CountRepliesRequest(), &counts).ok()) return false;  // the browser comes back
    changes["inbox-news"] = Fill("_inbox_news", NewsOf(All(counts) - seen));
    return true;
  });
}

// ---- One reply --------------------------------------------------------------------------------------------

Section FactsOf(const Visit& visit, const v1::Reply& reply) {
  Section section;
  section.facts = {{"Status", Tag(StateInWords(reply), StateColour(reply)), "", ""},
                   {"What", Tag(ReplyInWords(KindName(reply)), ReplyColour(KindName(reply))), "", ""},
                   {"Received", {TimeInWords(reply.receive_time_us())}, "", ""},
                   {"By", {ChannelInWords(reply.channel())}, "", ""}};
  if (!reply.address().empty()) section.facts.push_back({"From", {reply.address()}, "", ""});
  if (!reply.person().empty() && visit.May("people.read_personal"))
    section.facts.push_back({"Person", Link("All that is known", PersonPath(reply.person())), "", ""});
  if (!reply.sender().empty()) section.facts.push_back({"To", {reply.sender()}, "", ""});
  if (!reply.campaign().empty())
    section.facts.push_back(
        {"Answers",
         Link(IdOf(reply.campaign()), fmt::format("/console/campaigns/{}", IdOf(reply.campaign()))), "", ""});
  if (reply.change_time_us() > 0)
    section.facts.push_back(
        {"Changed",
         {fmt::format("By {}, {}", IdOf(reply.change_principal()), TimeInWords(reply.change_time_us()))},
         "",
         ""});
  if (!reply.note().empty()) section.facts.push_back({"Note", {reply.note()}, "", ""});
  if (reply.automatic() && reply.change_time_us() == 0)
    section.paragraphs = {"Its words were plain, and Pharos has acted on them. Nobody needs to do anything."};
  if (reply.for_review())
    section.warning =
        "It was acted on as shown, but it is written in free words: read it, and put right what was "
        "misunderstood.";
  return section;
}

Model ReplyModel(const Visit& visit, const v1::Reply& reply, const std::string* note) {
  Model model = PageModel("Reply", {FactsOf(visit, reply)}, kInbox);
  model["said"] = Model::array();
  for (const std::string& line : base::Split(reply.text(), '\n')) model["said"].push_back({{"line", line}});
  model["wrote"] = !reply.text().empty();
  model["nothing"] = NothingInWords(reply);
  if (visit.May("replies.write")) {
    FormPage page;
    Field etag{Field::Kind::kHidden, "etag"};
    etag.value = reply.etag();
    page.fields = {etag};
    if (!reply.forgotten()) {
      Field about{Field::Kind::kArea, "note", "Note (optional)",
                  "What was done, for colleagues. It is kept as long as what the person wrote."};
      about.value = note != nullptr ? *note : reply.note();
      page.fields.push_back(about);
    }
    Model form = ModelOf(page);
    form["form_path"] = PathOf(reply.name());
    const auto submit = [](const char* value, const char* words, bool quiet) {
      return Model{
          {"name", "decision"}, {"value", value}, {"words", words}, {"quiet", quiet}, {"danger", false}};
    };
    form["submits"] = Model::array();
    form["submits"].push_back(reply.state() == v1::NEW ? submit("done", "Mark as dealt with", false)
                                                       : submit("reopen", "Reopen", false));
    if (!reply.forgotten()) form["submits"].push_back(submit("note", "Save the note only", true));
    model["forms"] = Model::array({form});
  }
  AddCopyAs(model, fmt::format("pharos inbox done {} --note \"called back\"", IdOf(reply.name())),
            "engagement.v1.InboxService/UpdateReply",
            fmt::format(R"({{"name": "{}", "state": "DEALT_WITH"}})", reply.name()));
  return model;
}

absl::StatusOr<v1::Reply> Load(const Visit& visit) {
  v1::GetReplyRequest request;
  request.set_name(fmt::format("replies/{}", visit.args[0]));
  v1::Reply reply;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &reply));
  return reply;
}

absl::StatusOr<Reply> ShowReply(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Reply reply, Load(visit));
  return Show("inbox_reply", ReplyModel(visit, reply, nullptr));
}

absl::StatusOr<Reply> ChangeReply(Visit& visit) {
  const std::string decision = visit.form.Get("decision"), note = visit.form.Get("note");
  v1::UpdateReplyRequest request;
  request.set_name(fmt::format("replies/{}", visit.args[0]));
  request.set_etag(visit.form.Get("etag"));
  request.set_request_id(visit.form.Get("request_id"));
  if (decision == "done") request.set_state(v1::DEALT_WITH);
  if (decision == "reopen") request.set_state(v1::NEW);
  if (visit.form.Has("note")) request.set_note(note);
  v1::Reply changed;
  const absl::Status status = visit.Call(request, &changed);
  if (status.ok()) {
    if (decision == "done") return Go(kInbox, "Marked as dealt with.");
    return Go(PathOf(request.name()), decision == "reopen" ? "Opened again." : "The note is saved.");
  }
  if (!absl::IsAborted(status) && !absl::IsInvalidArgument(status) && !absl::IsFailedPrecondition(status))
    return status;
  PHAROS_ASSIGN_OR_RETURN(const v1::Reply now, Load(visit));
  return ShowErrors("inbox_reply", ReplyModel(visit, now, &note), {{"", WordsOf(status)}});
}

}  // namespace

void AddInboxPages(Routes& routes) {
  routes.Get("/console/inbox", "replies.read", &ShowInbox);
  routes.Get("/console/inbox/stream", "replies.read", &StreamInbox);
  routes.Get("/console/inbox/{}", "replies.read", &ShowReply);
  routes.Post("/console/inbox/{}", "replies.write", &ChangeReply);
}

}  // namespace pharos::edge::console
