// Running in words: replies, connectors, questions, acts. Pure.
#pragma once

#include <string>
#include <string_view>

#include "pharos/access/v1/act_service.pb.h"
#include "pharos/dispatch/v1/connector_service.pb.h"

namespace pharos::edge::console {

std::string ReplyInWords(std::string_view kind);  // "STOP" → "Asked to stop"
std::string ReplyColour(std::string_view kind);

std::string HealthInWords(const dispatch::v1::Connector& connector);  // "Working"
std::string HealthColour(const dispatch::v1::Connector& connector);
std::string ProblemInWords(std::string_view problem);

// "/pharos.audience.v1.AudienceService/CountAudience" → "Count audience".
std::string QuestionInWords(std::string_view method);

std::string ActInWords(access::v1::ActKind kind);
std::string ActStateInWords(access::v1::ActState state);
std::string ActColour(access::v1::ActState state);

}  // namespace pharos::edge::console
