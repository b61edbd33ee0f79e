// SPDX-License-Identifier: Apache-2.0
// The mode can change at any time, whatever is committed: it holds from the
// next call on, and what was mapped keeps the rules it was mapped by.
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr std::int64_t kN = 1280;
constexpr int kNoreserve = kPrivate | MAP_NORESERVE;

struct Modes : CommitScene {
  Range large = {};
  Range rw = {};
  Range r = {};
  Range shared = {};

  Range Map(std::int64_t pages, int prot, int flags) const {
    return MapAnonymous(trace, pages * kPage,
                        {.prot = prot,
                         .flags = flags,
                         .align = kPage,
                         .pages = MapOptions::kDefault});
  }
  void MapUncharged() {
    rw = Map(kN, kRw, kNoreserve);
    r = Map(kN, PROT_READ, kNoreserve);
    shared = Map(kN, kRw, kShared | MAP_NORESERVE);
  }
  int TryProtectR() const { return TryProtect(r, kRw); }
  bool RIsWritable() const { return MappingHasFlag(r, "wr"); }
};

std::int64_t ModeNow() { return kVmKnobs.Number(kMode); }
auto SetsMode(int mode) {
  return [=] { return kVmKnobs.Write(kMode, mode); };
}

// In mode 0 each CPU may hold back very much; mode 2 knows of it at once.
int MapWithAllHeldBack(Modes& s) {
  RunOnCpu(s.trace, 1);
  Range maps[40];
  for (Range& map : maps) map = s.Map(100, kRw, kShared);
  kVmKnobs.Set(s.trace, kKbytes, 4 * (CommittedPages() - 1000));
  RunOnCpu(s.trace, 0);
  kVmKnobs.Set(s.trace, kMode, 2);
  const int error = TryMap(kPage, kRw, kPrivate);
  kVmKnobs.Set(s.trace, kMode, 0);
  kVmKnobs.Set(s.trace, kRatio, 50);
  for (const Range& map : maps) Unmap(s.trace, map);
  return error;
}

Steps<Modes> Make(const Params&, const Facts& f) {
  const std::int64_t most = f.ram / kPage;
  const auto charged = [](std::int64_t pages) {
    return Is("charged", &Modes::Charged, pages);
  };
  const auto asks = AsksToMap(kPage);
  return {
      StepOf<Modes>(
          "set mode 0",
          [](Modes& s) {
            RunOnCpu(s.trace, 0);
            return kVmKnobs.Write(kMode, 0);
          },
          Is("mode", ModeNow, 0))
          .HoldsWithout("the kernel starts with it"),
      {"set mode 3", SetsMode(3), Refused(EINVAL)},
      {"set mode -1", SetsMode(-1), Refused(EINVAL), Is("mode", ModeNow, 0)},
      // Twice the limit, and what mode 0 does not charge.
      {"map as much as RAM",
       [=](Modes& s) { s.large = s.Map(most, kRw, kPrivate); }, charged(most)},
      {"map, noreserve", &Modes::MapUncharged, charged(0),
       Is(
           "mapped", [](Modes& s) { return MappedPages(s.shared); }, kN)},

      {"set mode 2", SetsMode(2), Is("mode", ModeNow, 2)},
      {"map a page", asks, Refused(ENOMEM)},
      {"map a page, noreserve", AsksToMap(kPage, kRw, kNoreserve),
       Refused(ENOMEM)},
      Asks<Modes>("map a page to read", AsksToMap(kPage, PROT_READ)),
      {"fork", TryFork, Refused(ENOMEM)},
      Asks<Modes>("vfork", TryVfork),
      // What was mapped without a charge goes on so.
      {"make it writable", &Modes::TryProtectR,
       Is("writable", &Modes::RIsWritable, 1)},
      {"grow it",
       [](Modes& s) { return TryRemap(s.rw, 2 * kN * kPage, MREMAP_MAYMOVE); },
       charged(0),
       Is(
           "mapped", [](Modes& s) { return MappedPages(s.rw); }, Ge(2 * kN))},
      {"unmap what is not charged",
       [](Modes& s) {
         for (const Range& at : {s.rw, s.r, s.shared}) Unmap(s.trace, at);
       },
       charged(0),
       Is(
           "mapped", [](Modes& s) { return MappedPages(s.shared); }, 0)},
      {"unmap as much as RAM", [](Modes& s) { Unmap(s.trace, s.large); },
       charged(-most)},
      Asks<Modes>("map a page then", asks),
      Asks<Modes>("fork then", TryFork),

      // What mode 2 charged is given back in any mode.
      {"map again, noreserve", &Modes::MapUncharged, charged(2 * kN)},
      {"set mode 0 again", SetsMode(0), Is("mode", ModeNow, 0)},
      {"unmap what is private", [](Modes& s) { Unmap(s.trace, s.rw); },
       charged(-kN)},
      {"unmap what is shared", [](Modes& s) { Unmap(s.trace, s.shared); },
       charged(-kN)},
      // Mapped when MAP_NORESERVE meant nothing.
      {"make writable what was to read", &Modes::TryProtectR, charged(kN)},
      {"map with all held back by a CPU",
       [](Modes& s) {
         Unmap(s.trace, s.r);
         return MapWithAllHeldBack(s);
       },
       Refused(ENOMEM), Is("left", &Modes::Left, 0)},
  };
}

const Register kNeverModeSwitch{
    {.id = "overcommit/never_mode_switch",
     .summary = "mode 2 holds at once, also beyond its limit; old maps stay",
     .claim = "overcommit.never.mode_switch; seed 2 on the three modes",
     .functions =
         "overcommit_policy_handler, sync_overcommit_as, accountable_mapping",
     .blast = Blast::kMachine,
     .needs = {.no_swap = true, .cpus = 2, .alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
