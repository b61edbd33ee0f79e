// SPDX-License-Identifier: Apache-2.0
// smaps is exact: what is resident, shared, dirty and whose, before, while and
// after others map the same pages; and smaps_rollup is its sum.
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "cases/counters/file_pages.h"

namespace oomgate {
namespace {

constexpr std::int64_t kPages = 300;
constexpr std::int64_t kChanged = 50;  // written by a child
constexpr int kLooks = 10;
constexpr Bytes kSize = kPages * kPage;

bool Writes(const Params& p) { return p["kind"] != "file_read"; }

Range Map(Trace& trace, const Params& p) {
  const std::string_view kind = p["kind"];
  if (kind == "anon") return MapAnonymous(trace, kSize);
  if (kind == "shared") {
    MapOptions options;
    options.flags = MAP_SHARED | MAP_ANONYMOUS;
    return MapAnonymous(trace, kSize, options);
  }
  const int fd = OpenCleanFile(trace, kSize);
  return MapFile(trace, fd, kSize, PROT_READ | PROT_WRITE,
                 kind == "file_shared" ? MAP_SHARED : MAP_PRIVATE);
}

// By how much the rollup is another sum than that of all mappings. It takes two
// looks, and between them a child on its way to sleep may copy a page that was
// of both: a rollup that is wrong is so each time.
std::int64_t RollupError(const char* field) {
  const Range all{.size = Bytes{INT64_MAX}};
  std::int64_t least = INT64_MAX;
  for (int look = 0; look < kLooks && least > 0; ++look) {
    if (look > 0) usleep(1000);
    const std::int64_t rollup = FieldIn("/proc/self/smaps_rollup", field) -
                                MappingField(all, field) / 1_KiB;
    // Of Pss each mapping's part of a kB is lost in the sum.
    const bool lost = std::string_view(field) == "Pss" && rollup >= 0 &&
                      rollup <= ReadMapping(all).mappings;
    least = std::min(least, lost ? 0 : rollup < 0 ? -rollup : rollup);
  }
  return least;
}

// All that smaps says of the range, as "<who>_<what>".
void Report(Trace& trace, const char* who, const Range& range) {
  constexpr const char* kFields[] = {
      "Rss",           "Pss",           "Shared_Clean", "Shared_Dirty",
      "Private_Clean", "Private_Dirty", "Anonymous"};
  std::int64_t error = 0;
  for (const char* field : kFields) {
    char name[48];
    std::snprintf(name, sizeof name, "%s_%s", who, field);
    trace.Set(name, MappingField(range, field));
    error += RollupError(field);
  }
  char name[48];
  std::snprintf(name, sizeof name, "%s_Pss_Dirty", who);
  trace.Set(name, MappingField(range, "Pss_Dirty"));
  std::snprintf(name, sizeof name, "%s_rollup_error", who);
  trace.Set(name, error * 1_KiB);
}

// What smaps_rollup takes a page for, which smaps does not tell.
constexpr const char* kClasses[] = {"Pss_Anon", "Pss_File", "Pss_Shmem"};

void AddClasses(Trace& trace, std::int64_t sign) {
  for (const char* name : kClasses) {
    trace.Add(name, sign * FieldIn("/proc/self/smaps_rollup", name));
  }
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  MapCode();
  const Range range = Map(trace, p);
  AddClasses(trace, 0);
  AddClasses(trace, -1);
  if (Writes(p)) {
    WritePages(trace, range);
  } else {
    ReadPages(trace, range);
  }
  AddClasses(trace, 1);
  Report(trace, "alone", range);

  Gate ready(trace);
  Gate go(trace);
  Gate end(trace);
  const pid_t child = StartChild(trace, [&] {
    ReadPages(trace, range);  // what fork left for a fault
    ready.Open();
    go.Pass();
    WritePages(trace, range.Part(0_B, kChanged * kPage));
    Report(trace, "child_changed", range);
    ready.Open();
    end.Pass();
  });
  ready.Pass();
  Report(trace, "with_one", range);
  const pid_t other = StartChild(trace, [&] {
    ReadPages(trace, range);
    Report(trace, "other", range);
    ready.Open();
    end.Pass();
  });
  ready.Pass();
  Report(trace, "with_two", range);
  EndChild(other);
  go.Open();
  ready.Pass();
  Report(trace, "changed", range);
  EndChild(child);
  Report(trace, "after", range);
}

// What must be reported where `own` pages are mapped once and `common` ones
// by `mappers` processes.
Oracle Reported(const std::string& who, const Params& p, std::int64_t own,
                std::int64_t common, std::int64_t mappers, bool own_is_copy,
                bool tells_dirty) {
  const bool dirty = Writes(p);
  const bool anon = p["kind"] == "anon" || p["kind"] == "file_copied";
  // fs/proc/task_mmu.c: a page's share, in 1/4096 of a byte, is cut off.
  const std::int64_t share = (kPage.count << 12) / mappers;
  const Bytes pss =
      ((own * (kPage.count << 12) + common * share) >> 22) * 1_KiB;
  const Bytes private_size = own * kPage;
  const Bytes shared_size = common * kPage;
  const bool own_dirty = dirty || own_is_copy;
  const auto field = [&](const char* name, Bytes size) {
    return Size(who + "_" + name, Eq(size));
  };
  const Bytes anonymous = anon          ? private_size + shared_size
                          : own_is_copy ? private_size
                                        : 0_B;
  return AllOf(field("Rss", kSize), field("Pss", pss),
               field("Private_Dirty", own_dirty ? private_size : 0_B),
               field("Private_Clean", own_dirty ? 0_B : private_size),
               field("Shared_Dirty", dirty ? shared_size : 0_B),
               field("Shared_Clean", dirty ? 0_B : shared_size),
               field("Anonymous", anonymous),
               field("Pss_Dirty", !tells_dirty ? 0_B
                                  : dirty      ? pss
                                  : own_dirty  ? private_size
                                               : 0_B),
               field("rollup_error", 0_B));
}

Oracle Expect(const Params& p, const Facts& f) {
  // Of private mappings the child gets copies of what it writes; what it wrote
  // in shared ones stays shared.
  const bool copies = p["kind"] != "shared" && p["kind"] != "file_shared";
  const std::int64_t own = copies ? kChanged : 0;
  const bool copy = p["kind"] == "file_read";
  // 30934843002d (6.0)
  const bool dirty = f.kernel >= KernelVersion{6, 0};
  const auto reported = [&](const char* who, std::int64_t private_pages,
                            std::int64_t mappers, bool is_copy = false) {
    return Reported(who, p, private_pages, kPages - private_pages, mappers,
                    is_copy, dirty);
  };
  const std::string_view kind = p["kind"];
  const int of = kind == "anon" || kind == "file_copied" ? 0
                 : kind == "shared"                      ? 2
                                                         : 1;
  std::vector<Oracle> classes;
  for (int i = 0; i < 3; ++i) {
    classes.push_back(Count(kClasses[i], Eq(i == of ? kSize / 1_KiB : 0)));
  }
  return AllOf(Survives(), AllOf(classes),
               reported("alone", kPages, 1), reported("with_one", 0, 2),
               reported("with_two", 0, 3), reported("other", 0, 3),
               reported("child_changed", own, 2, copy),
               reported("changed", own, 2), reported("after", kPages, 1));
}

const Register kSmapsExact{
    {.id = "counters/smaps_exact",
     .summary = "smaps tells resident, shared, dirty and Pss exactly",
     .explains =
         {.claim = "Seed 0: use smaps where precision matters; "
                   "Documentation/filesystems/proc: Pss is a page's share",
          .deed = "maps 300 pages of one kind, shares them with one child and "
                  "two, lets one write 50, ends them; reads smaps at each step",
          .functions =
              "smaps_account, smaps_page_accumulate, copy_present_pte, "
              "do_wp_page, page_remove_rmap",
          .look_at =
              "the step tells whose mapping is not counted or not "
              "forgotten; rollup_error that smaps_rollup disagrees; Pss_… "
              "is how its classes grew, in kB"},
     // It mounts a file system.
     .needs = {.alone = true},
     .params = {{"kind",
                 {"anon", "shared", "file_read", "file_copied",
                  "file_shared"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
