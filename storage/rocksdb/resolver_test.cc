#include "storage/rocksdb/resolver.h"

#include "gtest/gtest.h"

namespace pharos::storage::rocks {
namespace {

TEST(Resolver, RefusesWhoReadWhatWasWrittenSince) {
  Resolver resolver(100);
  resolver.Record(1, {10, 11});
  resolver.Record(2, {11});
  EXPECT_TRUE(resolver.Conflicts(0, {10}));
  EXPECT_FALSE(resolver.Conflicts(1, {10}));
  EXPECT_TRUE(resolver.Conflicts(1, {99, 11}));
  EXPECT_FALSE(resolver.Conflicts(2, {10, 11}));
}

TEST(Resolver, WhoReadNothingNeverConflicts) {
  Resolver resolver(1);
  for (uint64_t commit = 1; commit < 10; ++commit) resolver.Record(commit, {commit});
  EXPECT_FALSE(resolver.Conflicts(0, {}));
}

TEST(Resolver, RefusesWhoBeganBeforeWhatItRemembers) {
  Resolver resolver(2);
  resolver.Record(1, {10});
  resolver.Record(2, {20});
  EXPECT_FALSE(resolver.Conflicts(0, {99}));
  resolver.Record(3, {30});  // commit 1 is forgotten
  EXPECT_TRUE(resolver.Conflicts(0, {99}));
  EXPECT_FALSE(resolver.Conflicts(1, {99}));
  EXPECT_TRUE(resolver.Conflicts(1, {20}));
}

TEST(Resolver, AForgottenWriteDoesNotTakeANewerOneWithIt) {
  Resolver resolver(2);
  resolver.Record(1, {10});
  resolver.Record(2, {10});
  resolver.Record(3, {30});
  EXPECT_TRUE(resolver.Conflicts(1, {10}));
}

TEST(Resolver, ACommitForgottenInPartIsForgotten) {
  Resolver resolver(2);
  resolver.Record(1, {10, 11, 12});
  EXPECT_TRUE(resolver.Conflicts(0, {10}));
  EXPECT_TRUE(resolver.Conflicts(0, {12}));
}

}  // namespace
}  // namespace pharos::storage::rocks
