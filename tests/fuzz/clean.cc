// What people type: cleaning what is clean changes nothing, a phone number is digits, an address has one @.
#include "services/customer/clean.h"

#include <algorithm>

#include "services/base/text.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos::customer;  // NOLINT

FUZZ(data) {
  pharos::fuzz::Input in(data);
  const int field = in.Octet() % 8;
  const std::string_view typed = in.Rest();
  if (!pharos::base::IsUtf8(typed)) return;  // refused before anybody cleans it
  switch (field) {
    case 0: {
      const std::string phone = CleanPhone(typed);
      CHECK(phone.size() <= 17 &&
            std::all_of(phone.begin(), phone.end(), [](char c) { return c >= '0' && c <= '9'; }));
      // Mobiles only: with other numbers the library reads zeros at the front now as part of the number, now
      // not.
      if (IsMobile(phone)) CHECK(CleanPhone("+" + phone) == phone);
      return;
    }
    case 1: {
      const std::string email = CleanEmail(typed);
      if (!email.empty())
        CHECK(CleanEmail(email) == email && std::count(email.begin(), email.end(), '@') == 1);
      (void)IsRoleMailbox(email);
      return;
    }
    case 2: {
      const std::string name = CleanName(typed);
      CHECK(pharos::base::IsUtf8(name));
      return;
    }
    case 3: {
      const std::string number = CleanNhsNumber(typed);
      CHECK(number.empty() || (number.size() == 10 && CleanNhsNumber(number) == number));
      return;
    }
    case 4: {
      const std::string date = CleanDate(typed);
      CHECK(date.empty() || (date.size() == 10 && CleanDate(date) == date && ReadTime(date) != -1));
      return;
    }
    case 5: {
      const std::string postcode = CleanPostcode(typed);
      CHECK(postcode.empty() || CleanPostcode(postcode) == postcode);
      return;
    }
    case 6: {
      const std::string interests = CleanInterests(typed);
      CHECK(CleanInterests(interests) == interests);
      return;
    }
    default:
      (void)CleanSex(typed);
      (void)CleanLanguage(typed);
      (void)ReadTime(typed);
  }
}
