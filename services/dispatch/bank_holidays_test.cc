#include "services/dispatch/bank_holidays.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <string>

namespace pharos::dispatch {
namespace {

using namespace std::chrono;  // NOLINT: dates
using type::v1::Nation;

std::string Text(sys_days day) {
  const year_month_day date(day);
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

std::set<std::string> OfYears(Nation nation, int first, int last) {
  std::set<std::string> days_off;
  for (sys_days day = year(first) / 1 / 1; day < sys_days(year(last + 1) / 1 / 1); day += days(1)) {
    if (IsBankHoliday(day, nation)) days_off.insert(Text(day));
  }
  return days_off;
}

TEST(BankHolidays, AreThoseOfEachNation) {
  EXPECT_EQ(OfYears(type::v1::ENGLAND, 2024, 2024),
            (std::set<std::string>{"2024-01-01", "2024-03-29", "2024-04-01", "2024-05-06", "2024-05-27",
                                   "2024-08-26", "2024-12-25", "2024-12-26"}));
  EXPECT_EQ(OfYears(type::v1::WALES, 2024, 2024), OfYears(type::v1::ENGLAND, 2024, 2024));
  EXPECT_EQ(OfYears(type::v1::SCOTLAND, 2024, 2024),
            (std::set<std::string>{"2024-01-01", "2024-01-02", "2024-03-29", "2024-05-06", "2024-05-27",
                                   "2024-08-05", "2024-12-02", "2024-12-25", "2024-12-26"}));
  EXPECT_EQ(OfYears(type::v1::NORTHERN_IRELAND, 2024, 2024),
            (std::set<std::string>{"2024-01-01", "2024-03-18", "2024-03-29", "2024-04-01", "2024-05-06",
                                   "2024-05-27", "2024-07-12", "2024-08-26", "2024-12-25", "2024-12-26"}));
}

TEST(BankHolidays, OfAPlaceThatIsNotKnownAreThoseOfAnyNation) {
  std::set<std::string> any;
  for (Nation nation : {type::v1::ENGLAND, type::v1::SCOTLAND, type::v1::NORTHERN_IRELAND})
    any.merge(OfYears(nation, 2012, 2060));
  EXPECT_EQ(OfYears(type::v1::NATION_UNSPECIFIED, 2012, 2060), any);
}

TEST(BankHolidays, KnowsEaster) {
  EXPECT_EQ(Text(EasterSunday(year(1961))), "1961-04-02");  // Butcher's own example
  EXPECT_EQ(Text(EasterSunday(year(2008))), "2008-03-23");
  EXPECT_EQ(Text(EasterSunday(year(2038))), "2038-04-25");  // as late as it can be
  EXPECT_EQ(Text(EasterSunday(year(2285))), "2285-03-22");  // as early as it can be
  for (int y = 1900; y < 2400; ++y) EXPECT_EQ(weekday(EasterSunday(year(y))), Sunday);
}

TEST(BankHolidays, OfFixedDatesAreNeverLostToAWeekend) {
  // Each year has as many as any other, except where one was given on top.
  const std::map<int, size_t> extra = {{2012, 1}, {2022, 2}, {2023, 1}};
  for (int y = 2012; y <= 2400; ++y) {
    const size_t more = extra.contains(y) ? extra.at(y) : 0;
    EXPECT_EQ(OfYears(type::v1::ENGLAND, y, y).size(), 8 + more) << y;
    EXPECT_EQ(OfYears(type::v1::SCOTLAND, y, y).size(), 9 + more) << y;
    EXPECT_EQ(OfYears(type::v1::NORTHERN_IRELAND, y, y).size(), 10 + more) << y;
  }
}

TEST(BankHolidays, AreThoseThatTheGovernmentPublished) {
  const char* source = std::getenv("PHAROS_SOURCE");
  const std::string file =
      std::string(source == nullptr ? "." : source) + "/../shared/data/reference/bank-holidays.csv";
  std::ifstream in(file);
  if (!in) GTEST_SKIP() << "no " << file;
  std::map<std::string, std::set<std::string>> published;
  std::string line;
  std::getline(in, line);  // the header: division,date,title,notes
  while (std::getline(in, line)) {
    const size_t comma = line.find(',');
    published[line.substr(0, comma)].insert(line.substr(comma + 1, 10));
  }
  ASSERT_EQ(published.size(), 3u);
  const auto check = [&](const std::string& division, Nation nation) {
    const auto& all = published[division];
    ASSERT_FALSE(all.empty());
    EXPECT_EQ(OfYears(nation, std::stoi(*all.begin()), std::stoi(*all.rbegin())), all) << division;
  };
  check("england-and-wales", type::v1::ENGLAND);
  check("england-and-wales", type::v1::WALES);
  check("scotland", type::v1::SCOTLAND);
  check("northern-ireland", type::v1::NORTHERN_IRELAND);
}

}  // namespace
}  // namespace pharos::dispatch
