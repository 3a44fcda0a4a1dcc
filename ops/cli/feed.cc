// pharos sync, pharos feed: a partner's feed up, ours down.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <optional>
#include <thread>

#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "ops/cli/command.h"
#include "ops/cli/feed_client.h"
#include "ops/cli/words.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::cli {
namespace {

using namespace customer::v1;

constexpr int64_t kShownResults = 20;
constexpr auto kPause = std::chrono::milliseconds(300);

// Lines of JSON, each a SyncItem; items without a cursor get the number of their line.
class ItemFile {
 public:
  explicit ItemFile(const std::string& path) : file_(path) {}
  bool ok() const { return static_cast<bool>(file_); }
  const absl::Status& status() const { return status_; }
  int64_t line() const { return line_; }

  std::optional<SyncItem> Next() {
    std::string text;
    while (status_.ok() && std::getline(file_, text)) {
      ++line_;
      if (base::TrimAscii(text).empty()) continue;
      SyncItem item;
      if (!google::protobuf::util::JsonStringToMessage(text, &item).ok()) {
        status_ = UsageError(fmt::format("Line {} is not a sync item in JSON.", line_));
        return std::nullopt;
      }
      if (item.cursor().empty()) item.set_cursor(fmt::format("line-{}", line_));
      return item;
    }
    return std::nullopt;
  }
  // Passes over everything up to a cursor.
  absl::Status SkipTo(const std::string& cursor) {
    while (auto item = Next()) {
      if (item->cursor() == cursor) return absl::OkStatus();
    }
    PHAROS_RETURN_IF_ERROR(status_);
    return UsageError("The cursor that the server has is not in this file. Send the file without --resume.");
  }

 private:
  std::ifstream file_;
  int64_t line_ = 0;
  absl::Status status_;
};

// Counts results, and tells those that somebody has to look at.
class Results {
 public:
  explicit Results(Output& out) : out_(out) {}
  void Add(const SyncResult& result) {
    ++counts_[result.outcome()];
    ++answered_;
    if (out_.json()) return out_.Json(result);
    if (result.reason().empty() || ++shown_ > kShownResults) return;
    out_.Warn(fmt::format("{} {}: {} [{}{}]",
                          result.record_id().empty() ? result.cursor() : result.record_id(),
                          EnumWord(SyncResult::Outcome_descriptor(), "", result.outcome()), result.message(),
                          result.reason(), result.field().empty() ? "" : " " + result.field()));
  }
  int64_t answered() const { return answered_; }
  int64_t hidden() const { return std::max<int64_t>(shown_ - kShownResults, 0); }
  std::string Text() const {
    const auto of = [&](int outcome) {
      const auto it = counts_.find(outcome);
      return Thousands(it == counts_.end() ? 0 : it->second);
    };
    return fmt::format("{} items: {} stored, {} in part, {} deleted, {} unchanged, {} refused",
                       Thousands(answered_), of(SyncResult::STORED), of(SyncResult::STORED_IN_PART),
                       of(SyncResult::DELETED), of(SyncResult::UNCHANGED), of(SyncResult::REFUSED));
  }

 private:
  Output& out_;
  std::map<int, int64_t> counts_;
  int64_t answered_ = 0, shown_ = 0;
};

SyncHeader HeaderOf(const Args& args) {
  SyncHeader header;
  header.set_source(Name("sources", args.Get("source")));
  header.set_agreement(Name("agreements", args.Get("agreement")));
  header.set_dry_run(args.Has("dry-run"));
  header.set_bulk(args.Has("bulk"));
  return header;
}

// From where the server is (`resume`), or past what this invocation has had answered.
absl::Status SendOnce(Context& c, const std::string& resume, Results& results) {
  ItemFile file(c.args.Get("file"));
  if (!file.ok()) return UsageError(fmt::format("The file {} cannot be read.", c.args.Get("file")));
  if (!resume.empty()) PHAROS_RETURN_IF_ERROR(file.SkipTo(resume));
  for (int64_t done = results.answered(); done > 0; --done) (void)file.Next();
  const absl::Status status = SyncItems(
      c.client, HeaderOf(c.args), [&] { return file.Next(); },
      [&](const SyncResult& result) {
        results.Add(result);
        if (results.answered() % 10'000 == 0) c.out.Progress(results.Text());
      });
  PHAROS_RETURN_IF_ERROR(file.status());
  return status;
}

absl::Status Sync(Context& c) {
  std::string resume;
  if (c.args.Has("resume")) {
    ResumeSyncRequest request;
    request.set_source(Name("sources", c.args.Get("source")));
    ResumeSyncResponse response;
    PHAROS_RETURN_IF_ERROR(c.client.Call(request, &response));
    resume = response.cursor();
  }
  Results results(c.out);
  auto give_up =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(c.client.options().patience_s);
  absl::Status status = SendOnce(c, resume, results);
  while ((absl::IsUnavailable(status) || absl::IsCancelled(status)) &&
         std::chrono::steady_clock::now() < give_up) {
    c.out.Say("The connection broke; going on after the last item that was answered.");
    std::this_thread::sleep_for(kPause);
    status = SendOnce(c, resume, results);
  }
  if (!status.ok()) return status;
  if (results.hidden() > 0)
    c.out.Warn(fmt::format("… and {} more. Use --json to have them all.", Thousands(results.hidden())));
  if (!c.out.json())
    c.out.Data(fmt::format("{}{}", c.args.Has("dry-run") ? "Dry run, nothing stored. " : "", results.Text()));
  return absl::OkStatus();
}

// ---- feeds out

// Where a feed goes on: the option, or the file that keeps it.
std::string CursorOf(const Args& args) {
  if (args.Has("cursor")) return args.Get("cursor");
  std::ifstream file(args.Get("cursor-file"));
  std::string cursor;
  std::getline(file, cursor);
  return cursor;
}
void KeepCursor(const Args& args, const std::string& cursor) {
  if (cursor.empty() || !args.Has("cursor-file")) return;
  std::ofstream(args.Get("cursor-file"), std::ios::trunc) << cursor << '\n';
}

absl::StatusOr<double> SecondsOf(const Args& args) {
  PHAROS_ASSIGN_OR_RETURN(const int64_t seconds, NumberOf(args, "for", 0));
  return static_cast<double>(seconds);
}

std::string Shorts(const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::vector<std::string> shorts;
  for (const auto& name : names) shorts.push_back(Short(name));
  return fmt::format("{}", fmt::join(shorts, ", "));
}

void ShowChange(Output& out, const PersonChange& change) {
  if (out.json()) return out.Json(change);
  std::string line =
      fmt::format("{}  {}", change.person(), change.gone() ? "gone" : "records " + Shorts(change.records()));
  for (const auto& [field, value] :
       std::map<std::string, std::string>(change.fields().begin(), change.fields().end())) {
    line += fmt::format("  {}={}", field, value);
  }
  out.Data(line);
}

void ShowState(Output& out, const ConsentState& state) {
  if (out.json()) return out.Json(state);
  out.Data(fmt::format("{}  {} by {}: {}", Shorts(state.records()), Short(state.purpose()),
                       EnumWord(type::v1::Channel_descriptor(), "CHANNEL_", state.channel()),
                       EnumWord(type::v1::GateReason_descriptor(), "", state.reason())));
}

absl::Status Changes(Context& c) {
  FollowChangesRequest request;
  request.set_agreement(Name("agreements", c.args.Get("agreement")));
  request.set_cursor(CursorOf(c.args));
  PHAROS_ASSIGN_OR_RETURN(const double seconds, SecondsOf(c.args));
  return FollowChanges(c.client, request, seconds, [&](const FollowChangesResponse& message) {
    for (const auto& change : message.changes()) ShowChange(c.out, change);
    KeepCursor(c.args, message.cursor());
  });
}

absl::Status Consents(Context& c) {
  FollowConsentsRequest request;
  request.set_agreement(Name("agreements", c.args.Get("agreement")));
  request.set_cursor(CursorOf(c.args));
  PHAROS_ASSIGN_OR_RETURN(const double seconds, SecondsOf(c.args));
  return FollowConsents(c.client, request, seconds, [&](const FollowConsentsResponse& message) {
    for (const auto& state : message.states()) ShowState(c.out, state);
    KeepCursor(c.args, message.cursor());
  });
}

std::vector<Option> FollowOptions() {
  return {{"agreement", "AGREEMENT", "under which", true},
          {"cursor", "CURSOR", "go on after this one; else everybody first"},
          {"cursor-file", "FILE", "go on after the one in this file, and keep it there"},
          {"for", "SECONDS", "then stop; else as long as the server lets it"}};
}

}  // namespace

std::vector<Command> FeedCommands() {
  return {{"sync",
           "",
           "",
           "Send a feed of upserts and deletes: one JSON object a line.",
           {"sync --source leeds --agreement leeds-2026 --file changes.ndjson",
            "sync --source leeds --agreement leeds-2026 --file changes.ndjson --resume"},
           {{"source", "SOURCE", "whose records these are", true},
            {"file", "FILE",
             "the feed, e.g. {\"record_id\":\"7\",\"upsert\":{\"fields\":{\"given_name\":\"Ann\"}}}", true},
            {"agreement", "AGREEMENT", "under which; a partner needs one"},
            {"resume", "", "go on after the last item that the server has stored"},
            {"bulk", "", "first load of very many"},
            {"dry-run", "", "check everything, store nothing"}},
           Sync},
          {"feed",
           "changes",
           "",
           "Follow people whom the agreement has records of: agreed fields.",
           {"feed changes --agreement leeds-2026 --cursor-file changes.cursor --json"},
           FollowOptions(),
           Changes},
          {"feed",
           "consents",
           "",
           "Follow whether they may be contacted: opt-outs come within seconds.",
           {"feed consents --agreement leeds-2026 --cursor-file consents.cursor --json"},
           FollowOptions(),
           Consents}};
}

}  // namespace pharos::cli
