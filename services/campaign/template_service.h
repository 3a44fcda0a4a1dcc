// TemplateService: parse, load, save, answer.
#pragma once

#include "pharos/campaign/v1/template_service.pb.h"
#include "pharos/campaign/v1/template_service.serve.h"
#include "services/base/clock.h"
#include "storage/store.h"

namespace pharos::campaign {

class TemplateHandler : public v1::TemplateServiceHandler {
 public:
  TemplateHandler(storage::Store& store, base::Clock& clock) : store_(store), clock_(clock) {}

  absl::Status CreateTemplate(rpc::Call& call, const v1::CreateTemplateRequest& request,
                              v1::Template& response) override;
  absl::Status UpdateTemplate(rpc::Call& call, const v1::UpdateTemplateRequest& request,
                              v1::Template& response) override;
  absl::Status GetTemplate(rpc::Call& call, const v1::GetTemplateRequest& request,
                           v1::Template& response) override;
  absl::Status ListTemplates(rpc::Call& call, const v1::ListTemplatesRequest& request,
                             v1::ListTemplatesResponse& response) override;
  absl::Status PreviewTemplate(rpc::Call& call, const v1::PreviewTemplateRequest& request,
                               v1::PreviewTemplateResponse& response) override;

 private:
  storage::Store& store_;
  base::Clock& clock_;
};

}  // namespace pharos::campaign
