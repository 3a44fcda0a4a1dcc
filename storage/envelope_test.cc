#include "storage/envelope.h"

#include "gtest/gtest.h"
#include "pharos/record/v1/change.pb.h"
#include "services/base/errors.h"
#include "storage/open.h"

namespace pharos::storage {
namespace {

TEST(Envelope, GivesBackThePayload) {
  for (const std::string& payload : {std::string(), std::string("x"), std::string(1000, '\0')}) {
    const std::string envelope = Wrap(payload);
    EXPECT_EQ(*Unwrap(envelope), payload);
  }
}

TEST(Envelope, SaysSoWhenItIsSealed) {
  for (const uint64_t key_id : {uint64_t{1}, uint64_t{200}, ~uint64_t{0}}) {
    const absl::Status status = Unwrap(Wrap("sealed", key_id)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_EQ(base::FactsOf(status)->metadata["key_id"], std::to_string(key_id));
  }
}

TEST(Envelope, RefusesWhatIsNone) {
  for (const std::string& bytes :
       {std::string(), std::string("\x02\x00x", 3), std::string("\x01"), std::string("\x01\xff\xff")}) {
    EXPECT_EQ(Unwrap(bytes).status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(Envelope, RefusesAPayloadThatIsNoRecord) {
  record::v1::ChangeEntry entry;
  EXPECT_EQ(DecodeRecord(Wrap("\xff\xff\xff"), entry).code(), absl::StatusCode::kDataLoss);
}

TEST(Envelope, RecordsComeBackFromTransactionViewAndStore) {
  OpenOptions options;
  options.name = "test";
  options.in_memory = true;
  auto store = Open(options);
  ASSERT_TRUE(store.ok()) << store.status();
  record::v1::ChangeEntry written, read;
  written.set_resource("people/1");
  ASSERT_TRUE((*store)
                  ->Transact([&](Transaction& tx) {
                    EXPECT_FALSE(*GetRecord(tx, "key", read));
                    PutRecord(tx, "key", written);
                    EXPECT_TRUE(*GetRecord(tx, "key", read));
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_TRUE(*GetRecord(**store, "key", read));
  EXPECT_EQ(read.SerializeAsString(), written.SerializeAsString());
  EXPECT_TRUE(*GetRecord(*(*store)->Read(), "key", read));
  EXPECT_FALSE(*GetRecord(**store, "other", read));
}

}  // namespace
}  // namespace pharos::storage
