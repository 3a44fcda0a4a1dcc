#include "connectors/notify/route_blame.h"

#include <gtest/gtest.h>

namespace pharos::notify {
namespace {

TEST(RouteBlame, OneRecipientNeverBlamesTheRoute) {
  RouteBlame blame;
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(blame.Refused("447700900001", "WRONG_ACCOUNT"));
}

TEST(RouteBlame, SeveralInARowDoAndItStaysSoUntilOneIsAccepted) {
  RouteBlame blame;
  EXPECT_FALSE(blame.Refused("447700900001", "WRONG_ACCOUNT"));
  EXPECT_FALSE(blame.Refused("447700900002", "WRONG_ACCOUNT"));
  blame.Accepted();
  EXPECT_FALSE(blame.Refused("447700900003", "WRONG_ACCOUNT")) << "it works";
  EXPECT_FALSE(blame.Refused("447700900004", "WRONG_ACCOUNT"));
  EXPECT_TRUE(blame.Refused("447700900005", "WRONG_ACCOUNT"));
  EXPECT_TRUE(blame.Refused("447700900006", "WRONG_ACCOUNT")) << "and nobody else's message fails for it";
  EXPECT_FALSE(blame.Refused("447700900007", "PROTOCOL_ERROR")) << "another reason";
}

}  // namespace
}  // namespace pharos::notify
