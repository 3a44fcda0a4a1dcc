// pharos identity train, models, diff, switch, state: the model behind the score.
#include <chrono>
#include <thread>

#include "fmt/format.h"
#include "ops/cli/identity.h"
#include "ops/cli/identity_client.h"
#include "ops/cli/waterfall.h"
#include "ops/cli/words.h"
#include "pharos/customer/v1/identity_service.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace customer::v1;

constexpr double kMebibyte = 1 << 20;
constexpr auto kLongest = std::chrono::hours(1);
constexpr auto kPause = std::chrono::milliseconds(300);

void ShowModel(Output& out, const LinkModel& m) {
  if (out.json()) return out.Json(m);
  const std::string expected =
      m.predicted_precision() > 0
          ? fmt::format("{:.3f} % of what it links expected right", m.predicted_precision() * 100)
          : "not measured on your records";
  const std::string made = m.create_time_us() > 0
                               ? fmt::format("made {} from {} records by {}", Time(m.create_time_us()),
                                             Thousands(m.records()), m.principal())
                               : "comes with the program";
  out.Data(fmt::format("{}  {}auto from {} bits, review from {} bits, {}, {}", out.Bold(m.name()),
                       m.active() ? "in force, " : "", BitsText(m.auto_weight()), BitsText(m.review_weight()),
                       expected, made));
}

// All records are compared under the other model, which takes minutes where there are millions. It goes on
// when a call's deadline passes; the same call again waits for it.
absl::Status CallPatiently(Context& c, const google::protobuf::Message& request,
                           google::protobuf::Message* response) {
  const auto give_up = std::chrono::steady_clock::now() + kLongest;
  while (true) {
    const absl::Status status = c.client.Call(request, response);
    const bool goes_on =
        status.code() == absl::StatusCode::kDeadlineExceeded || base::ReasonOf(status) == "STILL_WORKING";
    if (!goes_on || std::chrono::steady_clock::now() > give_up) return status;
    c.out.Say("All records are being compared under the other model; waiting on.");
    std::this_thread::sleep_for(kPause);
  }
}

absl::StatusOr<double> PrecisionOf(const Args& args) {
  if (!args.Has("precision")) return 0.0;
  const std::string text = args.Get("precision");
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value > 0 && value < 1))
    return UsageError("--precision needs a share below 1, e.g. 0.9995.");
  return value;
}

absl::Status Train(Context& c) {
  TrainModelRequest request;
  PHAROS_ASSIGN_OR_RETURN(int64_t seed, NumberOf(c.args, "seed", 0));
  request.set_seed(static_cast<uint64_t>(seed));
  PHAROS_ASSIGN_OR_RETURN(double precision, PrecisionOf(c.args));
  request.set_precision(precision);
  const auto begin = std::chrono::steady_clock::now();
  std::string stage;
  const auto model = TrainModel(c.client, request, [&](const TrainModelResponse& progress) {
    if (!c.out.terminal() && progress.stage() == stage) return;
    stage = progress.stage();
    c.out.Progress(fmt::format("{} ({:.0f} %)", stage, progress.done() * 100));
  });
  if (!model.ok()) return model.status();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  ShowModel(c.out, *model);
  c.out.Say(
      fmt::format("Trained in {:.1f} s. Nothing has changed yet: pharos identity diff {} shows what would.",
                  took.count(), Short(model->name())));
  return absl::OkStatus();
}

absl::Status ListModels(Context& c) {
  ListModelsResponse models;
  PHAROS_RETURN_IF_ERROR(c.client.Call(ListModelsRequest(), &models));
  for (const LinkModel& model : models.models()) ShowModel(c.out, model);
  return absl::OkStatus();
}

absl::Status Diff(Context& c) {
  DiffModelRequest request;
  request.set_name(Name("linkModels", c.args.Operand(0)));
  PHAROS_ASSIGN_OR_RETURN(int64_t samples, NumberOf(c.args, "samples", 10));
  request.set_samples(static_cast<int>(std::min<int64_t>(samples, 51)));
  ModelDiff d;
  PHAROS_RETURN_IF_ERROR(CallPatiently(c, request, &d));
  if (c.out.json()) {
    c.out.Json(d);
    return absl::OkStatus();
  }
  c.out.Data(fmt::format("people   {} now, {} then: {} would be linked with others, {} would be split",
                         Thousands(d.people_now()), Thousands(d.people_then()), Thousands(d.linked()),
                         Thousands(d.split())));
  c.out.Data(
      fmt::format("reviews  {} now, {} then", Thousands(d.reviews_now()), Thousands(d.reviews_then())));
  for (const auto& sample : d.samples()) {
    c.out.Data(fmt::format("{}  {}: {}", sample.linked() ? "linked" : "split ",
                           fmt::join(sample.people(), ", "), fmt::join(sample.records(), ", ")));
  }
  return absl::OkStatus();
}

// With the etag of the model in force, so that two people do not switch at once. Who may train but not read
// has no etag: then it is whatever is in force.
absl::StatusOr<std::string> EtagInForce(Context& c) {
  if (c.args.Has("etag")) return c.args.Get("etag");
  ListModelsResponse models;
  const absl::Status status = c.client.Call(ListModelsRequest(), &models);
  if (status.code() == absl::StatusCode::kPermissionDenied) return std::string();
  PHAROS_RETURN_IF_ERROR(status);
  for (const LinkModel& model : models.models()) {
    if (model.active()) return model.etag();
  }
  return std::string();
}

absl::Status Switch(Context& c) {
  SwitchModelRequest request;
  request.set_name(Name("linkModels", c.args.Operand(0)));
  PHAROS_ASSIGN_OR_RETURN(*request.mutable_etag(), EtagInForce(c));
  LinkModel model;
  PHAROS_RETURN_IF_ERROR(CallPatiently(c, request, &model));
  ShowModel(c.out, model);
  return absl::OkStatus();
}

absl::Status State(Context& c) {
  GetIdentityStateRequest request;
  request.set_with_hash(c.args.Has("hash"));
  IdentityState s;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &s));
  if (c.out.json()) {
    c.out.Json(s);
    return absl::OkStatus();
  }
  c.out.Data(fmt::format("{}: {} records, {} people, {} reviews, {} keys not followed, {:.1f} MiB", s.model(),
                         Thousands(s.records()), Thousands(s.people()), Thousands(s.reviews()),
                         Thousands(s.retired_keys()), static_cast<double>(s.index_bytes()) / kMebibyte));
  if (s.outgrown()) {
    c.out.Warn(
        fmt::format("The model was trained on {} records and does not know how often strangers agree among "
                    "so many: train one "
                    "(pharos identity train), compare it (diff), switch to it.",
                    Thousands(s.model_records())));
  }
  if (!s.partition_hash().empty()) c.out.Data("partition " + s.partition_hash());
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> IdentityModelCommands() {
  return {{"identity",
           "train",
           "",
           "Make a model from the records there are; nothing changes until it is switched to.",
           {"identity train", "identity train --precision 0.9999"},
           {{"seed", "NUMBER", "of the random pairs; else 1"},
            {"precision", "SHARE", "of right pairs among those linked without asking; else 0.9995"}},
           Train},
          {"identity", "models", "", "Models, newest first.", {"identity models"}, {}, ListModels},
          {"identity",
           "diff",
           "MODEL",
           "What would change under another model.",
           {"identity diff 0123456789abcdef"},
           {{"samples", "NUMBER", "of each kind, at most 50; else 10"}},
           Diff},
          {"identity",
           "switch",
           "MODEL",
           "Put a model in force, for all people at once.",
           {"identity switch 0123456789abcdef", "identity switch shipped"},
           {{"etag", "ETAG", "refuse if another model is in force than the one with this etag"}},
           Switch},
          {"identity",
           "state",
           "",
           "How the index of links stands.",
           {"identity state --hash"},
           {{"hash", "", "also the hash of who belongs to whom"}},
           State}};
}

}  // namespace pharos::cli
