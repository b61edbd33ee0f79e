// SPDX-License-Identifier: Apache-2.0
// Reading 100 GiB page by page takes 26,214,400 minor faults and 200 MiB of
// page tables, all of it counted for the process and charged to its cgroup.
#include "cases/pages/tables.h"

namespace oomgate::pages {
namespace {

constexpr Bytes kPiece = 128_MiB;
constexpr int kFlushed = 5000;  // memory.stat is, every 2 s since 5.15
constexpr std::int64_t kBatch = 32;

struct Seed : Counted {
  Range range = MapApart(trace, p.Size("size"), PROT_NONE);
  Range more = MapAnonymous(trace, kBatch* kPage);
  Group box{f};
  std::int64_t box_faults = Stat("pgfault");
  std::int64_t box_tables = Stat("pagetables");

  std::int64_t Stat(const char* key) const {
    return box.Field("memory.stat", key);
  }
  // By how much a counter of the box rises: to `goal`, or more.
  std::int64_t Rise(const char* key, std::int64_t before,
                    std::int64_t goal) const {
    return OnceHolds(
        kFlushed, [&] { return Stat(key) - before; },
        [&](std::int64_t risen) { return risen >= goal; });
  }
};

std::int64_t BoxFaults(Seed& s) {
  // A CPU kept what did not fill a batch (MEMCG_CHARGE_BATCH), for good, up to
  // 5.12 (2d146aa3aa84).
  if (s.f.kernel < KernelVersion{5, 13}) ReadPages(s.trace, s.more);
  return s.Rise("pgfault", s.box_faults, s.range.size / kPage);
}

// As the seed does it: pieces that neighbour each other, from above.
void MapPieces(Seed& s) {
  for (Bytes at = s.range.size; at > 0_B; at = at - kPiece) {
    const Range piece = s.range.Part(at - kPiece, kPiece);
    MapOver(s.trace, piece, PROT_READ,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    Advise(s.trace, piece, MADV_NOHUGEPAGE);
  }
}

Steps<Seed> Make(const Params& p, const Facts& f) {
  const std::int64_t pages = p.Size("size") / kPage;
  const Bytes tables = TablesFor(0_B, pages, kPage);
  // What the subject itself faults in after the first look at memory.stat,
  // and what was pending then.
  constexpr std::int64_t kOther = 64;
  Rows<Seed> rows = {Change("faults", Faults, pages),
                     Change("tables", pages::Tables, tables),
                     Change(
                         "charged", [](Seed& s) { return Charged(s.f); },
                         Between(tables - Stock(f), tables + Stock(f))),
                     {"rss", Smaps("Rss"), 0_B},
                     {"box_faults", BoxFaults, Between(pages, pages + kOther)}};
  // f0c0c115fb81 (5.11) counts page tables per cgroup, 6.8 the upper level too;
  // v1 does not print them.
  if (f.cgroup == 2 && f.kernel >= KernelVersion{5, 11}) {
    const Bytes counted =
        f.kernel >= KernelVersion{6, 8} ? tables : tables - kPage;
    rows.push_back({"box_tables",
                    [=](Seed& s) {
                      return Bytes{
                          s.Rise("pagetables", s.box_tables, counted.count)};
                    },
                    // What the warm-up took may be flushed with it.
                    Between(counted, counted + 8 * kPage)});
  }
  return {
      {"map pieces of 128 MiB, from above",
       MapPieces,
       {{"mappings", [](Seed& s) { return ReadMapping(s.range).mappings; },
         1}}},
      {"read every page", [](Seed& s) { ReadPages(s.trace, s.range); }, rows}};
}

void Adjust(const Params& p, InstanceInfo& instance) {
  if (p["size"] == "512m") return;
  instance.suite = Suite::kNightly;
  instance.timeout_seconds = 60;
  if (p["size"] != "100g") return;
  instance.needs.memory = 256_MiB;
  instance.timeout_seconds = 1800;
}

const Register kSeed100gMinflt{
    {.id = "pages/seed_100g_minflt",
     .summary = "a minor fault for every page read, 26,214,400 for 100 GiB",
     .claim = "Seed 0: 26,214,400 minor faults for 100 GB, and what its tables "
              "cost (zero_page.seed_100g_minflt)",
     .functions = "mm_account_fault, count_memcg_event_mm, mm_inc_nr_ptes, "
                  "pgtable_pte_page_ctor",
     .look_at = "fewer faults: the kernel maps several zero pages at once; "
                "charged: whether tables are accounted",
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB},
     .adjust = Adjust,
     .params = {{"size", {"512m", "2g", "100g"}}},
     .steps = Make,
     .metrics = {Metric::Count("minor_faults", "read every page.faults"),
                 Metric::Size("page_tables", "read every page.tables")}}};

}  // namespace
}  // namespace oomgate::pages
