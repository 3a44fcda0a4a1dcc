#include "services/content/digest.h"

#include <gtest/gtest.h>

#include "services/base/ids.h"

namespace pharos::content {
namespace {

TEST(Digest, IsOverAllTextsWithTheirNames) {
  EXPECT_EQ(DigestOf("Hello", "News", "# Hi"), base::Sha256("sms\nHello\nsubject\nNews\nemail\n# Hi"));
  EXPECT_EQ(DigestOf("", "", "").size(), 32u);
}

TEST(Digest, TellsWhichTextItWas) {
  EXPECT_NE(DigestOf("a", "", ""), DigestOf("", "a", ""));
  EXPECT_NE(DigestOf("", "a", ""), DigestOf("", "", "a"));
}

}  // namespace
}  // namespace pharos::content
