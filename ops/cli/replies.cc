// pharos inbox: what people answered, and what was done about it.
#include <algorithm>

#include "fmt/format.h"
#include "ops/cli/command.h"
#include "ops/cli/words.h"
#include "pharos/engagement/v1/inbox_service.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace engagement::v1;

constexpr int64_t kUsual = 20, kMost = 250;

std::string StateWord(const Reply& reply) {
  if (reply.state() == NEW) return "new";
  return reply.automatic() && reply.change_time_us() == 0 ? "acted on" : "dealt with";
}

std::string KindWord(const Reply& reply) {
  return EnumWord(ReplyKind_descriptor(), "", reply.kind());
}

// What it says, on one line.
std::string TextLine(const Reply& reply) {
  std::string line = reply.text();
  std::replace(line.begin(), line.end(), '\n', ' ');
  if (!line.empty()) return line;
  return reply.forgotten() ? "(not kept any more)" : "(no text)";
}

void ShowReply(Output& out, const Reply& reply) {
  if (out.json()) return out.Json(reply);
  out.Data(fmt::format("{}  {}, {}{}", out.Bold(reply.name()), StateWord(reply), KindWord(reply),
                       reply.for_review() ? " (in free words)" : ""));
  out.Data(fmt::format("  {} by {}{}, to {}", Time(reply.receive_time_us()),
                       EnumWord(type::v1::Channel_descriptor(), "CHANNEL_", reply.channel()),
                       reply.address().empty() ? "" : " from " + reply.address(), reply.sender()));
  if (!reply.campaign().empty()) out.Data("  answers " + reply.campaign());
  if (!reply.person().empty()) out.Data("  " + reply.person());
  if (!reply.text().empty()) out.Data("  " + TextLine(reply));
  if (reply.change_time_us() > 0)
    out.Data(fmt::format("  {} {}", reply.change_principal(), Time(reply.change_time_us())));
  if (!reply.note().empty()) out.Data("  note: " + reply.note());
}

absl::Status ReadFilter(const Args& args, ListRepliesRequest& request) {
  if (!args.Has("all")) request.set_state(args.Has("done") ? DEALT_WITH : NEW);
  request.set_campaign(Name("campaigns", args.Get("campaign")));
  if (args.Has("kind")) {
    PHAROS_ASSIGN_OR_RETURN(const int kind, Enum(ReplyKind_descriptor(), "", args.Get("kind")));
    request.set_kind(static_cast<ReplyKind>(kind));
  }
  if (args.Has("channel")) {
    PHAROS_ASSIGN_OR_RETURN(const int channel,
                            Enum(type::v1::Channel_descriptor(), "CHANNEL_", args.Get("channel")));
    request.set_channel(static_cast<type::v1::Channel>(channel));
  }
  if (args.Has("since")) {
    PHAROS_ASSIGN_OR_RETURN(const int64_t since, ParseTime(args.Get("since")));
    request.set_since_us(since);
  }
  return absl::OkStatus();
}

absl::Status List(Context& c) {
  ListRepliesRequest request;
  PHAROS_RETURN_IF_ERROR(ReadFilter(c.args, request));
  PHAROS_ASSIGN_OR_RETURN(const int64_t last, NumberOf(c.args, "last", kUsual));
  request.set_page_size(static_cast<int32_t>(std::clamp<int64_t>(last, 1, kMost)));
  ListRepliesResponse response;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &response));
  Table table({"reply", "when", "state", "kind", "campaign", "text"});
  for (const Reply& reply : response.replies()) {
    if (c.out.json()) {
      c.out.Json(reply);
      continue;
    }
    table.Add({Short(reply.name()), Time(reply.receive_time_us()), StateWord(reply), KindWord(reply),
               Short(reply.campaign()), TextLine(reply)});
  }
  if (!c.out.json()) table.Print(c.out);
  if (!response.next_page_token().empty()) c.out.Say("There are older ones: --last NUMBER shows more.");
  return absl::OkStatus();
}

absl::Status Show(Context& c) {
  GetReplyRequest request;
  request.set_name(Name("replies", c.args.Operand(0)));
  Reply reply;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &reply));
  ShowReply(c.out, reply);
  if (reply.state() == NEW) c.out.Say(fmt::format("Next: pharos inbox done {}", Short(reply.name())));
  return absl::OkStatus();
}

absl::Status Mark(Context& c, ReplyState state) {
  UpdateReplyRequest request;
  request.set_name(Name("replies", c.args.Operand(0)));
  request.set_state(state);
  if (c.args.Has("note")) request.set_note(c.args.Get("note"));
  Reply reply;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &reply));
  ShowReply(c.out, reply);
  return absl::OkStatus();
}

absl::Status Done(Context& c) {
  return Mark(c, DEALT_WITH);
}
absl::Status Reopen(Context& c) {
  return Mark(c, NEW);
}

}  // namespace

std::vector<Command> InboxCommands() {
  const Option note = {"note", "TEXT", "kept beside it, sealed; \"\" removes the one there is"};
  return {{"inbox",
           "list",
           "",
           "What people answered, newest first: what nobody has dealt with yet.",
           {"inbox list", "inbox list --campaign quit-1 --kind other", "inbox list --all --last 100"},
           {{"all", "", "those that were dealt with, too"},
            {"done", "", "only those that were dealt with"},
            {"campaign", "CAMPAIGN", "only what answers it"},
            {"kind", "KIND",
             "only stop, start, wrong-person, help, other, unsubscribe, unsubscribe-all, pause or resume"},
            {"channel", "CHANNEL", "only sms or email"},
            {"since", "TIME", "only what came since, e.g. 2026-03-01T09:00:00Z"},
            {"last", "NUMBER", "how many, at most 250; else 20"}},
           List},
          {"inbox",
           "show",
           "REPLY",
           "One reply, whole.",
           {"inbox show 0198c5f2-1111-7222-8333-444444444444"},
           {},
           Show},
          {"inbox",
           "done",
           "REPLY",
           "Mark a reply as dealt with.",
           {"inbox done 0198c5f2-1111-7222-8333-444444444444 --note \"called back\""},
           {note},
           Done},
          {"inbox",
           "reopen",
           "REPLY",
           "Somebody has to look at it again.",
           {"inbox reopen 0198c5f2-1111-7222-8333-444444444444"},
           {note},
           Reopen}};
}

}  // namespace pharos::cli
