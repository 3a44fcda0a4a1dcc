#include "services/edge/api/connect_form.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "pharos/customer/v1/person_service.pb.h"
#include "services/base/errors.h"

namespace pharos::edge::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

const google::protobuf::Descriptor& GetPerson() {
  return *customer::v1::GetPersonRequest::descriptor();
}

TEST(ConnectForm, ContentTypesAreConnects) {
  EXPECT_EQ(ReadContentType("application/json")->encoding, Encoding::kJson);
  EXPECT_EQ(ReadContentType("Application/JSON; charset=utf-8")->encoding, Encoding::kJson);
  EXPECT_TRUE(ReadContentType("application/connect+proto")->stream);
  EXPECT_FALSE(ReadContentType("text/plain").has_value());
  EXPECT_FALSE(ReadContentType("").has_value());
}

TEST(ConnectForm, JsonBecomesTheMessageAndBack) {
  const auto bytes = ToBytes(GetPerson(), Encoding::kJson, R"({"name": "people/01j"})");
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  customer::v1::GetPersonRequest request;
  ASSERT_TRUE(request.ParseFromString(*bytes));
  EXPECT_EQ(request.name(), "people/01j");
  EXPECT_EQ(json::parse(*FromBytes(GetPerson(), Encoding::kJson, *bytes))["name"], "people/01j");
}

TEST(ConnectForm, WhatIsWrongIsNamedAndNotRepeated) {
  for (const char* body : {R"({"nam": "people/secret"})", R"({"name": ["people/secret"]})",
                           R"({"name": "people/secret")", "people/secret", "[\"people/secret\"]"}) {
    const auto bytes = ToBytes(GetPerson(), Encoding::kJson, body);
    ASSERT_FALSE(bytes.ok()) << body;
    EXPECT_EQ(base::ReasonOf(bytes.status()), "BODY_WRONG");
    EXPECT_THAT(std::string(bytes.status().message()), HasSubstr("pharos.customer.v1.GetPersonRequest"));
    EXPECT_THAT(std::string(bytes.status().message()), Not(HasSubstr("secret"))) << body;
  }
}

TEST(ConnectForm, AnUnknownFieldIsNamed) {
  const auto bytes = ToBytes(GetPerson(), Encoding::kJson, R"({"nam": "people/1"})");
  EXPECT_THAT(std::string(bytes.status().message()), HasSubstr("It has no field \"nam\"."));
}

TEST(ConnectForm, DeepAndForeignBodiesAreRefused) {
  EXPECT_EQ(base::ReasonOf(ToBytes(GetPerson(), Encoding::kJson, std::string(100'000, '[')).status()),
            "BODY_WRONG");
  EXPECT_EQ(base::ReasonOf(ToBytes(GetPerson(), Encoding::kJson, "{\"name\": \"\xff\"}").status()),
            "BODY_WRONG");
  EXPECT_EQ(base::ReasonOf(
                ToBytes(GetPerson(), Encoding::kJson, "{\"name\":'\"'" + std::string(1000, '[')).status()),
            "BODY_WRONG")
      << "single quotes hide nothing";
  EXPECT_EQ(base::ReasonOf(ToBytes(GetPerson(), Encoding::kJson, "}{").status()), "BODY_WRONG");
}

TEST(ConnectForm, ErrorsCarryTheirReason) {
  const absl::Status status = base::MakeError(absl::StatusCode::kNotFound, "PERSON_NOT_FOUND",
                                              "There is no such person.", {{"name", "people/1"}});
  EXPECT_EQ(HttpStatusOf(status.code()), 404);
  const json body = json::parse(ErrorBody(status));
  EXPECT_EQ(body["code"], "not_found");
  EXPECT_EQ(body["details"][0]["type"], "google.rpc.ErrorInfo");
  EXPECT_EQ(body["details"][0]["debug"]["reason"], "PERSON_NOT_FOUND");
  EXPECT_EQ(body["details"][0]["debug"]["metadata"]["name"], "people/1");
  EXPECT_THAT(body["details"][0]["value"].get<std::string>(), Not(HasSubstr("=")));
}

TEST(ConnectForm, AStreamIsEnvelopes) {
  const std::string one = Envelope("{}");
  EXPECT_EQ(one, std::string("\0\0\0\0\2{}", 7));
  EXPECT_EQ(*OnlyMessage(one), "{}");
  EXPECT_FALSE(OnlyMessage(one + one).ok());
  EXPECT_FALSE(OnlyMessage("\0\0").ok());
  EXPECT_FALSE(OnlyMessage(std::string("\1\0\0\0\2{}", 7)).ok());
  EXPECT_EQ(EndOfStream(absl::OkStatus()), std::string("\2\0\0\0\2{}", 7));
}

TEST(ConnectForm, TimeoutsAreAtMostTenDigits) {
  EXPECT_EQ(*ReadTimeout(""), 0);
  EXPECT_EQ(*ReadTimeout("1500"), 1500);
  for (const char* wrong : {"-1", "0", "1.5", "12345678901", "x", " 1"})
    EXPECT_FALSE(ReadTimeout(wrong).ok()) << wrong;
}

}  // namespace
}  // namespace pharos::edge::api
