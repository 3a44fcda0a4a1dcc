#include "services/customer/facts.h"

#include "services/base/errors.h"
#include "services/customer/person_writer.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::customer {

using record::v1::FactRow;
using record::v1::RecordRow;

namespace {

void Set(RecordRow& row, const FactRow& fact) {
  switch (fact.fact()) {
    case v1::SetPersonFactRequest::FACT_DECEASED:
      row.set_deceased(fact.holds());
      break;
    case v1::SetPersonFactRequest::FACT_PAUSED:
      row.set_paused(fact.holds());
      break;
    case v1::SetPersonFactRequest::FACT_SENSITIVE:
      row.set_sensitive(fact.holds());
      break;
    default:
      break;
  }
}

}  // namespace

absl::Status StateFact(storage::Transaction& tx, const PersonStore& people,
                       const record::v1::PersonRow& person, const FactRow& fact, std::string_view id,
                       const ChangeMaker& change) {
  PersonStore::Writer writer(people, tx, change);
  for (const auto& record : person.records()) {
    PHAROS_ASSIGN_OR_RETURN(RecordRow * row, writer.Change(record));
    if (row == nullptr) continue;
    Set(*row, fact);
    storage::PutRecord(tx, RecordFactKey(*ParseRecordName(record), id), fact);
  }
  return writer.Finish();
}

absl::StatusOr<std::vector<StatedFact>> FactsStatedOf(const storage::View& view, const RecordId& record) {
  std::vector<StatedFact> stated;
  absl::Status damaged;
  PHAROS_RETURN_IF_ERROR(view.Scan(storage::PrefixRange(RecordFactsPrefix(record)),
                                   [&](std::string_view key, std::string_view value) {
                                     storage::KeyReader reader(key);
                                     reader.String(), reader.String();
                                     auto& fact = stated.emplace_back();
                                     fact.id = reader.String();
                                     damaged = storage::DecodeRecord(value, fact.row);
                                     return damaged.ok();
                                   }));
  PHAROS_RETURN_IF_ERROR(damaged);
  return stated;
}

bool HeldAt(const std::vector<StatedFact>& stated, v1::SetPersonFactRequest::Fact fact, bool now,
            int64_t time) {
  const StatedFact* last = nullptr;
  const StatedFact* next = nullptr;
  for (const auto& each : stated) {
    if (each.row.fact() != fact) continue;
    if (each.row.create_time_us() <= time) {
      last = &each;
    } else if (next == nullptr) {
      next = &each;
    }
  }
  if (last != nullptr) return last->row.holds();
  return next != nullptr ? !next->row.holds() : now;
}

}  // namespace pharos::customer
