// The calls of `pharos identity` that stream: training, which tells how far it is, and known links going up.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "ops/cli/client.h"
#include "ops/cli/known_links.h"
#include "pharos/customer/v1/identity_service.pb.h"

namespace pharos::cli {

absl::StatusOr<customer::v1::LinkModel> TrainModel(
    Client& client, const customer::v1::TrainModelRequest& request,
    const std::function<void(const customer::v1::TrainModelResponse&)>& on_progress);

// Sends them a few hundred people at a time, each after the one before was answered. Gives the last answer's
// counts.
absl::StatusOr<customer::v1::ImportAssertionsResponse> SendKnownLinks(
    Client& client, const std::string& reason, std::span<const KnownPerson> people,
    const std::function<void(const customer::v1::ImportAssertionsResponse&)>& on_answer);

}  // namespace pharos::cli
