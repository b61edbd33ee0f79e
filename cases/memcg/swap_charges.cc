// SPDX-License-Identifier: Apache-2.0
// What a group has in swap stays its own: whoever brings it back, it is charged
// to who wrote it; and what was written back is no longer under writeback.
#include "cases/memcg/push_out.h"
#include "cases/memcg/stat.h"
#include "oomgate/case.h"
#include "oomgate/page_out.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr int kFolded = 5000;

// The same byte in all of a page is not written out.
void Number(const Range& range) {
  for (Bytes at; at < range.size; at += kPage) {
    *reinterpret_cast<std::int64_t*>(range.start + at.count) = at.count + 1;
  }
}

void Leave(Trace& trace, const Facts& f, const Group& group, const char* name,
           Bytes anon) {
  const auto told = [&] { return group.Field("memory.stat", "anon"); };
  HoldsWithin(kFolded, [&] {
    return told() >= (anon - StatError(f)).count &&
           told() <= (anon + kOwnAnon).count;
  });
  char text[48];
  std::snprintf(text, sizeof text, "%s.anon", name);
  trace.Set(text, told());
  std::snprintf(text, sizeof text, "%s.swap", name);
  trace.Set(text, group.Number("memory.swap.current"));
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group first = box.Child("first");
  const Group second = box.Child("second");
  Gate out(trace);
  Gate go(trace);
  Gate back(trace);
  const pid_t child = StartChildIn(trace, first, [&] {
    const Range range = MapAnonymous(trace, kSize);
    Number(range);
    PushOut(trace, first, range);
    AwaitWriteback(trace);
    out.Open();
    go.Pass();
    second.Enter(trace);
    WritePages(trace, range);
    back.Open();
    WaitForever();
  });
  out.Pass();
  const auto writeback = [&] {
    return first.Field("memory.stat", "file_writeback");
  };
  HoldsWithin(kFolded, [&] { return writeback() == 0; });
  trace.Set("out.writeback", writeback());
  trace.Set("out.current", first.Number("memory.current"));
  Leave(trace, f, first, "out", 0_B);
  go.Open();
  back.Pass();
  Leave(trace, f, first, "back", kSize);
  Leave(trace, f, second, "second", 0_B);
  EndChild(child);
  Leave(trace, f, first, "left", 0_B);
  first.Remove(trace);
  second.Remove(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  const auto about = [&](Bytes size) {
    return Between(std::max(size - StatError(f), 0_B), size + kOwnAnon);
  };
  return AllOf(Survives(), Count("out.writeback", Le(StatError(f).count)),
               Size("out.anon", about(0_B)), Size("out.current", Le(kSize / 4)),
               Size("out.swap", Between(kSize, kSize + kOwnAnon)),
               Size("back.anon", about(kSize)), Size("back.swap", Le(kOwnAnon)),
               Size("second.anon", about(0_B)), Size("second.swap", Eq(0_B)),
               Size("left.anon", about(0_B)), Size("left.swap", Le(kOwnAnon)));
}

const Register kSwapCharges{
    {.id = "memcg/swap_charges",
     .summary = "what comes back from swap is charged to who wrote it",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: memory "
                           "ownership, memory.swap.current; seed 1: swap",
                  .deed = "writes 4 MiB in one group, pages them out, and "
                          "touches them as a member of another one",
                  .functions = "mem_cgroup_swapin_charge_folio, "
                               "mem_cgroup_swapout, __folio_end_writeback",
                  .look_at = "back.anon is the first group's after it, "
                             "second.anon the other's"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .swap = 64_MiB,
               .cgroup = 2,
               .alone = true,
               .box = {{"memory.swap.max", "max"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
