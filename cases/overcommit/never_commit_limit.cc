// SPDX-License-Identifier: Apache-2.0
// In mode 2 the limit is a formula of RAM, huge pages, two knobs and swap; what
// may be mapped reaches it to the page, and swap in the limit cannot be taken.
#include <sys/swap.h>

#include "cases/overcommit/room.h"
#include "oomgate/swap_area.h"

namespace oomgate {
namespace {

constexpr const char* kHugePages = "nr_hugepages";
constexpr const char* kSurplus = "nr_overcommit_hugepages";
constexpr int kSurplusPages = 3;

struct Limits : CommitScene {
  Range surplus = {};
  int taken = -1;
  SwapArea area = f.swap > 0_B ? FindSwapArea(trace) : SwapArea{};

  // The largest mapping in mode 2, beyond what the rule says.
  std::int64_t Beyond() const {
    kVmKnobs.Set(trace, kMode, 2);
    const std::int64_t room = Room(Who::kAdmin);
    const std::int64_t largest = LargestMap(kRw, kPrivate, 1_TiB) / kPage;
    kVmKnobs.Set(trace, kMode, 0);
    return largest - room;
  }
  int TrySwapoff() const { return ErrnoOf(swapoff(area.path)); }
  int TrySwapon() const { return ErrnoOf(swapon(area.path, 0)); }
};

Bytes CommitLimit() { return Meminfo("CommitLimit"); }
Row<Limits> Knob(const char* knob, std::int64_t value) {
  return Is(
      knob, [=] { return kVmKnobs.Number(knob); }, value);
}
Row<Limits> LimitIs(Bytes size) { return Is("limit", CommitLimit, size); }

// One of the two knobs is written, which clears the other.
StepOf<Limits> Writes(const char* knob, int value, const char* other, int huge,
                      Bytes limit, bool fill) {
  Rows<Limits> rows{LimitIs(limit), Knob(knob, value), Knob(other, 0)};
  if (fill) rows.push_back({"beyond the rule", &Limits::Beyond, 0});
  const bool ratio = knob == kRatio;
  return {(ratio ? "ratio " : "kbytes ") + std::to_string(value) + ", " +
              std::to_string(huge) + " huge pages",
          [=](Limits& s) {
            kVmKnobs.Set(s.trace, kHugePages, huge);
            kVmKnobs.Set(s.trace, knob, value);
          },
          rows};
}

// swapoff asks for as much as the device holds.
Steps<Limits> Swapoff(const Facts& f) {
  return {
      {"commit all but the swap, less a page",
       [](Limits& s) {
         kVmKnobs.Set(s.trace, kRatio, 80);
         kVmKnobs.Set(s.trace, kMode, 2);
         s.taken = LeaveRoom(s.trace, Who::kAdmin, s.f.swap / kPage - 1);
       },
       Charged(Gt(0))},
      {"swapoff", &Limits::TrySwapoff, Refused(ENOMEM), Charged(0)},
      {"commit a page less",
       [](Limits& s) {
         const off_t left = lseek(s.taken, 0, SEEK_END) - kPage.count;
         return ErrnoOf(ftruncate(s.taken, left));
       },
       Charged(-1)},
      {"swapoff then", &Limits::TrySwapoff, Charged(0),
       Change("limit", CommitLimit, 0_B - f.swap)},
      {"swapon", &Limits::TrySwapon, Change("limit", CommitLimit, f.swap)},
      {"give the room back",
       [](Limits& s) {
         close(s.taken);
         kVmKnobs.Set(s.trace, kMode, 0);
       },
       Charged(Lt(0))},
  };
}

Steps<Limits> Make(const Params&, const Facts& f) {
  const auto limit = [&](int ratio, int huge) {
    const std::int64_t pages = (f.ram - huge * kHugePage) / kPage;
    return pages * ratio / 100 * kPage + f.swap;
  };
  Steps<Limits> steps{
      // What the scene did itself is not counted.
      {"read what the kernel starts with", &Limits::CountFromHere,
       Knob(kMode, 0), Knob(kRatio, 50), Knob(kKbytes, 0)}};
  for (const int huge : {0, 8}) {
    for (const int ratio : {1, 33, 50, 80, 100, 150}) {
      steps.push_back(Writes(kRatio, ratio, kKbytes, huge, limit(ratio, huge),
                             ratio >= 50));
    }
    // The last is no whole page.
    for (const int kilobytes : {4, 100000, 100003}) {
      steps.push_back(Writes(kKbytes, kilobytes, kRatio, huge,
                             kilobytes / 4 * kPage + f.swap,
                             kilobytes >= 100000));
    }
  }
  // Pages beyond the pool count, too, while they are used.
  steps.push_back({"map surplus huge pages",
                   [](Limits& s) {
                     kVmKnobs.Set(s.trace, kHugePages, 0);
                     kVmKnobs.Set(s.trace, kSurplus, kSurplusPages);
                     kVmKnobs.Set(s.trace, kRatio, 50);
                     s.surplus = MapBare(s.trace, kSurplusPages * kHugePage,
                                         kRw, kPrivate | MAP_HUGETLB);
                   },
                   LimitIs(limit(50, kSurplusPages))});
  steps.push_back({"unmap them",
                   [](Limits& s) {
                     Unmap(s.trace, s.surplus);
                     kVmKnobs.Set(s.trace, kSurplus, 0);
                   },
                   LimitIs(limit(50, 0))});
  if (f.swap > 0_B) steps = steps + Swapoff(f);
  steps.push_back({"kbytes 0, nothing but swap",
                   [](Limits& s) { kVmKnobs.Set(s.trace, kKbytes, 0); },
                   LimitIs(f.swap)});
  steps.push_back({"ratio 50 again",
                   [](Limits& s) { kVmKnobs.Set(s.trace, kRatio, 50); },
                   LimitIs(limit(50, 0)), Is("left", &Limits::Left, 0)});
  return steps;
}

void Adjust(const Params& p, InstanceInfo& instance) {
  instance.needs.swap = p.Size("swap");
  instance.needs.no_swap = p.Size("swap") == 0_B;
}

const Register kNeverCommitLimit{
    {.id = "overcommit/never_commit_limit",
     .summary = "mode 2: CommitLimit by its formula, and reached to the page",
     .claim = "Seed 1: the CommitLimit formula; seed 2's limit of \"total RAM "
              "+ CommitLimit\" is wrong, as the largest mapping shows",
     .functions = "vm_commit_limit, hugetlb_total_pages, "
                  "overcommit_ratio_handler, __vm_enough_memory, swapoff",
     .blast = Blast::kMachine,
     .needs = {.alone = true},
     .adjust = Adjust,
     .params = {{"swap", {"0", "64m"}}},
     .steps = Make,
     .metrics = {{.name = "ratio_50_huge_0_error",
                  .better = Better::kLower,
                  .unit = "pages",
                  .value = "ratio 50, 0 huge pages.beyond the rule"}}}};

}  // namespace
}  // namespace oomgate
