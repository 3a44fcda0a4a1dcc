#include "services/campaign/template_service.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/campaign/errors.h"
#include "services/campaign/template_store.h"
#include "services/content/digest.h"
#include "services/content/email_text.h"
#include "services/content/sms_text.h"
#include "services/content/template.h"
#include "services/rpc/once.h"

namespace pharos::campaign {
namespace {

using record::v1::TemplateRow;

std::string EtagOf(const TemplateRow& row) {
  return fmt::format("v{}", row.version());
}

v1::Template Shown(const TemplateRow& row) {
  v1::Template shown;
  shown.set_name(row.name());
  shown.set_display_name(row.display_name());
  shown.set_sms_body(row.sms_body());
  shown.set_email_subject(row.email_subject());
  shown.set_email_body(row.email_body());
  shown.set_version(row.version());
  shown.set_etag(EtagOf(row));
  *shown.mutable_placeholders() = row.placeholders();
  shown.set_digest(base::ToHex(row.digest()));
  shown.set_single_messages(row.single_messages());
  shown.set_create_time_us(row.create_time_us());
  return shown;
}

bool HasEmail(const TemplateRow& row) {
  return !row.email_body().empty();
}

content::Names NamesOf(bool single_messages) {
  return single_messages ? content::Names::kBrought : content::Names::kRecord;
}

// Fields that any of the texts needs, sorted. INVALID_ARGUMENT for a text that is wrong.
absl::StatusOr<std::set<std::string>> FieldsOf(const v1::Template& asked) {
  if (asked.email_subject().empty() != asked.email_body().empty()) return errors::EmailIncomplete();
  if (asked.sms_body().empty() && asked.email_body().empty()) return errors::TemplateEmpty();
  const content::Names names = NamesOf(asked.single_messages());
  std::set<std::string> fields;
  if (!asked.sms_body().empty()) {
    PHAROS_ASSIGN_OR_RETURN(const content::Template sms, content::Template::Parse(asked.sms_body(), names));
    fields.insert(sms.fields().begin(), sms.fields().end());
  }
  if (!asked.email_body().empty()) {
    PHAROS_ASSIGN_OR_RETURN(const content::EmailTemplate email,
                            content::EmailTemplate::Parse(asked.email_subject(), asked.email_body(), names));
    fields.insert(email.fields().begin(), email.fields().end());
  }
  return fields;
}

// The version after `before` (which may be empty), with the texts asked for.
absl::StatusOr<TemplateRow> NextVersion(const TemplateRow& before, std::string_view name,
                                        const v1::Template& asked, int64_t now_us) {
  if (before.version() > 0 && before.single_messages() != asked.single_messages())
    return errors::TemplateKindChanges(name);
  PHAROS_ASSIGN_OR_RETURN(const std::set<std::string> fields, FieldsOf(asked));
  TemplateRow row;
  row.set_name(std::string(name));
  row.set_display_name(asked.display_name());
  row.set_sms_body(asked.sms_body());
  row.set_email_subject(asked.email_subject());
  row.set_email_body(asked.email_body());
  row.set_version(before.version() + 1);
  row.mutable_placeholders()->Assign(fields.begin(), fields.end());
  row.set_digest(content::DigestOf(asked.sms_body(), asked.email_subject(), asked.email_body()));
  row.set_create_time_us(now_us);
  row.set_single_messages(asked.single_messages());
  return row;
}

using Values = std::map<std::string, std::string>;

absl::Status PreviewSms(const TemplateRow& row, const Values& values, v1::PreviewTemplateResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const content::Template parsed,
                          content::Template::Parse(row.sms_body(), NamesOf(row.single_messages())));
  PHAROS_ASSIGN_OR_RETURN(const std::string text, parsed.Render(values));
  PHAROS_ASSIGN_OR_RETURN(const content::SmsText sms, content::EncodeSms(text));
  response.set_sms_text(text);
  response.set_characters(sms.characters);
  response.set_parts(static_cast<int32_t>(sms.parts.size()));
  response.set_encoding(sms.encoding == content::SmsEncoding::kGsm7 ? "GSM 7-bit" : "UCS-2");
  for (std::string& hint : content::SmsHints(text)) response.add_hints(std::move(hint));
  return absl::OkStatus();
}

absl::Status PreviewEmail(const TemplateRow& row, const Values& values,
                          v1::PreviewTemplateResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(
      const content::EmailTemplate parsed,
      content::EmailTemplate::Parse(row.email_subject(), row.email_body(), NamesOf(row.single_messages())));
  PHAROS_ASSIGN_OR_RETURN(content::Email email, parsed.Render(values));
  response.set_email_subject(std::move(email.subject));
  response.set_email_text(std::move(email.text));
  response.set_email_html(std::move(email.html));
  return absl::OkStatus();
}

}  // namespace

absl::Status TemplateHandler::CreateTemplate(rpc::Call& call, const v1::CreateTemplateRequest& request,
                                             v1::Template& response) {
  if (!base::IsChosenId(request.template_id())) return errors::IdWrong("template_id", request.template_id());
  const std::string name = "templates/" + request.template_id();
  const int64_t now = clock_.WallMicros();
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        TemplateRow before;
        PHAROS_ASSIGN_OR_RETURN(const bool exists, FindTemplate(tx, name, before));
        if (exists) return errors::TemplateExists(name);
        PHAROS_ASSIGN_OR_RETURN(const TemplateRow row, NextVersion(before, name, request.template_(), now));
        SaveTemplate(tx, row);
        tx.AppendChange(rpc::ChangeBy(call, name, "template.created", row.version(), now));
        response = Shown(row);
        return absl::OkStatus();
      },
      now);
}

absl::Status TemplateHandler::UpdateTemplate(rpc::Call& call, const v1::UpdateTemplateRequest& request,
                                             v1::Template& response) {
  const std::string& name = request.template_().name();
  if (request.template_().etag().empty()) return errors::EtagMissing(name);
  const int64_t now = clock_.WallMicros();
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        TemplateRow before;
        PHAROS_ASSIGN_OR_RETURN(const bool exists, FindTemplate(tx, name, before));
        if (!exists) return errors::TemplateNotFound(name);
        if (request.template_().etag() != EtagOf(before)) return errors::EtagMismatch(name);
        PHAROS_ASSIGN_OR_RETURN(const TemplateRow row, NextVersion(before, name, request.template_(), now));
        SaveTemplate(tx, row);
        tx.AppendChange(rpc::ChangeBy(call, name, "template.updated", row.version(), now));
        response = Shown(row);
        return absl::OkStatus();
      },
      now);
}

absl::Status TemplateHandler::GetTemplate(rpc::Call&, const v1::GetTemplateRequest& request,
                                          v1::Template& response) {
  PHAROS_ASSIGN_OR_RETURN(const TemplateRow row, LoadTemplate(store_, request.name(), request.version()));
  response = Shown(row);
  return absl::OkStatus();
}

absl::Status TemplateHandler::ListTemplates(rpc::Call&, const v1::ListTemplatesRequest& request,
                                            v1::ListTemplatesResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const TemplatePage page,
                          ListTemplateRows(store_, request.page_size(), request.page_token()));
  for (const TemplateRow& row : page.rows) *response.add_templates() = Shown(row);
  response.set_next_page_token(page.next_page_token);
  return absl::OkStatus();
}

absl::Status TemplateHandler::PreviewTemplate(rpc::Call&, const v1::PreviewTemplateRequest& request,
                                              v1::PreviewTemplateResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const TemplateRow row, LoadTemplate(store_, request.name(), request.version()));
  Values values;
  for (const auto& [name, value] : request.values())
    values[row.single_messages() ? content::BroughtName(name) : name] = value;
  if (!row.sms_body().empty()) PHAROS_RETURN_IF_ERROR(PreviewSms(row, values, response));
  if (HasEmail(row)) PHAROS_RETURN_IF_ERROR(PreviewEmail(row, values, response));
  return absl::OkStatus();
}

}  // namespace pharos::campaign
