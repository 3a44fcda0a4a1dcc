#include "services/customer/model_store.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/keys.h"
#include "services/customer/review.h"
#include "services/customer/tables.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::customer {

using record::v1::LinkEpochRow;
using record::v1::LinkModel;

namespace {

constexpr size_t kNameBytes = 8;  // of the digest: a deployment has a handful of models
constexpr double kMillion = 1e6;

std::string ModelKey(std::string_view name) {
  return storage::KeyWriter(kLinkModel).String(base::Segment(name, "linkModels"));
}

LinkModel Shipped() {
  LinkModel row = identity::Model::Default()->row();
  row.set_name(std::string(kShippedModel));
  return row;
}

}  // namespace

std::string NameOfModel(LinkModel row) {
  row.clear_name();
  row.clear_create_time_us();
  row.clear_principal();
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    row.SerializeToCodedStream(&coded);
  }
  return "linkModels/" + base::ToHex(base::Sha256(bytes).substr(0, kNameBytes));
}

absl::StatusOr<std::optional<LinkModel>> LoadModel(const storage::View& view, std::string_view name) {
  if (name == kShippedModel) return Shipped();
  LinkModel row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(view, ModelKey(name), row));
  if (!found) return std::nullopt;
  return row;
}

absl::StatusOr<std::vector<LinkModel>> LoadModels(const storage::View& view) {
  std::vector<LinkModel> rows;
  absl::Status damaged;
  PHAROS_RETURN_IF_ERROR(view.Scan(storage::PrefixRange(storage::KeyWriter(kLinkModel).str()),
                                   [&](std::string_view, std::string_view value) {
                                     LinkModel row;
                                     damaged = storage::DecodeRecord(value, row);
                                     row.clear_term_frequency();  // most of it, and not for a list
                                     rows.push_back(std::move(row));
                                     return damaged.ok();
                                   }));
  PHAROS_RETURN_IF_ERROR(damaged);
  std::stable_sort(rows.begin(), rows.end(), [](const LinkModel& a, const LinkModel& b) {
    return a.create_time_us() > b.create_time_us();
  });
  rows.resize(std::min(rows.size(), kMostModels - 1));
  rows.push_back(Shipped());
  return rows;
}

void SaveModel(storage::Transaction& tx, const LinkModel& row) {
  storage::PutRecord(tx, ModelKey(row.name()), row);
}

absl::StatusOr<LinkEpochRow> LoadEpoch(const storage::View& view) {
  LinkEpochRow row;
  PHAROS_RETURN_IF_ERROR(storage::GetRecord(view, LinkEpochKey(), row).status());
  return row;
}

std::string ActiveModel(const LinkEpochRow& epoch) {
  return epoch.model().empty() ? std::string(kShippedModel) : epoch.model();
}

std::string EtagOf(const LinkEpochRow& epoch) {
  return std::to_string(epoch.epoch());
}

v1::LinkModel ShowModel(const LinkModel& row, const LinkEpochRow& epoch) {
  v1::LinkModel shown;
  shown.set_name(row.name());
  shown.set_create_time_us(row.create_time_us());
  shown.set_principal(row.principal());
  shown.set_records(static_cast<int64_t>(row.records()));
  shown.set_auto_weight(Bits(row.auto_weight()));
  shown.set_review_weight(Bits(row.review_weight()));
  shown.set_predicted_precision(row.predicted_precision_ppm() / kMillion);
  shown.set_active(row.name() == ActiveModel(epoch));
  shown.set_etag(EtagOf(epoch));
  return shown;
}

}  // namespace pharos::customer
