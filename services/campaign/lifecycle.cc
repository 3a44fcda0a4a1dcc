#include "services/campaign/lifecycle.h"

#include "services/campaign/errors.h"

namespace pharos::campaign {
namespace {

struct Transition {
  v1::CampaignState from;
  Verb verb;
  v1::CampaignState to;
};

constexpr Transition kTransitions[] = {
    {v1::DRAFT, Verb::kSubmit, v1::IN_REVIEW},
    {v1::IN_REVIEW, Verb::kApprove, v1::APPROVED},
    {v1::IN_REVIEW, Verb::kReject, v1::DRAFT},
    {v1::APPROVED, Verb::kLaunch, v1::RUNNING},
    {v1::APPROVED, Verb::kReject, v1::DRAFT},
    {v1::RUNNING, Verb::kPause, v1::PAUSED},
    {v1::RUNNING, Verb::kStop, v1::STOPPED},
    {v1::RUNNING, Verb::kFinish, v1::FINISHED},
    {v1::PAUSED, Verb::kResume, v1::RUNNING},
    // It runs, but its canary was held: a person says that the rest goes.
    {v1::RUNNING, Verb::kResume, v1::RUNNING},
    {v1::PAUSED, Verb::kStop, v1::STOPPED},
    // What was sent may still come back and go on to another channel: a stop forbids that.
    {v1::FINISHED, Verb::kStop, v1::STOPPED},
    // Whoever got no answer to a stop must be able to ask again, with or without a request id.
    {v1::STOPPED, Verb::kStop, v1::STOPPED},
    // Any edit voids what was submitted or approved.
    {v1::DRAFT, Verb::kUpdate, v1::DRAFT},
    {v1::IN_REVIEW, Verb::kUpdate, v1::DRAFT},
    {v1::APPROVED, Verb::kUpdate, v1::DRAFT},
};

const Transition* Find(v1::CampaignState state, Verb verb) {
  for (const Transition& t : kTransitions) {
    if (t.from == state && t.verb == verb) return &t;
  }
  return nullptr;
}

}  // namespace

std::string_view VerbName(Verb verb) {
  switch (verb) {
    case Verb::kSubmit:
      return "submit";
    case Verb::kApprove:
      return "approve";
    case Verb::kReject:
      return "reject";
    case Verb::kLaunch:
      return "launch";
    case Verb::kPause:
      return "pause";
    case Verb::kResume:
      return "resume";
    case Verb::kStop:
      return "stop";
    case Verb::kFinish:
      return "finish";
    case Verb::kUpdate:
      return "update";
  }
  return "";
}

absl::StatusOr<v1::CampaignState> Next(std::string_view name, v1::CampaignState state, Verb verb) {
  if (const Transition* t = Find(state, verb)) return t->to;
  return errors::CampaignState(name, VerbName(verb), v1::CampaignState_Name(state), AllowedVerbs(state));
}

bool Allows(v1::CampaignState state, Verb verb) {
  return Find(state, verb) != nullptr;
}

std::vector<std::string> AllowedVerbs(v1::CampaignState state) {
  std::vector<std::string> verbs;
  for (const Transition& t : kTransitions) {
    if (t.from == state && t.verb != Verb::kFinish) verbs.emplace_back(VerbName(t.verb));
  }
  return verbs;
}

}  // namespace pharos::campaign
