// Plans and steering.
#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/content/digest.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/errors.h"
#include "services/dispatch/message.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

constexpr int64_t kPageMembers = 1000;         // of a page of the manifest
constexpr size_t kRecallBatch = 1024;          // Recall
constexpr int64_t kExpiryMicros = 10'000'000;  // how late an expired campaign that nobody pulls is noticed

record::v1::StepRow RowOf(const internal::v1::DeclareStepRequest& request) {
  record::v1::StepRow row;
  row.set_campaign(request.campaign());
  row.set_step(request.step());
  *row.mutable_approval() = request.approval();
  *row.mutable_content() = request.content();
  return row;
}

// The manifest speaks of exactly this campaign, step and text, and two people stand behind it.
bool Covers(const type::v1::CampaignManifest& manifest, const internal::v1::DeclareStepRequest& request) {
  if (manifest.campaign() != request.campaign() || manifest.author().empty()) return false;
  if (request.approval().approver().empty() || manifest.author() == request.approval().approver())
    return false;
  const auto& content = request.content();
  const std::string digest =
      content::DigestOf(content.sms_body(), content.email_subject(), content.email_body());
  int found = 0;
  bool same = true;
  for (const auto& text : manifest.templates()) {
    if (text.step() != request.step()) continue;
    ++found;
    same = same && text.digest() == digest;
  }
  return found == 1 && same;
}

// A single message brings what its placeholders name; for any other it is taken from the golden record.
content::Names NamesOf(const type::v1::CampaignManifest& manifest) {
  return manifest.kind() == type::v1::STANDING ? content::Names::kBrought : content::Names::kRecord;
}

absl::Status CheckTexts(const internal::v1::StepContent& content, content::Names names) {
  if (!content.sms_body().empty())
    PHAROS_RETURN_IF_ERROR(content::Template::Parse(content.sms_body(), names).status());
  if (content.email_subject().empty() && content.email_body().empty()) return absl::OkStatus();
  return content::EmailTemplate::Parse(content.email_subject(), content.email_body(), names).status();
}

std::string PageDigest(const internal::v1::PlanIntentsRequest& request) {
  std::string lines;
  const auto add = [&](int channel, const std::string& endpoint) {
    lines += fmt::format("\t{}\t{}", channel, base::ToHex(endpoint));
  };
  for (const auto& member : request.members()) {
    lines += member.person();
    add(member.channel(), member.endpoint());
    for (const auto& other : member.alternatives()) add(other.channel(), other.endpoint());
    lines += '\n';
  }
  return base::Sha256(lines);
}

record::v1::IntentKey KeyOf(const std::string& campaign, const std::string& step, const std::string& person) {
  record::v1::IntentKey key;
  key.set_campaign(campaign);
  key.set_step(step);
  key.set_person(person);
  return key;
}

}  // namespace

absl::Status Desk::DeclareStep(Turn& turn, const internal::v1::DeclareStepRequest& request) {
  const auto access = access_.Get();
  if (access->version == 0) return DispatchErrors::AccessAway();
  const auto& approval = request.approval();
  PHAROS_RETURN_IF_ERROR(policy::CheckApprovalSignature(approval.manifest(), approval.approver(),
                                                        approval.time_us(), approval.signature(),
                                                        access->approval_keys));
  type::v1::CampaignManifest manifest;
  if (!manifest.ParseFromString(approval.manifest()) || !Covers(manifest, request))
    return DispatchErrors::ApprovalForged(request.step());
  PHAROS_RETURN_IF_ERROR(CheckTexts(request.content(), NamesOf(manifest)));
  const record::v1::StepRow row = RowOf(request);
  const std::string key = StepKey(request.campaign(), request.step());
  if (auto stands = LoadRow<record::v1::StepRow>(turn, key)) {
    const bool same = google::protobuf::util::MessageDifferencer::Equals(*stands, row);
    return same ? absl::OkStatus() : DispatchErrors::StepDiffers(request.step());
  }
  storage::PutRecord(turn.tx, key, row);
  if (const int64_t size = CanarySize(manifest.rules(), manifest.members()); size > 0)
    storage::PutRecord(turn.tx, CanaryKey(request.campaign(), request.step()), StartCanary(size));
  auto& tally = intents_.Tally(turn, request.campaign());
  tally.set_declared(tally.declared() + manifest.members());
  return absl::OkStatus();
}

absl::Status Desk::PlanIntents(Turn& turn, const internal::v1::PlanIntentsRequest& request,
                               internal::v1::PlanIntentsResponse& response) {
  const Step* step = StepOf(turn, KeyOf(request.campaign(), request.step(), ""));
  if (step == nullptr) return DispatchErrors::StepUnknown(request.step());
  const auto& pages = step->manifest.member_pages();
  if (request.page() < 0 || request.page() >= pages.size() || pages[request.page()] != PageDigest(request))
    return DispatchErrors::MembersNotApproved(request.page());
  response.Clear();
  int64_t position = int64_t{request.page()} * kPageMembers;
  for (const auto& member : request.members()) {
    const bool canary = IsCanary(step->manifest.rules(), position++, step->manifest.members());
    record::v1::IntentRow row;
    *row.mutable_key() = KeyOf(request.campaign(), request.step(), member.person());
    if (intents_.Load(turn, row.key())) {
      response.set_existing(response.existing() + 1);
      continue;
    }
    row.set_channel(member.channel());
    row.set_endpoint(member.endpoint());
    if (step->manifest.fallback()) *row.mutable_alternatives() = member.alternatives();
    row.set_lane(LaneOf(step->manifest.purpose_class()));
    row.set_due_time_us(std::max(turn.now_us, step->manifest.not_before_us()));
    row.set_canary(canary);
    intents_.Enter(turn, row);
    ready_.Noted(row);
    if (SteeringOf(turn, request.campaign()) == internal::v1::HALT)
      intents_.Move(turn, row, State::kWithheld, "STOPPED");
    response.set_written(response.written() + 1);
  }
  return absl::OkStatus();
}

absl::Status Desk::Steer(Turn& turn, const internal::v1::SteerCampaignRequest& request,
                         internal::v1::SteerCampaignResponse& response) {
  const std::string& campaign = request.campaign();
  const int before = SteeringOf(turn, campaign);
  if (before == internal::v1::HALT && request.steering() != internal::v1::HALT)
    return DispatchErrors::CampaignHalted(campaign);
  auto row =
      LoadRow<record::v1::SteeringRow>(turn, SteeringKey(campaign)).value_or(record::v1::SteeringRow());
  // A caller that gave up long ago may still be heard, after those that came later.
  const bool halts = request.steering() == internal::v1::HALT;
  if (!halts && request.revision() < row.revision()) return DispatchErrors::SteeringOvertaken(campaign);
  if (before != request.steering() || request.revision() > row.revision()) {
    row.set_steering(request.steering());
    row.set_revision(std::max(row.revision(), request.revision()));
    storage::PutRecord(turn.tx, SteeringKey(campaign), row);
  }
  if (before != request.steering()) {
    steering_[campaign] = request.steering();
    if (request.steering() == internal::v1::GO) ready_.Rescan();
    if (request.steering() == internal::v1::HALT) halting_[campaign] = {"STOPPED", ""};
  }
  if (request.steering() == internal::v1::GO && request.go_on()) ResumeCanaries(turn, campaign);
  if (request.steering() != internal::v1::GO) Recall(turn, campaign, "");
  const record::v1::TallyRow& tally = intents_.Tally(turn, campaign);
  response.set_in_flight(tally.in_flight());
  int64_t withheld = 0;
  for (const auto& [reason, count] : tally.withheld()) withheld += count;
  response.set_not_sent(tally.pending() + withheld);
  response.set_left(tally.intents() - tally.pending() - withheld - tally.in_flight());
  return absl::OkStatus();
}

const Desk::Step* Desk::StepOf(Turn& turn, const record::v1::IntentKey& key) {
  return MutableStepOf(turn, key);
}

Desk::Step* Desk::MutableStepOf(Turn& turn, const record::v1::IntentKey& key) {
  // Of a single message: what was declared, without the message.
  const std::string declared = DeclaredStep(key.step());
  const std::string name = key.campaign() + '\n' + (key.campaign() == kConfirmations ? "" : declared);
  if (auto at = steps_.find(name); at != steps_.end()) return &at->second;
  Step step;
  if (key.campaign() == kConfirmations) {
    step.row.set_campaign(kConfirmations);
    step.manifest.set_purpose_class(type::v1::PURPOSE_CLASS_URGENT);
    step.row.mutable_content()->set_sms_body(kConfirmationText);
  } else if (auto row = LoadRow<record::v1::StepRow>(turn, StepKey(key.campaign(), declared))) {
    step.row = *row;
    if (!step.manifest.ParseFromString(row->approval().manifest())) {
      turn.Fail(absl::DataLossError("the approval of a declared step cannot be read"));
      return nullptr;
    }
  } else {
    return nullptr;
  }
  if (auto canary = LoadRow<record::v1::CanaryRow>(turn, CanaryKey(key.campaign(), declared)))
    step.canary = *std::move(canary);
  const auto& content = step.row.content();
  const content::Names names = NamesOf(step.manifest);
  if (auto text = content::Template::Parse(content.sms_body(), names);
      text.ok() && !content.sms_body().empty())
    step.text = *std::move(text);
  if (!content.email_body().empty()) {
    auto email = content::EmailTemplate::Parse(content.email_subject(), content.email_body(), names);
    if (email.ok()) step.email = *std::move(email);
  }
  return &steps_.emplace(name, std::move(step)).first->second;
}

int Desk::SteeringOf(Turn& turn, const std::string& campaign) {
  if (auto at = steering_.find(campaign); at != steering_.end()) return at->second;
  const auto row = LoadRow<record::v1::SteeringRow>(turn, SteeringKey(campaign));
  return steering_[campaign] = row ? row->steering() : internal::v1::HOLD;
}

bool Desk::Expired(const Step& step, int64_t now_us) const {
  return step.manifest.not_after_us() != 0 && now_us > step.manifest.not_after_us();
}

// Steering is loaded for every campaign at the start, and a campaign that nobody has steered waits.
bool Desk::MayGo(const std::string& campaign) {
  if (campaign == kConfirmations) return true;
  const auto at = steering_.find(campaign);
  return at != steering_.end() && at->second == internal::v1::GO;
}

uint64_t Desk::LaneOf(type::v1::PurposeClass purpose_class) const {
  if (purpose_class == type::v1::PURPOSE_CLASS_URGENT) return 0;
  return purpose_class == type::v1::PURPOSE_CLASS_SERVICE ? 1 : 2;
}

// What nobody pulls expires, too.
void Desk::ExpireDeclared(Turn& turn) {
  const int64_t boot = clock_.BootMicros();
  if (boot - expired_at_us_ < kExpiryMicros) return;
  expired_at_us_ = boot;
  for (const auto& [name, step] : steps_) {
    const std::string& campaign = step.row.campaign();
    if (!Expired(step, turn.now_us) || halting_.contains(campaign)) continue;
    if (intents_.Tally(turn, campaign).pending() > 0) halting_[campaign] = {"EXPIRED", ""};
  }
}

// Withholds what a stopped or expired campaign has pending, a bounded number a turn. Nothing of it can be
// handed over meanwhile: MayGo says no, or the permit's answer finds it expired.
void Desk::HaltSome(Turn& turn) {
  if (halting_.empty()) return;
  auto& [campaign, sweep] = *halting_.begin();
  auto& [reason, cursor] = sweep;
  if (intents_.Tally(turn, campaign).pending() == 0) {
    halting_.erase(halting_.begin());
    return;
  }
  const std::string prefix = storage::KeyWriter(kIntent).String(campaign).str();
  std::vector<record::v1::IntentRow> pending;
  size_t looked = 0;
  auto range = storage::PrefixRange(prefix);
  if (!cursor.empty()) range.begin = cursor + '\0';
  std::string last;
  absl::Status read;
  const absl::Status scanned = store_.Read()->Scan(range, [&](std::string_view key, std::string_view value) {
    record::v1::IntentRow row;
    last = std::string(key);
    read = storage::DecodeRecord(value, row);
    if (read.ok() && StateOf(row) == State::kPending) pending.push_back(std::move(row));
    return read.ok() && ++looked < 4 * kHaltBatch && pending.size() < kHaltBatch;
  });
  if (!scanned.ok() || !read.ok()) return turn.Fail(scanned.ok() ? read : scanned);
  for (const auto& seen : pending) {
    record::v1::IntentRow* row = intents_.Load(turn, seen.key());  // this turn may have moved it
    if (row == nullptr || StateOf(*row) != State::kPending) continue;
    intents_.Move(turn, *row, State::kWithheld, reason);
    ready_.Forget(row->key());
  }
  cursor = last;  // empty at the end: from the beginning again, until nothing is pending
}

void Desk::Recall(Turn& turn, const std::string& campaign, const std::string& connector) {
  std::map<std::string, std::vector<std::string>> by_life;
  for (const auto& [id, open] : open_.table()) {
    if (open.in_doubt || (!campaign.empty() && open.row.key().campaign() != campaign)) continue;
    if (!connector.empty() && open.row.connector() != connector) continue;
    by_life[open.row.life()].push_back(id);
  }
  for (auto& [life, ids] : by_life) {
    turn.After([this, life, ids = std::move(ids)] {
      const SessionPtr session = SessionOfLife(life);
      for (size_t at = 0; session != nullptr && at < ids.size(); at += kRecallBatch) {
        internal::v1::WorkResponse message;
        for (size_t i = at; i < std::min(ids.size(), at + kRecallBatch); ++i)
          message.mutable_recall()->add_ids(ids[i]);
        (void)session->outbox.TryPush(std::move(message));
      }
    });
  }
}

void Desk::Requeue(Turn& turn, record::v1::IntentRow& intent, std::string_view reason) {
  intents_.Move(turn, intent, State::kPending, reason);
  if (SteeringOf(turn, intent.key().campaign()) == internal::v1::HALT) {
    intents_.Move(turn, intent, State::kWithheld, "STOPPED");
  }
}

}  // namespace pharos::dispatch
