// The one streaming call of the command line: a contact file goes up while row errors and progress come down.
#pragma once

#include <functional>
#include <istream>

#include "absl/status/statusor.h"
#include "ops/cli/client.h"
#include "pharos/customer/v1/import_service.pb.h"

namespace pharos::cli {

struct ImportCallbacks {
  std::function<void(const customer::v1::RowError&)> on_row_error;
  std::function<void(const customer::v1::ImportProgress&)> on_progress;
};

// Sends `file` to its end and returns the summary.
absl::StatusOr<customer::v1::ImportProgress> ImportContacts(Client& client,
                                                            const customer::v1::ImportHeader& header,
                                                            std::istream& file,
                                                            const ImportCallbacks& callbacks);

}  // namespace pharos::cli
