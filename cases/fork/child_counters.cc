// SPDX-License-Identifier: Apache-2.0
// A child begins with what fork gives it: the same sizes, counted anew; no
// locks, no pins, no faults of its parent's; its score and settings.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>

#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

constexpr Bytes kWritten = 6_MiB;
constexpr Bytes kHidden = 2_MiB;
constexpr Bytes kLocked = 1_MiB;
constexpr Bytes kPast = 16_MiB;  // was mapped, and no longer is
constexpr int kScore = 777;

constexpr const char* kFields[] = {"VmSize", "VmData", "VmStk", "VmExe",
                                   "VmLib",  "VmLck",  "VmPin", "VmSwap"};

void Report(Trace& trace, const char* who) {
  for (const char* field : kFields) {
    char name[48];
    std::snprintf(name, sizeof name, "%s_%s", who, field);
    trace.Set(name, StatusField(field));
  }
}

// Writes are counted by the page for the child, and copied by the page.
void TryCopies(Trace& trace, const Range& range) {
  const std::int64_t before = ReadUsage().minor_faults;
  ReadPages(trace, range);
  trace.Set("read_faults", ReadUsage().minor_faults - before);
  const std::int64_t then = ReadUsage().minor_faults;
  WritePages(trace, range);
  trace.Set("write_faults", ReadUsage().minor_faults - then);
}

void SetScore(Trace& trace) {
  char text[8];
  std::snprintf(text, sizeof text, "%d", kScore);
  WriteKnob(trace, "/proc/self/oom_score_adj", text);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  SetScore(trace);
  const Range range = MapAnonymous(trace, kWritten);
  WritePages(trace, range);
  const Range hidden = MapAnonymous(trace, kHidden);
  WritePages(trace, hidden);
  Advise(trace, hidden, MADV_DONTFORK);
  const Range locked = MapAnonymous(trace, kLocked);
  Unmap(trace, MapAnonymous(trace, kPast));
  if (mlock(locked.start, static_cast<std::size_t>(kLocked.count)) != 0 ||
      mlockall(MCL_FUTURE) != 0) {
    trace.Stop("locking", errno);
  }
  if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) {
    trace.Stop("PR_SET_THP_DISABLE", errno);
  }
  Report(trace, "warm_up");
  Report(trace, "parent");
  trace.Set("parent_peak_less_size",
            StatusField("VmPeak") - StatusField("VmSize"));
  trace.Set("parent_anon",
            MappingField({.size = Bytes{INT64_MAX}}, "Anonymous"));

  const pid_t child = StartChild(trace, [&] {
    rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    trace.Set("first_faults", usage.ru_minflt);
    trace.Set("first_major", usage.ru_majflt);
    Report(trace, "child");
    trace.Set("child_anon",
              MappingField({.size = Bytes{INT64_MAX}}, "Anonymous"));
    trace.Set("peak_less_size", StatusField("VmPeak") - StatusField("VmSize"));
    trace.Set("score", NumberIn("/proc/self/oom_score_adj"));
    trace.Set("thp_disabled", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    trace.Set("nohuge", MappingHasFlag(range, "nh"));
    // MCL_FUTURE is its parent's.
    const Range later = MapAnonymous(trace, kPage);
    trace.Set("later_lo", MappingHasFlag(later, "lo"));
    trace.Set("threads", FieldIn("/proc/self/status", "Threads"));
    TryCopies(trace, range);
  });
  trace.Set("child_status", Reap(child));
  // Alone again, the parent takes its pages back without copying them.
  const Bytes anon = ReadMapping(range).rss;
  const std::int64_t faults = ReadUsage().minor_faults;
  WritePages(trace, range);
  trace.Set("reuse_faults", ReadUsage().minor_faults - faults);
  trace.Set("reuse_anon", ReadMapping(range).rss - anon);
  trace.Set("parent_locked_after", StatusField("VmLck"));
}

Oracle Expect(const Params&, const Facts&) {
  const auto same = [](const std::string& field, Bytes less) {
    return Difference("parent_" + field, "child_" + field, Eq(less.count));
  };
  const std::int64_t pages = kWritten / kPage;
  const auto faults = Between<std::int64_t>(pages, pages + 4);
  return AllOf(
      Survives(), same("VmSize", kHidden), same("VmData", kHidden),
      same("VmStk", 0_B), same("VmExe", 0_B), same("VmLib", 0_B),
      Size("parent_VmLck", Ge(kLocked)), Size("child_VmLck", Eq(0_B)),
      Size("child_VmPin", Eq(0_B)), Size("child_VmSwap", Eq(0_B)),
      // Its parent's, less what was hidden; a few it copied on the way.
      Difference("parent_anon", "child_anon",
                 Between(kHidden.count - 8 * kPage.count, kHidden.count)),
      // What forking and returning costs a child, not what its parent had.
      Count("first_faults", Between<std::int64_t>(0, 64)),
      Count("first_major", Eq(0)),
      // Its peak is its own from the start, below its parent's.
      Size("parent_peak_less_size", Ge(kPast)), Size("peak_less_size", Eq(0_B)),
      Count("score", Eq(kScore)), Count("thp_disabled", Eq(1)),
      Count("nohuge", Eq(1)), Count("later_lo", Eq(0)), Count("threads", Eq(1)),
      Count("read_faults", Between<std::int64_t>(0, 4)),
      Count("write_faults", faults), Count("child_status", Eq(0)),
      Count("reuse_faults", faults), Size("reuse_anon", Eq(0_B)),
      Difference("parent_VmLck", "parent_locked_after", Eq(0)));
}

const Register kChildCounters{
    {.id = "fork/child_counters",
     .summary = "a child has its parent's sizes, not its locks nor its faults",
     .explains =
         {.claim = "Seed 2: what fork copies; fork(2): memory locks are not "
                   "inherited, counters begin at 0",
          .deed =
              "writes, hides, unmaps, locks, sets its score, forks; the child "
              "reads its counters, then reads and writes what it got",
          .functions = "dup_mm, mm_init, dup_mmap, copy_present_pte, "
                       "do_wp_page, copy_oom_score_adj",
          .look_at = "the one field: each is a line of mm_init, dup_mmap or "
                     "copy_process"},
     .needs = {.alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
