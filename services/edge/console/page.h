// Pages: Mustache templates (pages/*.mustache, built into the program) filled with a model. Everything that a
// model says is escaped by the template engine; a template that wants HTML from a model takes it from another
// template only. Templates whose name begins with "_" are parts that others include.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace pharos::edge::console {

using Model = nlohmann::json;

// One template, filled. A name that is not built in stops the process: it is a mistake of ours.
std::string Fill(std::string_view page, const Model& model);
// A page inside "layout": its own content, then the frame with model["title"], "session", "navigation" ….
std::string FillInLayout(std::string_view page, const Model& model);

// "1,234".
std::string Thousands(int64_t number);
// "23 November 2026 at 4:05pm", in London.
std::string TimeInWords(int64_t wall_us);
// "23 November 2026".
std::string DayInWords(int64_t wall_us);

}  // namespace pharos::edge::console
