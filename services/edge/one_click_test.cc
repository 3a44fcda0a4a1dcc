#include "services/edge/one_click.h"

#include <gtest/gtest.h>

namespace pharos::edge {
namespace {

constexpr char kForm[] = "application/x-www-form-urlencoded";

// Both examples of RFC 8058, 8.1 and 8.2.
TEST(OneClick, FormsAsInTheStandard) {
  EXPECT_TRUE(IsOneClick(kForm, "List-Unsubscribe=One-Click"));
  EXPECT_TRUE(IsOneClick(
      "multipart/form-data; boundary=---FormBoundaryjWmhtjORrn",
      "-----FormBoundaryjWmhtjORrn\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n"
      "\r\nOne-Click\r\n-----FormBoundaryjWmhtjORrn--\r\n"));
}

TEST(OneClick, AsMailersWriteIt) {
  EXPECT_TRUE(
      IsOneClick("Application/X-WWW-Form-Urlencoded; charset=UTF-8", "a=b&List-Unsubscribe=One-Click\r\n"));
  EXPECT_TRUE(IsOneClick(kForm, "List%2DUnsubscribe=One%2dClick"));
  EXPECT_TRUE(
      IsOneClick("multipart/form-data; boundary=\"x y\"",
                 "--x y\nContent-Disposition: form-data; name=List-Unsubscribe\n\nOne-Click\n--x y--"));
}

TEST(OneClick, NothingElseActs) {
  EXPECT_FALSE(IsOneClick(kForm, ""));
  EXPECT_FALSE(IsOneClick(kForm, "List-Unsubscribe=one-click"));
  EXPECT_FALSE(IsOneClick(kForm, "xList-Unsubscribe=One-Click"));
  EXPECT_FALSE(IsOneClick(kForm, "List-Unsubscribe=One-Click%00"));
  EXPECT_FALSE(IsOneClick("", "List-Unsubscribe=One-Click"));
  EXPECT_FALSE(IsOneClick("application/json", "{\"List-Unsubscribe\": \"One-Click\"}"));
  EXPECT_FALSE(IsOneClick("multipart/form-data", "List-Unsubscribe=One-Click"));
  EXPECT_FALSE(IsOneClick("multipart/form-data; boundary=x", "--x\r\n\r\nOne-Click\r\n--x--"));
  EXPECT_FALSE(
      IsOneClick("multipart/form-data; boundary=x",
                 "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click"));
}

}  // namespace
}  // namespace pharos::edge
