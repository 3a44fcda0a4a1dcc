#include "connectors/notify/http_answer.h"

#include <gtest/gtest.h>

namespace pharos::notify {
namespace {

using Result = AnswerReader::Result;
constexpr char kCreated[] =
    "HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX-Pharos-Sandbox: pharos-sandbox\r\n\r\n{}";

TEST(HttpAnswer, AWholeAnswerInOnePiece) {
  AnswerReader reader;
  HttpAnswer answer;
  std::string in = std::string(kCreated) + "rest";
  ASSERT_EQ(reader.Read(in, answer), Result::kWhole);
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body, "{}");
  EXPECT_EQ(answer.sandbox, "pharos-sandbox");
  EXPECT_TRUE(answer.keep_alive);
  EXPECT_EQ(in, "rest");
}

TEST(HttpAnswer, OctetByOctetItIsTheSame) {
  AnswerReader reader;
  HttpAnswer answer;
  std::string in;
  int whole = 0;
  for (int round = 0; round < 2; ++round)
    for (char c : std::string(kCreated)) {
      in += c;
      auto result = reader.Read(in, answer);
      ASSERT_NE(result, Result::kWrong);
      whole += result == Result::kWhole;
    }
  EXPECT_EQ(whole, 2);
  EXPECT_EQ(answer.body, "{}");
}

TEST(HttpAnswer, ChunksAndInterimAnswers) {
  AnswerReader reader;
  HttpAnswer answer;
  std::string in =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  ASSERT_EQ(reader.Read(in, answer), Result::kWhole);
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.body, "abcde");
  EXPECT_EQ(answer.retry_after_s, 7);
}

TEST(HttpAnswer, ABodyThatLastsUntilTheEnd) {
  AnswerReader reader;
  HttpAnswer answer;
  std::string in = "HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\noh";
  ASSERT_EQ(reader.Read(in, answer), Result::kNeedMore);
  ASSERT_EQ(reader.End(answer), Result::kWhole);
  EXPECT_EQ(answer.status, 502);
  EXPECT_FALSE(answer.keep_alive);
}

TEST(HttpAnswer, CutInTheMiddleIsNoAnswer) {
  AnswerReader reader;
  HttpAnswer answer;
  std::string in = "HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n{";
  ASSERT_EQ(reader.Read(in, answer), Result::kNeedMore);
  EXPECT_EQ(reader.End(answer), Result::kWrong);
}

TEST(HttpAnswer, WhatIsNoHttpOrTooLargeIsRefused) {
  for (std::string in : {std::string("SSH-2.0-x\r\n\r\n"), std::string("HTTP/1.1 abc\r\n\r\n"),
                         "HTTP/1.1 200 OK\r\nX: " + std::string(2 * kMaxAnswerHead, 'x') + "\r\n\r\n",
                         std::string("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")}) {
    AnswerReader reader;
    HttpAnswer answer;
    EXPECT_EQ(reader.Read(in, answer), Result::kWrong) << in.substr(0, 40);
  }
}

}  // namespace
}  // namespace pharos::notify
