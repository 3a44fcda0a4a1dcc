// PreviewAudience, StreamAudience, ExportAudience: each leaves an audit entry before anything is told.
#include "services/audience/asking.h"
#include "services/audience/audience_service.h"
#include "services/audience/export_rows.h"
#include "services/audience/filter_parser.h"
#include "services/audience/preview.h"
#include "services/audience/pseudonyms.h"
#include "services/audience/query.h"
#include "services/audience/table_check.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/gate/gate.h"
#include "services/rpc/audit.h"
#include "services/rpc/once.h"

namespace pharos::audience {
namespace {

constexpr size_t kDefaultFew = 10;
constexpr size_t kBatch = 8192;              // people in a message: 128 KiB of pseudonyms
constexpr size_t kReadAtOnce = 8 * kBatch;   // people whom one moment of the index is held for
constexpr size_t kExportAtOnce = kBatch;     // the same where each has up to 32 values
constexpr size_t kExportBytes = 256u << 10;  // of a message
constexpr std::string_view kReadPeople = "people.read";

Asking AskingOf(const v1::PreviewAudienceRequest& request, const std::string& filter, const Moment& moment) {
  Asking asking{filter, {}, request.purpose(), {}, moment.MinPosition(0)};
  for (const int channel : request.channels())
    asking.channels.push_back(static_cast<type::v1::Channel>(channel));
  return asking;
}
// The purpose has to be one that is in use; nobody is judged.
Asking AskingOf(const v1::StreamAudienceRequest& request, const std::string& filter) {
  return {filter, {}, request.purpose(), {type::v1::CHANNEL_SMS}, request.min_position()};
}
Asking AskingOf(const v1::ExportAudienceRequest& request, const std::string& filter) {
  return {filter, {}, request.purpose(), {type::v1::CHANNEL_SMS}, 0};
}

absl::StatusOr<std::vector<const FieldInfo*>> CheckFields(const v1::ExportAudienceRequest& request) {
  std::vector<const FieldInfo*> fields;
  for (const std::string& name : request.fields()) {
    const FieldInfo* field = FindValueField(name);
    if (field == nullptr) {
      return AudienceErrors::ExportFieldWrong(fields.size(), ShowName(name),
                                              base::Nearest(name, ValueFieldNames()));
    }
    fields.push_back(field);
  }
  return fields;
}

// Calls `visit` with parts of the set, each of at most `most` people, until it says false.
void InParts(const PeopleSet& people, size_t most, const std::function<bool(const PeopleSet&)>& visit) {
  PeopleSet part;
  size_t count = 0;
  bool more = true;
  people.ForEach([&](PersonNo person) {
    part.Add(person);
    if (++count == most) {
      more = visit(part);
      part = PeopleSet();
      count = 0;
    }
    return more;
  });
  if (more && count > 0) visit(part);
}

// The ids of a part of a list, one after the other. Somebody who is gone since is left out.
std::vector<std::string> IdsOf(const PeopleIndex& index, const PeopleSet& part, int64_t now_us) {
  std::vector<std::string> ids;
  const absl::Status read = index.Read(now_us, [&](const PeopleIndex::Reader& reader) {
    reader.ForEachId(part, [&](PersonNo, std::string_view id) {
      if (!id.empty()) ids.emplace_back(id);
      return true;
    });
    return absl::OkStatus();
  });
  return read.ok() ? ids : std::vector<std::string>();
}

// Today: somebody of an earlier day may have been erased a moment ago.
bool IsThere(const PeopleIndex& index, const std::string& id) {
  bool there = false;
  const absl::Status read = index.Read(0, [&](const PeopleIndex::Reader& reader) {
    there = reader.NumberOf(id) != Snapshot::kNobodyNow;
    return absl::OkStatus();
  });
  return read.ok() && there;
}

}  // namespace

struct AudienceService::Everybody {
  PeopleSet people;
  int64_t matched = 0;
  uint64_t position = 0;
};

template <typename Request>
absl::StatusOr<AudienceService::Everybody> AudienceService::ReadEverybody(rpc::Call& call,
                                                                          const Request& request,
                                                                          std::string_view kind) const {
  PHAROS_ASSIGN_OR_RETURN(const std::string filter, FilterOf(request));
  const int64_t now_us = clock_.WallMicros(), micros = call.RemainingMicros() - kAnswerUs;
  PHAROS_ASSIGN_OR_RETURN(const Asked asked, CheckAsking(AskingOf(request, filter), ask_, micros));
  Everybody all;
  PHAROS_RETURN_IF_ERROR(
      ReadAt(index_, asked.position, now_us, micros, [&](const PeopleIndex::Reader& reader) {
        all.people = reader.Match(asked.predicate);
        all.matched = static_cast<int64_t>(all.people.Count());
        all.position = reader.position();
        return absl::OkStatus();
      }));
  record::v1::QueryRow row = QuestionRow(call, request, filter, now_us);
  v1::StreamAudienceResponse first;
  first.set_matched(all.matched);
  first.set_position(all.position);
  row.set_purpose(request.purpose());
  row.set_position(all.position);
  SetAnswer(first, row);
  PHAROS_RETURN_IF_ERROR(queries_.Keep(row, rpc::ChangeBy(call, row.name(), "query.kept", 1, now_us)));
  PHAROS_RETURN_IF_ERROR(rpc::AuditRead(call, store_, kind, {row.name()}, now_us));
  return all;
}

absl::Status AudienceService::PreviewAudience(rpc::Call& call, const v1::PreviewAudienceRequest& request,
                                              v1::PreviewAudienceResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const std::string filter, FilterOf(request));
  PHAROS_ASSIGN_OR_RETURN(const Listener listener, ListenerOf(call));
  const int64_t micros = call.RemainingMicros() - kAnswerUs;
  PHAROS_ASSIGN_OR_RETURN(const Moment moment,
                          MomentOf(request.as_of_time_us(), index_, ask_, clock_, shelf_));
  const int64_t now_us = moment.now_us;
  PHAROS_ASSIGN_OR_RETURN(const Asked asked,
                          CheckAsking(AskingOf(request, filter, moment), moment.ask, micros));
  response.set_as_of_time_us(moment.snapshot_us);
  const size_t most = request.size() > 0 ? request.size() : kDefaultFew;
  std::vector<std::string> names;
  const auto read = [&](const PeopleIndex::Reader& reader) {
    response.set_position(reader.position());
    const PeopleSet people = reader.Match(asked.predicate);
    const auto matched = static_cast<int64_t>(people.Count());
    response.set_matched(listener.rules == nullptr ? matched : Protect(matched, *listener.rules).value);
    for (const PersonNo no : ChooseFew(reader, people, filter, now_us, most)) {
      if (moment.snapshot != nullptr && !IsThere(index_, reader.Id(no))) continue;
      v1::PreviewPerson& person = *response.add_people();
      person.set_person(names.emplace_back("people/" + reader.Id(no)));
      for (auto& [field, value] : MaskedFields(reader, no)) (*person.mutable_fields())[field] = value;
      if (!asked.judge) continue;
      person.set_reason(gate::Choose(reader.Facts(no), asked.judge->purpose, asked.judge->channels).reason);
    }
    return absl::OkStatus();
  };
  PHAROS_RETURN_IF_ERROR(ReadAt(*moment.index, asked.position, now_us, micros, read));
  return rpc::AuditRead(call, store_, "audience.previewed", names, clock_.WallMicros());
}

absl::Status AudienceService::StreamAudience(rpc::Call& call, const v1::StreamAudienceRequest& request,
                                             rpc::Writer<v1::StreamAudienceResponse>& writer) {
  const bool names = request.form() == v1::StreamAudienceRequest::PEOPLE;
  if (names && !call.Has(kReadPeople)) return AudienceErrors::PeopleNotYours();
  PHAROS_ASSIGN_OR_RETURN(const std::string secret, audiences_.PseudonymSecret());
  PHAROS_ASSIGN_OR_RETURN(const Everybody all, ReadEverybody(call, request, "audience.listed"));
  const Pseudonyms pseudonyms(secret, call.caller().principal, request.purpose());
  v1::StreamAudienceResponse batch;
  batch.set_matched(all.matched);
  batch.set_position(all.position);
  bool written = all.people.Empty() ? writer.Write(batch) : true;
  InParts(all.people, kReadAtOnce, [&](const PeopleSet& part) {
    const std::vector<std::string> ids = IdsOf(index_, part, clock_.WallMicros());
    for (size_t i = 0; i < ids.size() && written; ++i) {
      if (names) {
        batch.add_people("people/" + ids[i]);
      } else {
        pseudonyms.Append(ids[i], *batch.mutable_pseudonyms());
      }
      if ((i + 1) % kBatch != 0 && i + 1 != ids.size()) continue;
      written = !call.cancelled() && writer.Write(batch);
      batch.Clear();
    }
    return written;
  });
  return written ? absl::OkStatus() : AudienceErrors::StreamCut();
}

absl::Status AudienceService::ExportAudience(rpc::Call& call, const v1::ExportAudienceRequest& request,
                                             rpc::Writer<v1::ExportAudienceResponse>& writer) {
  PHAROS_ASSIGN_OR_RETURN(const auto fields, CheckFields(request));
  PHAROS_ASSIGN_OR_RETURN(const std::string secret, audiences_.PseudonymSecret());
  PHAROS_ASSIGN_OR_RETURN(const Everybody all, ReadEverybody(call, request, "audience.exported"));
  const Pseudonyms pseudonyms(secret, call.caller().principal, request.purpose());
  const ExportForm form =
      request.format() == v1::ExportAudienceRequest::NDJSON ? ExportForm::kNdjson : ExportForm::kCsv;
  std::vector<std::string> columns = {"pseudonym"};
  columns.insert(columns.end(), request.fields().begin(), request.fields().end());
  v1::ExportAudienceResponse piece;
  piece.set_data(ExportHeader(form, columns));
  bool written = true;
  InParts(all.people, kExportAtOnce, [&](const PeopleSet& part) {
    std::vector<std::string> rows;  // of this part, in pieces
    rows.emplace_back(std::move(*piece.mutable_data()));
    const absl::Status read = index_.Read(clock_.WallMicros(), [&](const PeopleIndex::Reader& reader) {
      reader.ForEachId(part, [&](PersonNo person, std::string_view id) {
        if (id.empty()) return true;
        std::vector<std::string> values = {base::ToHex(pseudonyms.Of(id))};
        for (const FieldInfo* field : fields) values.push_back(reader.Value(person, *field));
        if (rows.back().size() >= kExportBytes) rows.emplace_back();
        AppendRow(form, columns, values, rows.back());
        return true;
      });
      return absl::OkStatus();
    });
    if (!read.ok()) return false;
    for (size_t i = 0; i + 1 < rows.size() && written; ++i) {
      piece.set_data(std::move(rows[i]));
      written = !call.cancelled() && writer.Write(piece);
    }
    piece.set_data(std::move(rows.back()));
    return written;
  });
  if (written && !piece.data().empty()) written = writer.Write(piece);
  return written ? absl::OkStatus() : AudienceErrors::StreamCut();
}

}  // namespace pharos::audience
