#include "services/edge/console/form.h"

#include <gmock/gmock.h>

namespace pharos::edge::console {
namespace {

using ::testing::ElementsAre;

std::string Part(const std::string& head, const std::string& body) {
  return "--x9\r\n" + head + "\r\n\r\n" + body + "\r\n";
}

TEST(Form, PairsAreDecodedAndKeepTheirOrder) {
  const auto form = ReadPairs("name=Ann%20Lee&kind=a&kind=b&empty=&note=1+%2B+1%3D2");
  ASSERT_TRUE(form.ok());
  EXPECT_EQ(form->Get("name"), "Ann Lee");
  EXPECT_THAT(form->All("kind"), ElementsAre("a", "b"));
  EXPECT_EQ(form->Get("note"), "1 + 1=2");
  EXPECT_TRUE(form->Has("empty"));
  EXPECT_FALSE(form->Has("other"));
}

TEST(Form, ValuesLoseSpacesRoundThem) {
  EXPECT_EQ(ReadPairs("phone=++07700+900123%20%0D%0A")->Get("phone"), "07700 900123");
}

TEST(Form, OddEncodingsAreRefused) {
  EXPECT_FALSE(ReadPairs("a=%").ok());
  EXPECT_FALSE(ReadPairs("a=%4").ok());
  EXPECT_FALSE(ReadPairs("a=%zz").ok());
  EXPECT_FALSE(ReadPairs("a=%C3%28").ok()) << "not UTF-8";
  EXPECT_FALSE(ReadPairs("%FF=1").ok());
  EXPECT_TRUE(ReadPairs("a=%c3%a9").ok()) << "é, in small hex digits";
}

TEST(Form, MoreValuesThanAFormHasAreRefused) {
  std::string text;
  for (size_t i = 0; i < FormValues::kMostValues; ++i) text += "a=1&";
  EXPECT_TRUE(ReadPairs(text).ok());
  EXPECT_FALSE(ReadPairs(text + "a=1").ok());
}

TEST(Form, FileComesWithoutItsFolderAndAsItIs) {
  const std::string body = Part("Content-Disposition: form-data; name=\"source\"", "sources/quit") +
                           Part(
                               "Content-Disposition: form-data; name=\"file\"; "
                               "filename=\"C:\\ann\\quit.csv\"\r\nContent-Type: text/csv",
                               "record_id,email\r\n1,\xE9\r\n") +
                           "--x9--\r\n";
  const auto form = ReadForm("multipart/form-data; boundary=x9", body);
  ASSERT_TRUE(form.ok());
  EXPECT_EQ(form->Get("source"), "sources/quit");
  ASSERT_NE(form->File("file"), nullptr);
  EXPECT_EQ(form->File("file")->name, "quit.csv");
  EXPECT_EQ(form->File("file")->text, "record_id,email\r\n1,\xE9\r\n")
      << "a file need not be UTF-8: the import says what is wrong";
}

TEST(Form, QuotedBoundaryIsRead) {
  const std::string body = Part("content-disposition: form-data; name=\"a\"", "1") + "--x9--";
  const auto form = ReadForm("multipart/form-data; boundary=\"x9\"", body);
  ASSERT_TRUE(form.ok());
  EXPECT_EQ(form->Get("a"), "1");
}

TEST(Form, BrokenMultipartIsRefused) {
  const std::string part = Part("Content-Disposition: form-data; name=\"a\"", "1");
  EXPECT_FALSE(ReadForm("multipart/form-data", part + "--x9--").ok()) << "no boundary";
  EXPECT_FALSE(ReadForm("multipart/form-data; boundary=", part + "--x9--").ok());
  EXPECT_FALSE(ReadForm("multipart/form-data; boundary=x9", part).ok()) << "no end";
  EXPECT_FALSE(ReadForm("multipart/form-data; boundary=x9", part + "--x9??").ok());
  EXPECT_FALSE(ReadForm("multipart/form-data; boundary=x9", "--x9\r\nno blank line\r\n--x9--").ok());
  EXPECT_FALSE(
      ReadForm("multipart/form-data; boundary=x9", Part("Content-Type: text/plain", "1") + "--x9--").ok())
      << "no name";
  EXPECT_FALSE(ReadForm("multipart/form-data; boundary=x9", "").ok());
}

TEST(Form, LinksEscapeAllButUnreserved) {
  EXPECT_EQ(EscapeForUrl("a b/ü?-._~"), "a%20b%2F%C3%BC%3F-._~");
}

}  // namespace
}  // namespace pharos::edge::console
