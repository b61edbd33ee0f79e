// SPDX-License-Identifier: Apache-2.0
// smaps is exact: what is resident, shared, dirty and whose, before, while and
// after others map the same pages; and smaps_rollup is its sum.
#include "cases/counters/file_pages.h"
#include "cases/counters/readings.h"
#include "cases/counters/statm.h"

namespace oomgate {
namespace {

constexpr std::int64_t kPages = 300;
constexpr std::int64_t kChanged = 50;  // written by a child
constexpr int kLooks = 10;
constexpr Bytes kSize = kPages * kPage;
constexpr const char* kRollup = "/proc/self/smaps_rollup";

bool Writes(const Params& p) { return p["kind"] != "file_read"; }
// A child gets copies of what it writes to private mappings.
bool Copies(const Params& p) {
  return p["kind"] != "shared" && p["kind"] != "file_shared";
}

Range Map(Trace& trace, std::string_view kind) {
  MapCode();  // its pages are of a file, too
  if (kind == "anon") return MapAnonymous(trace, kSize);
  if (kind == "shared") {
    return MapAnonymous(trace, kSize, {.flags = MAP_SHARED | MAP_ANONYMOUS});
  }
  return MapFile(trace, OpenCleanFile(trace, kSize), kSize,
                 PROT_READ | PROT_WRITE,
                 kind == "file_shared" ? MAP_SHARED : MAP_PRIVATE);
}

// By how much the rollup is another sum than that of all mappings, in kB. It
// takes two looks, and between them a child on its way to sleep may copy a page
// that was of both: a rollup that is wrong is so each time.
std::int64_t RollupError(const char* field) {
  std::int64_t least = INT64_MAX;
  for (int look = 0; look < kLooks && least > 0; ++look) {
    if (look > 0) usleep(1000);
    const std::int64_t more =
        FieldIn(kRollup, field) - MappingField(kAll, field) / 1_KiB;
    // Of Pss each mapping's part of a kB is lost in the sum.
    const bool lost = std::string_view(field) == "Pss" && more >= 0 &&
                      more <= ReadMapping(kAll).mappings;
    least = std::min(least, lost ? 0 : std::abs(more));
  }
  return least;
}

struct Memory : Scene {
  Range range = Map(trace, p["kind"]);
  // The first look faults in what it needs.
  std::int64_t warm_up = FieldIn(kRollup, "Pss_Anon");
  Gate ready{trace};
  Gate go{trace};
  Gate look{trace};
  pid_t writer = -1;
  pid_t reader = -1;

  // All that smaps says of it.
  void Look() const {
    std::int64_t error = 0;
    for (const char* field : {"Rss", "Pss", "Shared_Clean", "Shared_Dirty",
                              "Private_Clean", "Private_Dirty", "Anonymous"}) {
      Set(field, MappingField(range, field));
      error += RollupError(field);
    }
    Set("Pss_Dirty", MappingField(range, "Pss_Dirty"));
    Set("rollup_error", error);
  }
  // Waits until a child has done what it does next.
  void Await(Gate& gate) {
    gate.Open();
    ready.Pass();
  }
};

// What must be told where `own` pages are mapped once and all others by
// `mappers` processes.
Oracle Told(const Params& p, const Facts& f, std::int64_t own,
            std::int64_t mappers, bool own_is_copy = false) {
  const std::int64_t common = kPages - own;
  const bool dirty = Writes(p);
  const bool anon = p["kind"] == "anon" || p["kind"] == "file_copied";
  // fs/proc/task_mmu.c: a page's share, in 1/4096 of a byte, is cut off.
  const std::int64_t share = (kPage.count << 12) / mappers;
  const Bytes pss =
      ((own * (kPage.count << 12) + common * share) >> 22) * 1_KiB;
  const Bytes private_size = own * kPage;
  const Bytes shared_size = common * kPage;
  const bool own_dirty = dirty || own_is_copy;
  const bool tells_dirty = f.kernel >= KernelVersion{6, 0};  // 30934843002d
  return AllOf(Size("Rss", kSize), Size("Pss", pss),
               Size("Private_Dirty", own_dirty ? private_size : 0_B),
               Size("Private_Clean", own_dirty ? 0_B : private_size),
               Size("Shared_Dirty", dirty ? shared_size : 0_B),
               Size("Shared_Clean", dirty ? 0_B : shared_size),
               Size("Anonymous", anon          ? kSize
                                 : own_is_copy ? private_size
                                               : 0_B),
               Size("Pss_Dirty", !tells_dirty ? 0_B
                                 : dirty      ? pss
                                 : own_dirty  ? private_size
                                              : 0_B),
               Count("rollup_error", 0));
}

Steps<Memory> Make(const Params& p, const Facts& f) {
  // What smaps_rollup takes a page for, which smaps does not tell.
  const std::string_view kind = p["kind"];
  const char* const of = kind == "anon" || kind == "file_copied" ? "Pss_Anon"
                         : kind == "shared"                      ? "Pss_Shmem"
                                                                 : "Pss_File";
  Rows<Memory> alone;
  for (const char* field : {"Pss_Anon", "Pss_File", "Pss_Shmem"}) {
    alone.push_back(Change(field, InRollup(field),
                           std::string_view(field) == of ? kSize : 0_B));
  }
  const auto told = [&](std::int64_t own, std::int64_t mappers) {
    return Row<Memory>(&Memory::Look, Told(p, f, own, mappers));
  };
  alone.push_back(told(kPages, 1));
  const std::int64_t own = Copies(p) ? kChanged : 0;
  return {
      {"touch all",
       [](Memory& m) {
         Writes(m.p) ? WritePages(m.trace, m.range)
                     : ReadPages(m.trace, m.range);
       },
       alone},
      {"read all in a child",
       [](Memory& m) {
         m.writer = StartChild(m.trace, [&] {
           ReadPages(m.trace, m.range);  // what fork left for a fault
           m.ready.Open();
           m.go.Pass();
           WritePages(m.trace, m.range.Part(0_B, kChanged * kPage));
           m.ready.Open();
           m.go.Pass();
           m.Look();
           m.ready.Open();
           WaitForever();
         });
         m.ready.Pass();
       },
       told(0, 2)},
      {"read all in another child",
       [](Memory& m) {
         m.reader = StartChild(m.trace, [&] {
           ReadPages(m.trace, m.range);
           m.ready.Open();
           m.look.Pass();
           m.Look();
           m.ready.Open();
           WaitForever();
         });
         m.ready.Pass();
       },
       told(0, 3)},
      {"look in that child", [](Memory& m) { m.Await(m.look); },
       Told(p, f, 0, 3)},
      {"end that child", [](Memory& m) { EndChild(m.reader); }, told(0, 2)},
      {"write 50 pages in the first child", [](Memory& m) { m.Await(m.go); },
       Written(kChanged * kPage), told(own, 2)},
      {"look in the first child", [](Memory& m) { m.Await(m.go); },
       Told(p, f, own, 2, p["kind"] == "file_read")},
      {"end it", [](Memory& m) { EndChild(m.writer); }, told(kPages, 1)},
  };
}

const Register kSmapsExact{
    {.id = "counters/smaps_exact",
     .summary = "smaps tells resident, shared, dirty and Pss exactly",
     .claim = "Seed 0: use smaps where precision matters; "
              "Documentation/filesystems/proc: Pss is a page's share",
     .functions = "smaps_account, smaps_page_accumulate, copy_present_pte, "
                  "do_wp_page, page_remove_rmap",
     .look_at = "rollup_error: smaps_rollup disagrees with smaps; Pss_Anon, "
                "_File, _Shmem are how its classes grew, in kB",
     // It mounts a file system.
     .needs = {.alone = true},
     .params = {{"kind",
                 {"anon", "shared", "file_read", "file_copied",
                  "file_shared"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
