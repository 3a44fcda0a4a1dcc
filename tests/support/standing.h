// How scenarios of single messages begin: a source, a purpose, templates, and a standing campaign that a
// second person approved, launched.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pharos/dispatch/v1/message_service.pb.h"
#include "tests/support/story.h"

namespace pharos::tests {

inline constexpr char kBooking[] = "campaigns/booking";
inline constexpr char kBookings[] = "sources/bookings";
inline constexpr char kBookingPurpose[] = "purposes/booking";
inline constexpr char kBooked[] = "templates/booked";    // SMS: ((name)), ((when)), ((late??…))
inline constexpr char kDetails[] = "templates/details";  // email: ((name)), ((ref no))

// Another standing campaign: drafts, submits, approves, launches.
void RunStanding(const Story& story, const std::string& id,
                 const std::vector<std::string>& templates = {kBooked, kDetails});

class Standing {
 public:
  explicit Standing(const Story& story);

  absl::StatusOr<dispatch::v1::Message> Text(const std::string& phone, const std::string& when,
                                             const std::string& request_id = "",
                                             const std::string& campaign = kBooking) const;
  absl::StatusOr<dispatch::v1::Message> Mail(const std::string& address, const std::string& number) const;
  dispatch::v1::Message Get(const std::string& name) const;
  dispatch::v1::ListMessagesResponse List(const dispatch::v1::ListMessagesRequest& request) const;
  // It reaches that state.
  bool Becomes(const std::string& name, dispatch::v1::IntentState state, double seconds = 15) const;

  const Story& story;
  const Client sender;
};

}  // namespace pharos::tests
