// SPDX-License-Identifier: Apache-2.0
// memory.peak is the most that memory.current ever was; since 6.12 a write
// starts anew, for the descriptor that wrote and for no other.
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

// Marks are those above what the group has when the subject enters it.
struct Marks : Scene {
  OwnGroup group{trace, f};
  std::int64_t start = group.Number("memory.current");
  int one = OpenIn(trace, group, "memory.peak", O_RDWR);
  int other = OpenIn(trace, group, "memory.peak");
  Range range = {};

  Bytes Now() const { return Bytes{group.Number("memory.current") - start}; }
  Bytes Peak() const { return Bytes{group.Number("memory.peak") - start}; }
  Bytes Above() const {
    return Bytes{group.box().Number("memory.peak") - start} - Peak();
  }
  Bytes One() const { return Bytes{NumberIn(one) - start}; }
  Bytes Other() const { return Bytes{NumberIn(other) - start}; }
  void Unmap() const { oomgate::Unmap(trace, range); }
  int Reset() const { return ErrnoOf(write(one, "reset", 5)); }
  void Close() const {
    Unmap();
    close(one);
    close(other);
  }
};

auto Write(Bytes size) {
  return [=](Marks& m) {
    m.range = MapAnonymous(m.trace, size);
    WritePages(m.trace, m.range);
  };
}

Steps<Marks> Make(const Params&, const Facts& f) {
  // What was charged ahead at the start, or is now; and page tables.
  const Bytes stock = ChargeStock(f);
  const auto near = [=](Bytes size) -> SizeIs {
    return Between(size - stock, size + stock + 16 * kPage);
  };
  // Writing came with 6.12 (c6f53ed8f213).
  const bool resets = f.kernel >= KernelVersion{6, 12};
  const Row<Marks> unmapped = Soon("current", &Marks::Now, Le(512_KiB));
  const Row<Marks> stays = Change("peak", &Marks::Peak, 0_B);
  const Row<Marks> other_stays = Change("other", &Marks::Other, 0_B);
  return {{"enter a new group", [] {},
           Is("peak", &Marks::Peak, Between(0_B, stock))},
          {"write 6 MiB", Write(6_MiB), Is("peak", &Marks::Peak, near(6_MiB))},
          {"unmap them", &Marks::Unmap, unmapped, stays,
           Is("more above", &Marks::Above, Ge(0_B))},
          {"reset it by one descriptor", &Marks::Reset,
           Refused(resets ? 0 : EINVAL),
           Is("one", &Marks::One, resets ? Le(512_KiB) : near(6_MiB)),
           other_stays, stays},
          {"write 3 MiB", Write(3_MiB),
           Is("one", &Marks::One, near(resets ? 3_MiB : 6_MiB)), other_stays},
          {"close both", &Marks::Close, unmapped, stays},
          {"write 9 MiB", Write(9_MiB), Is("peak", &Marks::Peak, near(9_MiB))}};
}

const Register kPeak{
    {.id = "memcg/peak",
     .summary = "memory.peak: the high-water mark, reset for one reader only",
     .claim = "admin-guide/cgroup-v2: memory.peak (cgroup.peak_reset); seed 1: "
              "observing memory",
     .functions = "page_counter_try_charge, peak_show, peak_write",
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .probe = WhyNoPeakNorReclaim,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
