// pharos-bench-audience: asks audience questions in turn, each as often as wanted, and says how long they
// took and what was answered: one JSON object a line. ops/bench runs it.
//
// A question is a line: name, method, how often, request as JSON, with tabs between them.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_split.h"
#include "ops/benchmarks/audience_client.h"

ABSL_FLAG(std::string, target, "", "host:port");
ABSL_FLAG(std::string, token_file, "", "file with the bearer token");
ABSL_FLAG(std::string, questions, "", "file of questions");
ABSL_FLAG(std::string, ids, "", "folder for the ids of streams, a file for each question");

namespace pharos::bench {
namespace {

std::vector<Question> QuestionsOf(const std::string& path) {
  std::ifstream file(path);
  std::vector<Question> questions;
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits('\t', 3));
    if (parts.size() == 4) questions.push_back({parts[0], parts[1], parts[3], std::stoi(parts[2])});
  }
  return questions;
}

// Stream answers go to a file: the line says which.
std::string AnswerOf(const Question& question, const Asked& asked) {
  if (asked.ids == 0) return asked.answer.empty() ? "null" : asked.answer;
  const std::string path = fmt::format("{}/{}.ids", absl::GetFlag(FLAGS_ids), question.name);
  std::ofstream(path, std::ios::binary) << asked.answer;
  return fmt::format("{{\"ids\": {}, \"file\": \"{}\"}}", asked.ids, path);
}

// In turn, so that what disturbs the machine for a while disturbs all alike.
absl::Status AskAll(Asker& asker, const std::vector<Question>& questions, std::vector<Asked>& asked) {
  bool more = true;
  for (int round = 0; more; ++round) {
    more = false;
    for (size_t at = 0; at < questions.size(); ++at) {
      if (round >= questions[at].repeat) continue;
      more = true;
      const absl::Status status = asker.Ask(questions[at], asked[at]);
      if (!status.ok())
        return {status.code(), fmt::format("{}: {}", questions[at].name, std::string(status.message()))};
    }
  }
  return absl::OkStatus();
}

int Main() {
  std::string token;
  std::ifstream(absl::GetFlag(FLAGS_token_file)) >> token;
  const std::vector<Question> questions = QuestionsOf(absl::GetFlag(FLAGS_questions));
  std::vector<Asked> asked(questions.size());
  Asker asker(absl::GetFlag(FLAGS_target), token);
  const absl::Status status = AskAll(asker, questions, asked);
  if (!status.ok()) {
    std::fprintf(stderr, "pharos-bench-audience: %s\n", std::string(status.message()).c_str());
    return 1;
  }
  for (size_t at = 0; at < questions.size(); ++at) {
    std::sort(asked[at].times_ms.begin(), asked[at].times_ms.end());
    fmt::print("{{\"case\": \"{}\", \"times\": [{:.4f}], \"answer\": {}}}\n", questions[at].name,
               fmt::join(asked[at].times_ms, ", "), AnswerOf(questions[at], asked[at]));
  }
  return 0;
}

}  // namespace
}  // namespace pharos::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return pharos::bench::Main();
}
