// SPDX-License-Identifier: Apache-2.0
// What a group has in swap stays its own: whoever brings it back, it is charged
// to who wrote it; and what was written back is no longer under writeback.
#include "cases/memcg/groups.h"
#include "cases/memcg/push_out.h"
#include "oomgate/numbered_pages.h"
#include "oomgate/page_out.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;

struct Owners : Scene {
  OpenedBox box{trace, f};
  ChildGroup first{trace, box.box(), "first"};
  ChildGroup second{trace, box.box(), "second"};
  Member child{trace};

  void WriteAndPushOut() {
    child.RunToPause(first, [&] {
      const Range range = MapAnonymous(trace, kSize);
      NumberPages(range);  // a page of one byte is not written out
      PushOut(trace, first, range);
      AwaitWriteback(trace);
      child.Pause();
      second.Enter(trace);
      WritePages(trace, range);
      child.Pause();
    });
  }
};

Steps<Owners> Make(const Params&, const Facts& f) {
  // What a group has in memory and in swap.
  const auto has = [f](const char* anon, const char* swap,
                       ChildGroup Owners::*group, Bytes in_memory,
                       testing::Matcher<Bytes> in_swap) {
    return Rows<Owners>{Soon(anon, Stat(group, "anon"),
                             Between(std::max(in_memory - StatError(f), 0_B),
                                     in_memory + kOwnAnon)),
                        {swap, SizeIn(group, "memory.swap.current"), in_swap}};
  };
  return {
      {"write 4 MiB, push them out to swap",
       &Owners::WriteAndPushOut,
       {Soon("writeback", Stat(&Owners::first, "file_writeback"),
             Le(StatError(f))),
        {"current", SizeIn(&Owners::first, "memory.current"), Le(kSize / 4)},
        has("anon", "swap", &Owners::first, 0_B,
            Between(kSize, kSize + kOwnAnon))}},
      {"touch them as a member of another",
       [](Owners& s) { s.child.GoOn(); },
       {has("anon", "swap", &Owners::first, kSize, Le(kOwnAnon)),
        has("other's anon", "other's swap", &Owners::second, 0_B, 0_B)}},
      {"kill who has them",
       [](Owners& s) { s.child.Kill(); },
       {has("anon", "swap", &Owners::first, 0_B, Le(kOwnAnon))}},
  };
}

const Register kSwapCharges{
    {.id = "memcg/swap_charges",
     .summary = "what comes back from swap is charged to who wrote it",
     .claim = "Documentation/admin-guide/cgroup-v2: memory ownership, "
              "memory.swap.current; seed 1: swap",
     .functions = "mem_cgroup_swapin_charge_folio, mem_cgroup_swapout, "
                  "__folio_end_writeback",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .swap = 64_MiB,
               .cgroup = 2,
               .alone = true,
               .box = {{"memory.swap.max", "max"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
