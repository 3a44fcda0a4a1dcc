#include <string>
#include <unordered_map>

#include "services/customer/identity/text.h"

namespace pharos::customer::identity {

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

using Table = std::unordered_map<std::string_view, std::string>;

const Table& Families() {
  static const Table* const table = [] {
    auto* made = new Table;
    static_assert(std::size(kNames) < 255);
    char number = 0;
    for (std::string_view names : kNames) {
      ++number;
      while (!names.empty()) {
        const size_t space = std::min(names.find(' '), names.size());
        (*made)[names.substr(0, space)].push_back(number);
        names.remove_prefix(std::min(space + 1, names.size()));
      }
    }
    return made;
  }();
  return *table;
}

}  // namespace

std::string NicknameFamilies(std::string_view folded) {
  const auto it = Families().find(folded);
  return it == Families().end() ? std::string() : it->second;
}

}  // namespace pharos::customer::identity
