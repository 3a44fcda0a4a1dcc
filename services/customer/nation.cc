#include "services/customer/nation.h"

#include <array>
#include <cstdint>

namespace pharos::customer {
namespace {

using type::v1::ENGLAND;
using type::v1::Nation;
using type::v1::NATION_UNSPECIFIED;
using type::v1::NORTHERN_IRELAND;
using type::v1::SCOTLAND;
using type::v1::WALES;

// Postcode areas by the nation in which most of each lies; border areas have exceptions below. GY, IM and JE
// are not of the UK.
constexpr std::string_view kEngland =
    "AL B BA BB BD BH BL BN BR BS CA CB CH CM CO CR CT CV CW DA DE DH DL DN DT DY E EC EN EX FY GL GU HA HD "
    "HG HP HR HU "
    "HX IG IP KT L LA LE LN LS LU M ME MK N NE NG NN NR NW OL OX PE PL PO PR RG RH RM S SE SG SK SL SM SN SO "
    "SP SR SS "
    "ST SW SY TA TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ";
constexpr std::string_view kWales = "CF LD LL NP SA ";
constexpr std::string_view kScotland = "AB DD DG EH FK G HS IV KA KW KY ML PA PH TD ZE ";
constexpr std::string_view kNorthernIreland = "BT ";

// One or two letters → a place in the table.
constexpr size_t PlaceOf(std::string_view letters) {
  const size_t second = letters.size() > 1 ? static_cast<size_t>(letters[1] - 'A') + 1 : 0;
  return static_cast<size_t>(letters[0] - 'A') * 27 + second;
}

using Areas = std::array<uint8_t, 26 * 27>;

constexpr void Enter(Areas& areas, std::string_view names, Nation nation) {
  for (size_t from = 0; from < names.size();) {
    const size_t end = names.find(' ', from);
    areas[PlaceOf(names.substr(from, end - from))] = nation;
    from = end + 1;
  }
}

// Where a part of an area is not in the area's nation. The first that fits counts.
constexpr int kAnySector = -1;
struct Exception {
  std::string_view area;
  int first, last;  // districts
  int sector;
  Nation nation;
};
constexpr Exception kExceptions[] = {
    {"CA", 6, 6, 5, NATION_UNSPECIFIED},    // Longtown; some farms are in Scotland
    {"CH", 4, 4, 0, WALES},                 // Broughton; the rest of CH4 is mostly Chester
    {"CH", 5, 8, kAnySector, WALES},        // Flintshire
    {"HR", 3, 3, 5, WALES},                 // Hay-on-Wye
    {"NP", 6, 6, 7, ENGLAND},               // Tidenham, until 2001
    {"NP", 16, 16, 7, ENGLAND},             // Tidenham
    {"SY", 10, 10, 0, WALES},               // Llanrhaeadr-ym-Mochnant
    {"SY", 15, 25, kAnySector, WALES},      // Powys and Ceredigion
    {"TD", 12, 12, 4, NATION_UNSPECIFIED},  // Coldstream and Cornhill-on-Tweed
    {"TD", 15, 15, 1, NATION_UNSPECIFIED},  // Berwick-upon-Tweed and farms in Berwickshire
    {"TD", 15, 15, kAnySector, ENGLAND},    // Berwick-upon-Tweed
};

// Bit of an area that has exceptions: most have none, and need no second look.
constexpr uint8_t kBorder = 0x80;

constexpr Areas MakeAreas() {
  Areas areas = {};
  Enter(areas, kEngland, ENGLAND);
  Enter(areas, kWales, WALES);
  Enter(areas, kScotland, SCOTLAND);
  Enter(areas, kNorthernIreland, NORTHERN_IRELAND);
  for (const Exception& one : kExceptions) areas[PlaceOf(one.area)] |= kBorder;
  return areas;
}

constexpr Areas kAreas = MakeAreas();

bool IsLetter(char c) {
  return c >= 'A' && c <= 'Z';
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// "10" of "10", "1" of "1A".
int DistrictOf(std::string_view text) {
  int district = 0;
  for (size_t i = 0; i < text.size() && i < 2 && IsDigit(text[i]); ++i)
    district = district * 10 + (text[i] - '0');
  return district;
}

bool Fits(const Exception& one, std::string_view area, int district, int sector) {
  return one.area == area && one.first <= district && district <= one.last &&
         (one.sector == kAnySector || one.sector == sector);
}

}  // namespace

Nation NationOf(std::string_view postcode) {
  const size_t space = postcode.find(' ');
  size_t letters = 0;
  while (letters < postcode.size() && IsLetter(postcode[letters])) ++letters;
  if (letters == 0 || letters > 2 || space == std::string_view::npos || space <= letters ||
      postcode.size() != space + 4 || !IsDigit(postcode[letters]) || !IsDigit(postcode[space + 1]))
    return NATION_UNSPECIFIED;
  const std::string_view area = postcode.substr(0, letters);
  const uint8_t nation = kAreas[PlaceOf(area)];
  if ((nation & kBorder) == 0) return static_cast<Nation>(nation);
  const int district = DistrictOf(postcode.substr(letters, space - letters));
  for (const Exception& one : kExceptions) {
    if (Fits(one, area, district, postcode[space + 1] - '0')) return one.nation;
  }
  return static_cast<Nation>(nation & ~kBorder);
}

}  // namespace pharos::customer
