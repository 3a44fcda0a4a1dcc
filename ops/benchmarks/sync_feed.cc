#include "ops/benchmarks/sync_feed.h"

#include <ctime>
#include <fstream>
#include <string_view>

#include "pharos/customer/v1/sync_service.pb.h"

namespace pharos::bench {
namespace {

// A line of RFC 4180 without line ends in its cells.
std::vector<std::string> CellsOf(std::string_view line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (c == '"' && quoted && at + 1 < line.size() && line[at + 1] == '"') {
      cells.back().push_back('"');
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else if (c != '\r') {
      cells.back().push_back(c);
    }
  }
  return cells;
}

// Microseconds since the epoch of "2026-02-03T04:05:06Z"; 0: another shape.
int64_t TimeOf(const std::string& text) {
  std::tm parts = {};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return end == nullptr || *end != 0 ? 0 : static_cast<int64_t>(::timegm(&parts)) * 1'000'000;
}

void AddConsent(const std::string& said, type::v1::Channel channel, const std::string& purpose, int64_t time,
                customer::v1::SyncUpsert& upsert) {
  if (said.empty()) return;
  auto* consent = upsert.add_consents();
  consent->set_purpose(purpose);
  consent->set_channel(channel);
  consent->set_kind(said == "granted" ? type::v1::GRANTED : type::v1::WITHDRAWN);
  consent->set_event_time_us(time);
}

}  // namespace

std::vector<std::string> ItemsOf(const std::string& file, const std::string& purpose) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  const std::vector<std::string> names = CellsOf(line);
  std::vector<std::string> items;
  while (std::getline(in, line)) {
    const std::vector<std::string> cells = CellsOf(line);
    if (cells.size() != names.size()) continue;
    customer::v1::SyncItem item;
    std::string sms, email, consent_at;
    for (size_t at = 0; at < names.size(); ++at) {
      if (names[at] == "record_id") {
        item.set_record_id(cells[at]);
      } else if (names[at] == "updated_at") {
        item.set_update_time_us(TimeOf(cells[at]));
      } else if (names[at] == "consent_sms") {
        sms = cells[at];
      } else if (names[at] == "consent_email") {
        email = cells[at];
      } else if (names[at] == "consent_at") {
        consent_at = cells[at];
      } else if (!cells[at].empty()) {
        const std::string field = names[at] == "organisation_id" ? "organisation" : names[at];
        (*item.mutable_upsert()->mutable_fields())[field] = cells[at];
      }
    }
    if (item.record_id().empty()) continue;
    AddConsent(sms, type::v1::CHANNEL_SMS, purpose, TimeOf(consent_at), *item.mutable_upsert());
    AddConsent(email, type::v1::CHANNEL_EMAIL, purpose, TimeOf(consent_at), *item.mutable_upsert());
    item.set_cursor(std::to_string(items.size() + 1));
    items.push_back(item.SerializeAsString());
  }
  return items;
}

}  // namespace pharos::bench
