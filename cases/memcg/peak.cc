// SPDX-License-Identifier: Apache-2.0
// memory.peak is the most that memory.current ever was; since 6.12 a write
// starts anew, for the descriptor that wrote and for no other.
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr Bytes kFirst = 6_MiB;
constexpr Bytes kSecond = 3_MiB;

// Marks are those above what the group has when the subject enters it.
struct Marks : Scene {
  OwnGroup group{trace, f};
  std::int64_t start = group.Number("memory.current");
  int one = Must(trace, "open of memory.peak",
                 open(group.PathOf("memory.peak").text, O_RDWR | O_CLOEXEC));
  int other = Must(trace, "open of memory.peak",
                   open(group.PathOf("memory.peak").text, O_RDONLY));
  Range range = {};

  Bytes Of(int file) const {
    char text[32] = {};
    if (pread(file, text, sizeof text - 1, 0) <= 0) return {-1};
    return Bytes{std::atoll(text) - start};
  }
  Bytes One() const { return Of(one); }
  Bytes Other() const { return Of(other); }
  Bytes Peak() const { return Bytes{group.Number("memory.peak") - start}; }
  Bytes Current() const {
    return Bytes{group.Number("memory.current") - start};
  }
  Bytes Above() const {
    return Bytes{group.box().Number("memory.peak") - start} - Peak();
  }
  void WriteAnew(Bytes size) {
    range = MapAnonymous(trace, size);
    WritePages(trace, range);
  }
};

std::string Probe(const Params&, const Facts& f) {
  return f.kernel < KernelVersion{5, 19} ? "memory.peak came with 5.19" : "";
}

Steps<Marks> Make(const Params&, const Facts& f) {
  // The start may have been charged ahead; page tables.
  const Bytes stock = 64 * f.cpus * kPage;
  const auto near = [=](Bytes size) -> testing::Matcher<Bytes> {
    return Between(size - stock, size + stock + 16 * kPage);
  };
  // Writing came with 6.12 (c6f53ed8f213).
  const bool resets = f.kernel >= KernelVersion{6, 12};
  return {
      {"enter a new group",
       [] {},
       {{"peak", &Marks::Peak, Between(0_B, stock)}}},
      {"write 6 MiB",
       [](Marks& m) { m.WriteAnew(kFirst); },
       {{"peak", &Marks::Peak, near(kFirst)}}},
      {"unmap them",
       [](Marks& m) { Unmap(m.trace, m.range); },
       {Soon("current", &Marks::Current, Le(512_KiB)),
        Change("peak", &Marks::Peak, 0_B),
        {"more above", &Marks::Above, Ge(0_B)}}},
      {"reset it by one descriptor",
       [](Marks& m) { return ErrnoOf(write(m.one, "reset", 5)); },
       {Refused(resets ? 0 : EINVAL),
        {"one", &Marks::One, resets ? Le(512_KiB) : near(kFirst)},
        Change("other", &Marks::Other, 0_B),
        Change("peak", &Marks::Peak, 0_B)}},
      {"write 3 MiB",
       [](Marks& m) { m.WriteAnew(kSecond); },
       {{"one", &Marks::One, near(resets ? kSecond : kFirst)},
        Change("other", &Marks::Other, 0_B)}},
      {"close both",
       [](Marks& m) {
         Unmap(m.trace, m.range);
         close(m.one);
         close(m.other);
       },
       {Soon("current", &Marks::Current, Le(512_KiB)),
        Change("peak", &Marks::Peak, 0_B)}},
      {"write 9 MiB",
       [](Marks& m) { m.WriteAnew(kFirst + kSecond); },
       {{"peak", &Marks::Peak, near(kFirst + kSecond)}}},
  };
}

const Register kPeak{
    {.id = "memcg/peak",
     .summary = "memory.peak: the high-water mark, reset for one reader only",
     .claim = "Documentation/admin-guide/cgroup-v2: memory.peak "
              "(cgroup.peak_reset); seed 1: observing memory",
     .functions = "page_counter_try_charge, peak_show, peak_write",
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .probe = Probe,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
