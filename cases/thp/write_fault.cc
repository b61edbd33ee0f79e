// SPDX-License-Identifier: Apache-2.0
// A write to a huge mapping brings 2 MiB of zeroes with one fault, only where
// the mapping holds all of them; moving it keeps it huge, cutting it does not.
#include "cases/thp/huge.h"
#include "oomgate/frame.h"

namespace oomgate {
namespace {

constexpr std::int64_t kHuge = 6;
constexpr Bytes kSize = kHuge * kHugePage;
constexpr std::int64_t kSmall = kHugePage / kPage;

Bytes AnonHugePages() {
  RefreshVmstat();
  return Meminfo("AnonHugePages");
}

struct Memory : Scene {
  Bytes machine = AnonHugePages();
  Range around = MapHuge(trace, 4 * kHugePage);
  // A page before and a page behind whole huge pages.
  Range edged = around.Part(kHugePage - kPage, 2 * kHugePage + 2 * kPage);
  Range all = {};
  Range range = {};   // all but its first huge page
  Range target = {};  // where that moves
  Bytes tables = {};

  Bytes Machine() const { return AnonHugePages() - machine; }
  Bytes TablesLeft() const { return Tables() - tables; }
  std::int64_t FramesInOrder() const {
    const std::uint64_t first = Frame(range.start);
    std::int64_t count = 0;
    while (count < kSmall && Frame(range.start + count * kPage.count) ==
                                 first + static_cast<std::uint64_t>(count)) {
      ++count;
    }
    return count;
  }
};

void WriteEdged(Memory& m) {
  const Bytes outside = kHugePage - kPage;
  Unmap(m.trace, m.around.Part(0_B, outside));
  Unmap(m.trace, m.around.Part(3 * kHugePage + kPage, outside));
  m.Set("faults", FaultsOf([&] { WritePages(m.trace, m.edged); }));
}

// Brings the upper levels of the tables.
void WriteFirst(Memory& m) {
  Unmap(m.trace, m.around);
  m.all = MapHuge(m.trace, kSize + kHugePage);
  m.range = m.all.Part(kHugePage, kSize);
  m.tables = Tables();
  WritePages(m.trace, m.all, m.all.size);
}

void WriteRest(Memory& m) {
  m.Set("faults", FaultsOf([&] { WritePages(m.trace, m.range, kHugePage); }));
}

// To where it is as aligned.
void Move(Memory& m) {
  m.target = MapHuge(m.trace, kSize);
  m.Set("faults", FaultsOf([&] {
          Remap(m.trace, m.range, kSize, MREMAP_MAYMOVE | MREMAP_FIXED,
                m.target.start);
        }));
}

auto Protect(Bytes from, Bytes size) {
  return [=](Memory& m) {
    return TryProtect(m.target.Part(from, size), PROT_READ);
  };
}

void UnmapAll(Memory& m) {
  Unmap(m.trace, m.target);
  Unmap(m.trace, m.all);
}

Steps<Memory> Make(const Params&, const Facts&) {
  constexpr auto kAll = &Memory::all;
  constexpr auto kTarget = &Memory::target;
  return {
      // Up to four faults are not ours: text and stack pages.
      {"write with a page at each edge", WriteEdged,
       Count("faults", Between(4, 8)), Happened{.alloc = 2},
       Rss(&Memory::edged, 2 * kHugePage + 2 * kPage),
       Huge(&Memory::edged, 2 * kHugePage)},
      {"write a huge page", WriteFirst, Rss(kAll, kHugePage),
       Huge(kAll, kHugePage),
       Is("machine's huge", &Memory::Machine, kHugePage)},
      {"write six more", WriteRest, Happened{.alloc = kHuge},
       Count("faults", Between(kHuge, kHuge + 4)),
       Change("tables", Tables, kHuge * kPage),
       Change(
           "rss", [](Memory& m) { return ReadMapping(m.all).rss; }, kSize),
       Change(
           "huge", [](Memory& m) { return ReadMapping(m.all).anon_huge; },
           kSize),
       Is("machine's huge", &Memory::Machine, kSize + kHugePage),
       Is(
           "other", [](Memory& m) { return CountOther(m.range, 0, 64_B); },
           kHuge),
       Is("frames in order", &Memory::FramesInOrder, kSmall)},
      {"move them", Move, Count("faults", Le(2)), Huge(kTarget, kSize),
       Is(
           "other",
           [](Memory& m) { return CountOther(m.target, 1, kHugePage); }, 0),
       Happened{}},
      // Protecting whole huge pages leaves them whole; one small page does not.
      {"protect a huge page", Protect(0_B, kHugePage), Huge(kTarget, kSize),
       Mappings(kTarget, 2), Happened{}},
      {"protect a small page", Protect(2 * kHugePage + 7 * kPage, kPage),
       Huge(kTarget, kSize - kHugePage), Rss(kTarget, kSize),
       Happened{.split_pmd = 1}},
      {"unmap all", UnmapAll, Is("tables left", &Memory::TablesLeft, 0_B),
       Is("machine's huge", &Memory::Machine, 0_B)},
  };
}

const Register kWriteFault{
    {.id = "thp/write_fault",
     .summary = "one write brings a zeroed huge page, where the mapping holds "
                "all of it",
     .claim =
         "Seed 1: transparent huge pages at a fault; admin-guide/mm/transhuge",
     .functions = "do_huge_pmd_anonymous_page, thp_vma_suitable_order, "
                  "move_huge_pmd, change_huge_pmd",
     .look_at = "thp_fault_fallback above 0 says that no huge page was to be "
                "had; frames in order is by pagemap, page by page",
     .needs = HugeGuest(),
     .steps = Make,
     .metrics = {Metric::Count("minor_faults", "write six more.faults")
                     .Within(4, "text and stack pages of the subject"),
                 Metric::Size("rss", "write six more.rss")}}};

}  // namespace
}  // namespace oomgate
