// SPDX-License-Identifier: Apache-2.0
// In mode 2 two reserves are kept: one that only CAP_SYS_ADMIN may use, and of
// every process 1/32 of what it maps, up to the user's reserve.
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

std::int64_t LargestPages() { return LargestMap(kRw, kPrivate, 1_TiB) / kPage; }
std::int64_t Share() { return NumberIn("/proc/self/statm") / 32; }

struct Reserves : CommitScene {
  std::int64_t user = kVmKnobs.Number(kUserReserve);
  std::int64_t admin = kVmKnobs.Number(kAdminReserve);
  std::int64_t free = 0;  // the largest mapping, without any reserve
  Range uncharged = {};

  // By how many pages the largest mapping is smaller.
  std::int64_t Less() const { return free - LargestPages(); }
  void SetUser(std::int64_t kb) const { kVmKnobs.Set(trace, kUserReserve, kb); }
  void SetAdmin(std::int64_t kb) const {
    kVmKnobs.Set(trace, kAdminReserve, kb);
  }
};

auto SetsUser(std::int64_t kb) {
  return [=](Reserves& s) { s.SetUser(kb); };
}
auto SetsAdmin(std::int64_t kb) {
  return [=](Reserves& s) { s.SetAdmin(kb); };
}
Row<Reserves> Less(testing::Matcher<std::int64_t> pages) {
  return {"less", &Reserves::Less, pages};
}
int AsksForRam() { return TryMap(Meminfo("MemTotal"), kRw, kPrivate); }

Steps<Reserves> Make(const Params&, const Facts& f) {
  // Both are 1/32 of what was free early in the boot, which nobody else knows:
  // less than RAM, and more than 3/4 of what is available now (the initial
  // RAM disk was still there).
  const auto early = Between(f.available / 128 * 3, f.ram / 32);
  return {
      {"set mode 2",
       [](Reserves& s) {
         kVmKnobs.Set(s.trace, kMode, 2);
         s.CountFromHere();
         s.free = LargestPages() + Share();
       },
       Is(
           "user's", [](Reserves& s) { return s.user * 1_KiB; }, early),
       Is(
           "admin's", [](Reserves& s) { return s.admin * 1_KiB; }, early)},
      {"set the user's reserve to 0", SetsUser(0), Less(0)},
      // No whole page.
      {"set the user's reserve to 43 kB", SetsUser(43), Less(10)},
      {"set the user's reserve to 1 TiB", SetsUser(1 << 30), Less(Gt(10)),
       Is("a 32nd", Share, Gt(0)), Difference("less", "a 32nd", 0)},
      // 4 GiB that are not charged make the reserve reach its bound.
      {"map 4 GiB to read, no user's reserve",
       [](Reserves& s) {
         s.uncharged = MapBare(s.trace, 4_GiB, PROT_READ, kPrivate);
         s.SetUser(0);
         s.free = LargestPages();
       },
       Less(0)},
      {"set the user's reserve to its default",
       [](Reserves& s) {
         s.SetUser(s.user);
         s.Set("reserve", s.user / 4);
       },
       Less(Gt(0)), Difference("less", "reserve", 0)},
      {"set the user's reserve to 4403 kB", SetsUser(4403), Less(1100)},
      // The administrator does not see his own reserve.
      {"set the admin's to more than there is",
       [](Reserves& s) {
         Unmap(s.trace, s.uncharged);
         s.SetUser(s.user);
         s.free = LargestPages();
         s.SetAdmin(4 << 20);
       },
       Is(
           "reserve", [] { return kVmKnobs.Number(kAdminReserve); }, 4 << 20),
       Less(0)},
      {"drop CAP_SYS_ADMIN, default reserve",
       [](Reserves& s) {
         s.SetAdmin(s.admin);
         DropCapability(s.trace, CAP_SYS_ADMIN);
         s.Set("reserve", s.admin / 4);
       },
       Less(Gt(0)), Difference("less", "reserve", 0)},
      {"set the admin's reserve to 0", SetsAdmin(0), Less(0)},
      {"set the admin's reserve to 4000 kB", SetsAdmin(4000), Less(1000)},
      // No whole page.
      {"set the admin's reserve to 10003 kB", SetsAdmin(10003), Less(2500)},
      {"set the admin's reserve to 4 GiB",
       [](Reserves& s) {
         s.SetAdmin(4 << 20);
         s.Set("all", s.free);
       },
       Less(Gt(2500)), Difference("less", "all", 0)},
      {"map a page", AsksToMap(kPage), Refused(ENOMEM)},
      Asks<Reserves>("map a page to read", AsksToMap(kPage, PROT_READ)),
      Asks<Reserves>("vfork", TryVfork),
      {"fork", TryFork, Refused(ENOMEM), Is("left", &Reserves::Left, 0)},
      // No reserve in the other modes.
      Asks<Reserves>("map all of RAM in mode 0",
                     [](Reserves& s) {
                       kVmKnobs.Set(s.trace, kMode, 0);
                       return AsksForRam();
                     }),
      Asks<Reserves>("map all of RAM in mode 1",
                     [](Reserves& s) {
                       kVmKnobs.Set(s.trace, kMode, 1);
                       const int error = AsksForRam();
                       s.SetAdmin(s.admin);
                       return error;
                     }),
  };
}

const Register kNeverReserves{
    {.id = "overcommit/never_reserves",
     .summary = "mode 2 keeps the administrator's and the user's reserve",
     .claim = "overcommit.never.reserves; Documentation/admin-guide/sysctl/vm: "
              "admin_reserve_kbytes, user_reserve_kbytes",
     .functions = "__vm_enough_memory, init_admin_reserve, init_user_reserve, "
                  "cap_vm_enough_memory",
     .look_at = "less: pages by which a reserve lowers the largest mapping",
     .blast = Blast::kMachine,
     .needs = {.no_swap = true, .alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
