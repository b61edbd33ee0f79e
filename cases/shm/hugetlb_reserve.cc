// SPDX-License-Identifier: Apache-2.0
// The huge page pool is promised at mmap and kept at the touch: a mapping that
// does not fit is ENOMEM, one without a promise is SIGBUS at its touch; no
// part of it is RSS, page tables, committed or a reason for an OOM kill.
#include "cases/shm/huge_pool.h"

namespace oomgate::shm {
namespace {

constexpr int kAll = 8;

struct Huge : Scene {
  std::int64_t kills_before = Vmstat("oom_kill");
  Range range = {};
  Range unpromised = {};

  void Drop() const { Unmap(trace, range); }
  void MapUnpromised() { unpromised = MapOfPool(trace, 1, MAP_NORESERVE); }
  std::int64_t Kills() const { return Vmstat("oom_kill") - kills_before; }
};

auto Map(int pages) {
  return [=](Huge& s) { s.range = MapOfPool(s.trace, pages); };
}
auto Write(int pages) {
  return [=](Huge& s) {
    WritePages(s.trace, s.range.Part(0_B, pages * kHugePage), kHugePage);
  };
}
int MapOneMore() { return TryMap(kHugePage, PROT_READ | PROT_WRITE, kOfPool); }

// The first page, in a child: how that ended (wait(2)).
auto InChild(decltype(ReadPages)* touch, Range Huge::*what) {
  return [=](Huge& s) {
    s.Set("status", RunChild(s.trace, [&] {
            touch(s.trace, (s.*what).Part(0_B, kHugePage), kHugePage);
          }));
  };
}

void DropInChild(Huge& s) {
  RunChild(s.trace, [&] {
    s.Set("pages", StatusField("HugetlbPages"));
    s.Drop();
    s.Set("dropped", StatusField("HugetlbPages"));
  });
}

// The parent takes the first page from its child; the last is still of both.
void WriteFirst(Huge& s) {
  volatile char* const at = s.range.start;
  Gate written(s.trace);
  const pid_t child = StartChild(s.trace, [&] {
    written.Pass();
    s.Set("last", at[7 * kHugePage.count]);
    *at = 2;
  });
  *at = 3;
  s.Set("first", *at);
  written.Open();
  s.Set("status", Reap(child));
}

Row<Huge> Has(int total, int free, int promised, int surplus = 0) {
  return Rows<Huge>{Is("total", InPool("HugePages_Total"), total),
                    Is("free", InPool("HugePages_Free"), free),
                    Is("promised", InPool("HugePages_Rsvd"), promised),
                    Is("surplus", InPool("HugePages_Surp"), surplus)};
}

Bytes Committed() { return Meminfo("Committed_AS"); }
Bytes Tables() { return ReadUsage().page_tables; }
auto Status(const char* field) {
  return [=] { return StatusField(field); };
}
auto Smaps(const char* field) {
  return [=](Huge& s) { return MappingField(s.range, field); };
}

Steps<Huge> Make(const Params&, const Facts& f) {
  const Bytes lag = 66 * 16 * kPage * f.cpus;  // of VmRSS, up to 6.15
  const auto no_rss = Change("rss", Status("VmRSS"), Between(0_B - lag, lag));
  const auto uncommitted = Change("committed", Committed, 0_B);
  const auto touch = InChild(WritePages, &Huge::unpromised);
  const auto status = [](int is) { return Count("status", is); };
  return {
      {"make a pool of 8", SetPool(kAll), Has(8, 8, 0)},
      // A smaller pool takes nothing of what was promised: that stays until it
      // is given back, above what the pool should have. A larger one has it
      // first.
      {"map 3", Map(3), Has(8, 8, 3)},
      {"shrink the pool to 1", SetPool(1), Has(3, 3, 3, 2)},
      {"write 3", Write(3), Has(3, 0, 0, 2)},
      {"grow the pool to 3", SetPool(3), Has(3, 0, 0)},
      {"shrink the pool to 1 again", SetPool(1), Has(3, 0, 0, 2)},
      {"unmap 3", &Huge::Drop, Has(1, 1, 0)},
      {"grow the pool to 8", SetPool(kAll), Has(8, 8, 0)},

      {"map all", Map(kAll), Has(8, 8, 8), uncommitted,
       Change("tables", Tables, 0_B)},
      {"map one more", MapOneMore, Refused(ENOMEM), uncommitted},
      {"map one without a promise", &Huge::MapUnpromised, uncommitted},
      // Reading takes a page, there is no zero page of that kind.
      {"read the first",
       [](Huge& s) { ReadPages(s.trace, s.range.Part(0_B, kPage)); },
       Has(8, 7, 7), Change("tables", Tables, Between(0_B, 2 * kPage)), no_rss,
       Is("HugetlbPages", Status("HugetlbPages"), kHugePage),
       Is("range's rss", Smaps("Rss"), 0_B),
       Is("Private_Hugetlb", Smaps("Private_Hugetlb"), kHugePage)},
      // What is free is promised to somebody else.
      {"touch what was not promised", touch, status(SIGBUS)},
      {"write all", Write(kAll), Has(8, 0, 0), no_rss},
      {"touch it while none is free", touch, status(SIGBUS)},
      {"unmap all", &Huge::Drop, Has(8, 8, 0)},
      {"touch it while all are free, unmap it",
       [=](Huge& s) {
         touch(s);
         Unmap(s.trace, s.unpromised);
       },
       status(0)},

      // What was promised and never touched is given back, too.
      {"map 4", Map(4), Has(8, 8, 4)},
      {"write 1 of 4", Write(1), Has(8, 7, 3)},
      {"unmap 4", &Huge::Drop, Has(8, 8, 0)},

      // All of the pool is the parent's; it forks, and one of both writes.
      {"map all again", Map(kAll), Has(8, 8, 8)},
      {"write all again", Write(kAll), Has(8, 0, 0)},
      {"write in a child", InChild(WritePages, &Huge::range), status(SIGBUS)},
      {"read in a child", InChild(ReadPages, &Huge::range), status(0)},
      {"unmap all in a child", DropInChild, Size("pages", kAll * kHugePage),
       Size("dropped", 0_B)},
      {"write beside a child", WriteFirst, Count("first", 3), Count("last", 1),
       status(SIGBUS), Has(8, 0, 0)},
      {"unmap all again", &Huge::Drop, Has(8, 8, 0)},

      {"empty the pool", SetPool(0), Has(0, 0, 0)},
      {"map one of none", MapOneMore, Refused(ENOMEM)},
      {"map one of none without a promise", &Huge::MapUnpromised},
      {"touch one of none", touch, status(SIGBUS),
       Is("kills", &Huge::Kills, 0)},
  };
}

const Register kHugetlbReserve{
    {.id = "shm/hugetlb_reserve",
     .summary = "the huge page pool: promised at mmap, SIGBUS where not",
     .claim = "Seed 1: shm; Documentation/mm/hugetlbfs_reserv; exhaustion of "
              "the pool never invokes the OOM killer (shm.hugetlb_not_oom)",
     .functions = "hugetlb_reserve_pages, alloc_hugetlb_folio, hugetlb_wp, "
                  "unmap_ref_private",
     .needs = {.alone = true},
     .steps = Make,
     .metrics = {Metric::Count("kills", "touch one of none.kills")}}};

}  // namespace
}  // namespace oomgate::shm
