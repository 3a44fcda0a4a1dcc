// The nation of a postcode. Pure.
//
// Source: the ONS Postcode Directory's country codes (Open Government Licence v3.0). Most postcode areas lie
// in one nation; border areas are decided by district, districts on both sides by sector. A sector on both
// sides of the border of England and Wales counts for where most of its postcodes are, for both keep the same
// bank holidays; one on both sides of the border of England and Scotland is not known.
#pragma once

#include <string_view>

#include "pharos/type/v1/types.pb.h"

namespace pharos::customer {

// `postcode` as CleanPostcode gives it ("SY10 9AA"). NATION_UNSPECIFIED: empty, no UK postcode, the Channel
// Islands, the Isle of Man, forces and non-geographic ones, or a sector in England and in Scotland. No
// allocation.
type::v1::Nation NationOf(std::string_view postcode);

}  // namespace pharos::customer
