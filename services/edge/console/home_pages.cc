#include <chrono>
#include <thread>

#include "pharos/campaign/v1/campaign_service.pb.h"
#include "pharos/engagement/v1/inbox_service.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/console/areas.h"
#include "services/edge/console/blocks.h"
#include "services/edge/console/campaign_words.h"

namespace pharos::edge::console {
namespace {

namespace v1 = campaign::v1;

constexpr int kShown = 20;                               // campaigns on the start page
constexpr auto kPause = std::chrono::milliseconds(500);  // between looks while the page is open

struct Room {
  const char *path, *words, *about, *permission;
};
constexpr Room kRooms[] = {
    {"/console/campaigns", "Campaigns", "Say who gets what and when; follow it; stop it.", "campaigns.read"},
    {"/console/audiences", "Audiences",
     "Describe people, and see at once how many match and may be written to.", "audiences.read"},
    {"/console/templates", "Templates", "Write text messages and emails, and see them as people will.",
     "templates.read"},
    {"/console/people", "People", "Find somebody, see what is known and why, and put it right.",
     "people.read_personal"},
    {"/console/reviews", "Reviews", "Decide whether two records are the same person.", "identity.read"},
    {"/console/partners", "Partners", "Sources and agreements; bring in a contact file.", "agreements.read"},
    {"/console/inbox", "Inbox", "Read what people answered.", "replies.read"},
    {"/console/connectors", "Connectors", "See whether messages can leave; pause a route.",
     "connectors.read"},
    {"/console/questions", "Questions asked", "See who asked what about whom, and what they were told.",
     "queries.read"},
    {"/console/access", "Access", "See who may do what; issue keys; go live with a second person.",
     "principals.read"},
};

absl::StatusOr<Model> Campaigns(const Backend& backend, const Credential& who) {
  v1::ListCampaignsRequest request;
  request.set_page_size(kShown);
  v1::ListCampaignsResponse response;
  PHAROS_RETURN_IF_ERROR(backend.Call(who, request, &response));
  Model rows = Model::array();
  for (const v1::Campaign& campaign : response.campaigns()) {
    v1::GetReportRequest ask;
    ask.set_name(campaign.name());
    v1::Report report;
    PHAROS_RETURN_IF_ERROR(backend.Call(who, ask, &report));
    int64_t failed = 0;
    for (const auto& [reason, many] : report.failed()) failed += many;
    rows.push_back({{"id", base::Segment(campaign.name(), "campaigns")},
                    {"display_name", NameForPeople(campaign)},
                    {"state", StateInWords(campaign.state())},
                    {"colour", StateColour(campaign.state())},
                    {"members", Thousands(report.members())},
                    {"waiting", Thousands(report.pending() + report.in_flight())},
                    {"sent", Thousands(report.sent() + report.delivered() + failed)},
                    {"delivered", Thousands(report.delivered())},
                    {"failed", Thousands(failed)}});
  }
  return rows;
}

// "3 new"; "" where nothing waits, or where it cannot be said now: the page shows all the same.
std::string InboxInWords(const Backend& backend, const Credential& who) {
  engagement::v1::CountRepliesResponse counts;
  const bool counted = backend.Call(who, engagement::v1::CountRepliesRequest(), &counts).ok();
  return counted && counts.waiting() > 0 ? Thousands(counts.waiting()) + " new" : "";
}

absl::StatusOr<Reply> ShowHome(Visit& visit) {
  Model model = {
      {"title", "Start page"}, {"may_write", visit.May("campaigns.write")}, {"rooms", Model::array()}};
  for (const Room& room : kRooms) {
    if (visit.May(room.permission))
      model["rooms"].push_back({{"path", room.path},
                                {"words", room.words},
                                {"about", room.about},
                                {"is_inbox", std::string_view(room.path) == "/console/inbox"}});
  }
  model["inbox_count"] = visit.May("replies.read") ? InboxInWords(visit.backend, visit.credential()) : "";
  model["may_see_campaigns"] = visit.May("campaigns.read");
  if (visit.May("campaigns.read")) {
    PHAROS_ASSIGN_OR_RETURN(model["campaigns"], Campaigns(visit.backend, visit.credential()));
    model["has_campaigns"] = !model["campaigns"].empty();
    AddCopyAs(model, "pharos campaign list", "campaign.v1.CampaignService/ListCampaigns", "{}");
  }
  return Show("home", std::move(model));
}

absl::StatusOr<Reply> StreamHome(Visit& visit) {
  const bool inbox = visit.May("replies.read");
  return Events([&backend = visit.backend, who = visit.credential(), inbox](Model& changes) {
    std::this_thread::sleep_for(kPause);
    auto rows = Campaigns(backend, who);
    if (!rows.ok()) return false;  // the browser comes back
    changes["campaigns"] = Fill("_home_campaigns", {{"campaigns", *std::move(rows)}});
    if (inbox) changes["inbox-count"] = InboxInWords(backend, who);
    return true;
  });
}

}  // namespace

void AddHomePages(Routes& routes) {
  routes.Get("/console", "", &ShowHome);
  routes.Get("/console/stream", "campaigns.read", &StreamHome);
}

}  // namespace pharos::edge::console
