#include <chrono>
#include <thread>

#include "pharos/campaign/v1/campaign_service.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/console/areas.h"
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
    {"/console/inbox", "Inbox", "Read what people answered.", "intents.read"},
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

absl::StatusOr<Reply> ShowHome(Visit& visit) {
  Model model = {
      {"title", "Start page"}, {"may_write", visit.May("campaigns.write")}, {"rooms", Model::array()}};
  for (const Room& room : kRooms) {
    if (visit.May(room.permission))
      model["rooms"].push_back({{"path", room.path}, {"words", room.words}, {"about", room.about}});
  }
  model["may_see_campaigns"] = visit.May("campaigns.read");
  if (visit.May("campaigns.read")) {
    PHAROS_ASSIGN_OR_RETURN(model["campaigns"], Campaigns(visit.backend, visit.credential()));
    model["has_campaigns"] = !model["campaigns"].empty();
    model["has_copy_as"] = true;
    model["copy_as"] = {
        {{"name", "Command line"}, {"text", "pharos campaign list"}},
        {{"name", "curl"},
         {"text",
          "curl -H \"Authorization: Bearer $KEY\" -H 'Content-Type: application/json' -d '{}' \\\n  "
          "$PHAROS/pharos.campaign.v1.CampaignService/ListCampaigns"}}};
  }
  return Show("home", std::move(model));
}

absl::StatusOr<Reply> StreamHome(Visit& visit) {
  return Events([&backend = visit.backend, who = visit.credential()](Model& changes) {
    std::this_thread::sleep_for(kPause);
    auto rows = Campaigns(backend, who);
    if (!rows.ok()) return false;  // the browser comes back
    changes["campaigns"] = Fill("_home_campaigns", {{"campaigns", *std::move(rows)}});
    return true;
  });
}

}  // namespace

void AddHomePages(Routes& routes) {
  routes.Get("/console", "", &ShowHome);
  routes.Get("/console/stream", "campaigns.read", &StreamHome);
}

}  // namespace pharos::edge::console
