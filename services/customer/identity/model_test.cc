#include "services/customer/identity/model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "services/base/errors.h"
#include "services/customer/identity/model_data.h"

namespace pharos::customer::identity {
namespace {

TEST(ModelTest, TheShippedOneCanBeUsed) {
  const auto model = Model::Default();
  ASSERT_NE(model, nullptr);
  EXPECT_GT(model->auto_weight(), model->review_weight());
  EXPECT_TRUE(Model::From(model->row()).ok());
}

TEST(ModelTest, RefusesWhatItCannotUse) {
  auto row = Model::Default()->row();
  row.set_layout(99);
  EXPECT_EQ(base::ReasonOf(Model::From(row).status()), "MODEL_WRONG");
  row = Model::Default()->row();
  row.mutable_fields()->RemoveLast();
  EXPECT_EQ(base::ReasonOf(Model::From(row).status()), "MODEL_WRONG");
}

TEST(ModelTest, LogarithmsAreNear) {
  EXPECT_NEAR(Log2Share(1u << 31) / 1024.0, -1, 0.002);
  EXPECT_NEAR(Log2Share(4'294'967) / 1024.0, std::log2(0.001), 0.002);
  for (double x : {-15.0, -3.3, 0.0, 2.2, 15.0}) {
    EXPECT_NEAR(SoftPlus(static_cast<int32_t>(x * 1024)) / 1024.0, std::log2(1 + std::exp2(x)), 0.003);
  }
}

}  // namespace
}  // namespace pharos::customer::identity
