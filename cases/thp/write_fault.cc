// SPDX-License-Identifier: Apache-2.0
// A write to a huge mapping brings 2 MiB of zeroes with one fault, only where
// the mapping holds all of them; moving it keeps it huge, cutting it does not.
#include <cerrno>

#include "cases/thp/huge.h"
#include "oomgate/frame.h"

namespace oomgate {
namespace {

constexpr std::int64_t kHuge = 6;
constexpr Bytes kSize = kHuge * kHugePage;
constexpr std::uint64_t kSmall = kHugePage / kPage;

Bytes MachineHuge() {
  RefreshVmstat();
  return Meminfo("AnonHugePages");
}

// A page before and a page behind whole huge pages are small.
void Edges(Trace& trace) {
  const Range all = MapHuge(trace, 4 * kHugePage);
  const Range outside = all.Part(0_B, kHugePage - kPage);
  const Range behind = all.Part(3 * kHugePage + kPage, kHugePage - kPage);
  for (const Range& part : {outside, behind}) {
    if (munmap(part.start, static_cast<std::size_t>(part.size.count)) != 0) {
      trace.Stop("munmap of an edge", errno);
    }
  }
  const Range range = all.Part(kHugePage - kPage, 2 * kHugePage + 2 * kPage);
  HugeEvents events;
  const std::int64_t faults = ReadUsage().minor_faults;
  WritePages(trace, range);
  trace.Set("edge_faults", ReadUsage().minor_faults - faults);
  events.Leave(trace, "edge");
  trace.Set("edge_rss", ReadMapping(range).rss);
  trace.Set("edge_huge", ReadMapping(range).anon_huge);
  Unmap(trace, all);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  Edges(trace);
  const Bytes machine = MachineHuge();
  const Range all = MapHuge(trace, kSize + kHugePage);
  const Usage empty = ReadUsage();
  WritePages(trace, all, all.size);  // brings the upper levels of the tables
  const Range range = all.Part(kHugePage, kSize);
  HugeEvents events;
  const Usage before = ReadUsage();
  WritePages(trace, range, kHugePage);
  const Usage after = ReadUsage();
  events.Leave(trace, "write");
  trace.Set("minor_faults", after.minor_faults - before.minor_faults);
  trace.Set("page_tables", after.page_tables - before.page_tables);
  const MappingUsage mapped = ReadMapping(range);
  trace.Set("rss", mapped.rss - kHugePage);  // the mapping has one more
  trace.Set("anon_huge", mapped.anon_huge - kHugePage);
  trace.Set("machine_huge", MachineHuge() - machine);
  trace.Set("other_bytes", CountOther(range, 0, 64_B));
  const std::uint64_t first = Frame(range.start);
  std::uint64_t in_order = 0;
  while (in_order < kSmall &&
         Frame(range.start + in_order * kPage.count) == first + in_order) {
    ++in_order;
  }
  trace.Set("frames_in_order", static_cast<std::int64_t>(in_order));

  // Moved whole to where it is as aligned.
  const Range target = MapHuge(trace, kSize);
  const auto length = static_cast<std::size_t>(kSize.count);
  const Usage unmoved = ReadUsage();
  if (mremap(range.start, length, length, MREMAP_MAYMOVE | MREMAP_FIXED,
             target.start) == MAP_FAILED) {
    trace.Stop("mremap", errno);
  }
  trace.Set("moved_huge", ReadMapping(target).anon_huge);
  trace.Set("moved_faults", ReadUsage().minor_faults - unmoved.minor_faults);
  trace.Set("moved_other_bytes", CountOther(target, 1, kHugePage));
  events.Leave(trace, "move");

  // Protecting whole huge pages leaves them whole; one small page does not.
  const auto protect = [&](Bytes offset, Bytes size) {
    if (mprotect(target.start + offset.count,
                 static_cast<std::size_t>(size.count), PROT_READ) != 0) {
      trace.Stop("mprotect", errno);
    }
  };
  protect(0_B, kHugePage);
  trace.Set("protected_huge", ReadMapping(target).anon_huge);
  events.Leave(trace, "protect");
  protect(2 * kHugePage + 7 * kPage, kPage);
  trace.Set("cut_huge", ReadMapping(target).anon_huge);
  trace.Set("cut_rss", ReadMapping(target).rss);
  events.Leave(trace, "cut");

  Unmap(trace, target);
  Unmap(trace, all);
  trace.Set("page_tables_left", ReadUsage().page_tables - empty.page_tables);
  trace.Set("machine_huge_left", MachineHuge() - machine);
}

Oracle Expect(const Params&, const Facts&) {
  const Oracle edges = AllOf(Count("edge_faults", Between(4, 8)),
                             Happened{.alloc = 2}.In("edge"),
                             Size("edge_rss", Eq(2 * kHugePage + 2 * kPage)),
                             Size("edge_huge", Eq(2 * kHugePage)));
  const Oracle written =
      AllOf(Count("minor_faults", Between(kHuge, kHuge + 4)),
            Size("page_tables", Eq(kHuge * kPage)), Size("rss", Eq(kSize)),
            Size("anon_huge", Eq(kSize)), Happened{.alloc = kHuge}.In("write"),
            Size("machine_huge", Eq(kSize + kHugePage)),
            Count("other_bytes", Eq(kHuge)),
            Count("frames_in_order", Eq(kHugePage / kPage)));
  const Oracle moved =
      AllOf(Size("moved_huge", Eq(kSize)), Count("moved_faults", Le(2)),
            Count("moved_other_bytes", Eq(0)), Happened{}.In("move"));
  const Oracle cut =
      AllOf(Size("protected_huge", Eq(kSize)), Happened{}.In("protect"),
            Size("cut_huge", Eq(kSize - kHugePage)), Size("cut_rss", Eq(kSize)),
            Happened{.split_pmd = 1}.In("cut"));
  return AllOf(Survives(), edges, written, moved, cut,
               Size("page_tables_left", Eq(0_B)),
               Size("machine_huge_left", Eq(0_B)));
}

const Register kWriteFault{
    {.id = "thp/write_fault",
     .summary = "one write brings a zeroed huge page, where the mapping holds "
                "all of it",
     .explains =
         {.claim = "Seed 1: transparent huge pages at a fault; admin-guide/mm/"
                   "transhuge",
          .deed = "writes huge mappings with and without room at their edges, "
                  "moves them, protects a whole one and a part of one",
          .functions = "do_huge_pmd_anonymous_page, thp_vma_suitable_order, "
                       "move_huge_pmd, change_huge_pmd",
          .look_at = "thp_fault_fallback above 0 says that no huge page was to "
                     "be had; frames_in_order is by pagemap, page by page"},
     .needs = HugeGuest(),
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "minor_faults",
                  .better = Better::kLower,
                  .kind = Kind::kBounded,
                  .tolerance = 4,
                  .cause = "text and stack pages of the subject"},
                 {.name = "rss", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
