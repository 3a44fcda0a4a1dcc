#include "services/customer/nicknames.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "services/base/text.h"

namespace pharos::customer {

namespace {

// One line a name: the name, then its short forms and spellings.
constexpr std::string_view kNames[] = {
    "abigail abi abby gail",
    "abraham abe",
    "adam ad",
    "albert al bert bertie",
    "alexander alex sandy xander al",
    "alexandra alex sandra lexi",
    "alfred alf fred alfie",
    "alison ali",
    "andrew andy drew",
    "angela angie ange",
    "anthony tony ant",
    "archibald archie",
    "arthur art",
    "barbara barb babs",
    "benjamin ben benji",
    "bernard bernie",
    "bethany beth",
    "bradley brad",
    "caroline carrie caz",
    "catherine cathy kate katie kath cath kitty katherine kathryn",
    "charles charlie chuck chas",
    "charlotte lottie charlie lotte",
    "christine chris chrissie tina",
    "christina chris tina",
    "christopher chris kit",
    "clifford cliff",
    "daniel dan danny",
    "danielle dani",
    "david dave davey",
    "deborah debbie deb debra",
    "denise den",
    "derek del",
    "donald don",
    "dorothy dot dottie",
    "douglas doug",
    "edward ed ted eddie ned teddy",
    "eleanor ellie nell nora",
    "elizabeth liz beth lizzie eliza betty betsy libby lisa bess",
    "emily em emmie",
    "emma em",
    "eugene gene",
    "florence flo florrie",
    "frances fran frankie",
    "francis frank",
    "frederick fred freddie",
    "gabriel gabe",
    "gareth gaz",
    "gary gaz",
    "geoffrey geoff",
    "george georgie",
    "gerald gerry jerry",
    "gillian gill jill",
    "graham gray",
    "gregory greg",
    "gwendolyn gwen",
    "harold harry hal",
    "harriet hattie",
    "helen nell",
    "henry harry hal",
    "hannah han",
    "isabella bella izzy isabel",
    "isabelle izzy belle",
    "jacob jake",
    "jacqueline jackie jacqui",
    "james jim jamie jimmy",
    "janet jan",
    "janice jan",
    "jason jay",
    "jeffrey jeff",
    "jennifer jen jenny",
    "jessica jess jessie",
    "joanne jo joanna",
    "john jack johnny jon",
    "jonathan jon jonny",
    "joseph joe joey",
    "josephine jo josie",
    "joshua josh",
    "judith judy jude",
    "julia julie",
    "katarzyna kasia",
    "kenneth ken kenny",
    "kevin kev",
    "kimberly kim",
    "laurence larry laurie lawrence",
    "leonard len lenny",
    "lesley les",
    "leslie les",
    "lewis lew",
    "louise lou",
    "lucy lu",
    "madeleine maddie",
    "margaret maggie peggy meg marge",
    "martin marty",
    "martha mattie",
    "matilda tilly mattie",
    "matthew matt matty",
    "maureen mo",
    "maxwell max",
    "michael mike mick micky",
    "michelle shell chelle",
    "muhammad mohammed mohammad mohamed muhammed",
    "natalie nat",
    "natasha tasha",
    "nathan nate",
    "nathaniel nat nate nathan",
    "nicholas nick nicky",
    "nicola nicky nikki nic",
    "oliver olly ollie",
    "olivia liv livvy",
    "pamela pam",
    "patricia pat trish patsy",
    "patrick pat paddy",
    "penelope penny",
    "peter pete",
    "philip phil phillip pip",
    "philippa pippa",
    "rachel rach",
    "raymond ray",
    "rebecca becky bex becca",
    "reginald reg reggie",
    "richard rick dick rich ricky",
    "robert bob rob bobby robbie bert",
    "roderick rod",
    "roger rog",
    "ronald ron ronnie",
    "rosemary rose rosie",
    "russell russ",
    "samantha sam sammy",
    "samuel sam sammy",
    "sarah sal sally",
    "sebastian seb",
    "sharon shaz",
    "sidney sid",
    "sophie soph",
    "stanley stan",
    "stephanie steph",
    "stephen steve steven stevie",
    "stewart stu stuart",
    "susan sue susie suzie",
    "susanna sue susie",
    "suzanne sue suzie",
    "terence terry",
    "theodore theo ted teddy",
    "theresa terry tess tessa",
    "thomas tom tommy",
    "timothy tim",
    "tobias toby",
    "tracey trace",
    "valerie val",
    "vanessa ness",
    "veronica ronnie",
    "victoria vicky tori vic",
    "victor vic",
    "vincent vince vinny",
    "walter walt wally",
    "wilfred wilf fred",
    "william bill will liam billy willy",
    "yvonne vonnie",
    "zachary zach zac",
};

using Table = std::unordered_map<std::string, std::vector<int>>;

const Table& ByName() {
  static const Table* const table = [] {
    auto* made = new Table;
    int line = 0;
    for (std::string_view names : kNames) {
      for (auto& name : base::Split(names, ' ')) (*made)[name].push_back(line);
      ++line;
    }
    return made;
  }();
  return *table;
}

}  // namespace

bool SameByNickname(std::string_view a, std::string_view b) {
  const auto left = ByName().find(std::string(a));
  const auto right = ByName().find(std::string(b));
  if (left == ByName().end() || right == ByName().end()) return false;
  return std::any_of(left->second.begin(), left->second.end(), [&](int line) {
    return std::find(right->second.begin(), right->second.end(), line) != right->second.end();
  });
}

}  // namespace pharos::customer
