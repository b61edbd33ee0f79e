// SPDX-License-Identifier: Apache-2.0
// A child begins with what fork gives it: the same sizes, counted anew; no
// locks, no pins, no faults of its parent's; its score and settings.
#include <sys/prctl.h>

#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

constexpr Bytes kWritten = 6_MiB;
constexpr Bytes kHidden = 2_MiB;
constexpr Bytes kLocked = 1_MiB;
constexpr Bytes kPast = 16_MiB;  // was mapped, and no longer is
constexpr int kScore = 777;
constexpr Range kAll{.size = Bytes{INT64_MAX}};

struct Parent : Scene {
  Range range = MapAnonymous(trace, kWritten);
  Range hidden = MapAnonymous(trace, kHidden);
};

Bytes Anonymous() { return MappingField(kAll, "Anonymous"); }
Bytes PeakLessSize() { return StatusField("VmPeak") - StatusField("VmSize"); }

void SetUp(Parent& s) {
  WriteKnob(s.trace, "/proc/self/oom_score_adj", "777");
  WritePages(s.trace, s.range);
  WritePages(s.trace, s.hidden);
  Advise(s.trace, s.hidden, MADV_DONTFORK);
  Lock(s.trace, MapAnonymous(s.trace, kLocked));
  Unmap(s.trace, MapAnonymous(s.trace, kPast));
  Must(s.trace, "mlockall", mlockall(MCL_FUTURE));
  Must(s.trace, "PR_SET_THP_DISABLE", prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
}

// What the child reads of itself, first of all its faults.
void ReadChild(const Parent& s) {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  s.Set("first faults", usage.ru_minflt);
  s.Set("major faults", usage.ru_majflt);
  for (const char* field : {"VmSize", "VmData", "VmStk", "VmExe", "VmLib",
                            "VmLck", "VmPin", "VmSwap"}) {
    s.Set(field, StatusField(field));
  }
  s.Set("anonymous", Anonymous());
  s.Set("peak less size", PeakLessSize());
  s.Set("score", NumberIn("/proc/self/oom_score_adj"));
  s.Set("thp_disabled", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  s.Set("nh", MappingHasFlag(s.range, "nh"));
  // MCL_FUTURE is its parent's.
  s.Set("later lo", MappingHasFlag(MapAnonymous(s.trace, kPage), "lo"));
  s.Set("threads", FieldIn("/proc/self/status", "Threads"));
  // Writes are counted by the page for the child, and copied by the page.
  const std::int64_t before = ReadUsage().minor_faults;
  ReadPages(s.trace, s.range);
  const std::int64_t read = ReadUsage().minor_faults;
  WritePages(s.trace, s.range);
  s.Set("write faults", ReadUsage().minor_faults - read);
  s.Set("read faults", read - before);
}

Steps<Parent> Make(const Params&, const Facts&) {
  const auto field = [](const char* name) {
    return [=] { return StatusField(name); };
  };
  const auto same = [](const std::string& name, Bytes less) {
    return Difference("set up." + name, name, less.count);
  };
  constexpr std::int64_t kPages = kWritten / kPage;
  const auto faults = Between<std::int64_t>(kPages, kPages + 4);
  return {
      {"set up",
       SetUp,
       {{"VmSize", field("VmSize"), Gt(0_B)},
        {"VmData", field("VmData"), Gt(0_B)},
        {"VmStk", field("VmStk"), Gt(0_B)},
        {"VmExe", field("VmExe"), Gt(0_B)},
        {"VmLib", field("VmLib"), Ge(0_B)},
        {"VmLck", field("VmLck"), Ge(kLocked)},
        {"peak less size", PeakLessSize, Ge(kPast)},
        {"anonymous", Anonymous, Gt(0_B)}}},
      {"fork",
       [](Parent& s) { return RunChild(s.trace, [&s] { ReadChild(s); }); },
       {same("VmSize", kHidden), same("VmData", kHidden), same("VmStk", 0_B),
        same("VmExe", 0_B), same("VmLib", 0_B), Size("VmLck", 0_B),
        Size("VmPin", 0_B), Size("VmSwap", 0_B),
        // Its parent's, less what was hidden; a few it copied on the way.
        Difference("set up.anonymous", "anonymous",
                   Between(kHidden.count - 8 * kPage.count, kHidden.count)),
        // What forking and returning costs a child, not what its parent had.
        Count("first faults", Between(0, 64)), Count("major faults", 0),
        // Its peak is its own from the start, below its parent's.
        Size("peak less size", 0_B), Count("score", kScore),
        Count("thp_disabled", 1), Count("nh", 1), Count("later lo", 0),
        Count("threads", 1), Count("read faults", Between(0, 4)),
        Count("write faults", faults)}},
      // Alone again, the parent takes its pages back without copying them.
      {"write in the parent",
       [](Parent& s) {
         const Bytes anon = ReadMapping(s.range).rss;
         const std::int64_t before = ReadUsage().minor_faults;
         WritePages(s.trace, s.range);
         s.Set("faults", ReadUsage().minor_faults - before);
         s.Set("more", ReadMapping(s.range).rss - anon);
       },
       {Count("faults", faults),
        Size("more", 0_B),
        {"VmLck", field("VmLck"), Ge(kLocked)},
        Difference("set up.VmLck", "VmLck", 0)}},
  };
}

const Register kChildCounters{
    {.id = "fork/child_counters",
     .summary = "a child has its parent's sizes, not its locks nor its faults",
     .claim = "Seed 2: what fork copies; fork(2): memory locks are not "
              "inherited, counters begin at 0",
     .functions = "dup_mm, mm_init, dup_mmap, copy_present_pte, do_wp_page, "
                  "copy_oom_score_adj",
     .look_at =
         "the one field: each is a line of mm_init, dup_mmap or copy_process",
     .needs = {.alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
