// Data-sharing agreements: what may be brought, learnt and counted under one, by whom and until when. Pure.
// An agreement never changes; it runs out, or is ended early.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pharos/customer/v1/agreement_service.pb.h"
#include "pharos/record/v1/sync.pb.h"

namespace pharos::customer {

// A new one, its lists sorted and each word once. INVALID_ARGUMENT: ID_WRONG, FIELD_MISSING, FIELD_UNKNOWN,
// SOURCE_RESERVED, TIME_WRONG (it would have run out already). Whether sources and purposes are registered is
// for the caller to look up.
absl::StatusOr<record::v1::AgreementRow> NewAgreement(const v1::CreateAgreementRequest& request,
                                                      std::string_view principal, int64_t now);
// Ended now; one that was ended before stays as it is.
record::v1::AgreementRow EndedAgreement(record::v1::AgreementRow row, int64_t now);
v1::Agreement ShowAgreement(const record::v1::AgreementRow& row);

// Who asks.
struct Asker {
  std::string principal;    // "principals/…"
  bool is_partner = false;  // gets nothing but under an agreement that names it
};
bool IsInForce(const record::v1::AgreementRow& row, int64_t now);
bool IsParty(const record::v1::AgreementRow& row, std::string_view principal);
// Lists that stand sorted in a row: fields, purposes, sources.
bool Lists(const google::protobuf::RepeatedPtrField<std::string>& sorted, std::string_view word);

// May records of `source` ("sources/…") be brought under this agreement? `row`: the one that was named;
// nullptr: none was, or there is none of that name (`named`). OK for those who need none.
absl::Status MayBring(const record::v1::AgreementRow* row, bool named, const Asker& asker,
                      std::string_view source, int64_t now);
// May the feeds of this agreement be followed? Only by its parties, whatever else they may do.
absl::Status MayFollow(const record::v1::AgreementRow* row, const Asker& asker, int64_t now);
// May `source` be asked about (how far it has come, how many records)? `rows`: all agreements that name the
// asker.
absl::Status MayAskAbout(const std::vector<record::v1::AgreementRow>& rows, const Asker& asker,
                         std::string_view source, int64_t now);
// Is it there for this asker? A partner sees its own, ended ones too.
bool MaySee(const record::v1::AgreementRow& row, const Asker& asker);

}  // namespace pharos::customer
