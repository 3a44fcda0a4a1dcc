// The OpenAPI document, built into the program. Written by protoc-gen-openapi.
#pragma once

#include <string_view>

namespace pharos::edge::api {

std::string_view Document();

}  // namespace pharos::edge::api
