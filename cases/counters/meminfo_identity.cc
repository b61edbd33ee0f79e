// SPDX-License-Identifier: Apache-2.0
// All memory is accounted for: whatever kind of it grows, its own counter and
// MemFree move by as much, and no RAM goes where no counter sees it.
#include <sys/eventfd.h>
#include <sys/sysinfo.h>

#include <optional>

#include "cases/counters/file_pages.h"
#include "oomgate/threads.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 24_MiB;
constexpr int kThreads = 96;
constexpr Bytes kStack = 16_KiB;  // THREAD_SIZE of x86-64
constexpr int kFiles = 12000;
// What else the kernel needs: nodes of the page cache, stacks of threads in
// user space, tables. Measured below 0.7 MiB.
constexpr Bytes kBeside = 2_MiB;
constexpr Bytes kLost = 1_MiB;
const auto kNear = Between(0_B - kLost, kLost);

// RAM that no counter explains.
Bytes Unexplained() {
  Bytes known = PerCpuPages();
  for (const char* field :
       {"MemFree", "Buffers", "Cached", "SwapCached", "AnonPages", "Slab",
        "KernelStack", "PageTables", "SecPageTables", "Percpu", "Hugetlb"}) {
    known += std::max(Meminfo(field), 0_B);  // some kernels do not have it
  }
  return Meminfo("MemTotal") - known;
}

// Whether those that are sums are the sums of their parts, and sysinfo(2) says
// the same.
bool SumsHoldNow() {
  struct sysinfo info = {};
  sysinfo(&info);
  const auto told = [&](unsigned long units) {
    return static_cast<std::int64_t>(units) * Bytes{info.mem_unit};
  };
  const auto sum = [](const char* one, const char* other) {
    return Meminfo(one) + Meminfo(other);
  };
  return Meminfo("Active") == sum("Active(anon)", "Active(file)") &&
         Meminfo("Inactive") == sum("Inactive(anon)", "Inactive(file)") &&
         Meminfo("Slab") == sum("SReclaimable", "SUnreclaim") &&
         Meminfo("MemTotal") == told(info.totalram) &&
         Meminfo("MemFree") == told(info.freeram) &&
         Meminfo("Shmem") == told(info.sharedram) &&
         Meminfo("Buffers") == told(info.bufferram);
}

// Between two reads something may move.
bool SumsHold() { return HoldsWithin(1000, SumsHoldNow); }

struct Look {
  explicit Look(const char* field) {
    RefreshVmstat();
    counter = Meminfo(field);
    free = Meminfo("MemFree") + PerCpuPages();
    available = Meminfo("MemAvailable") + PerCpuPages();
    unexplained = Unexplained();
  }
  Bytes counter, free, available, unexplained;
};

const char* CounterOf(std::string_view what) {
  return what == "anon"     ? "AnonPages"
         : what == "tables" ? "PageTables"
         : what == "shmem"  ? "Shmem"
         : what == "file"   ? "Cached"
         : what == "stacks" ? "KernelStack"
                            : "Slab";
}

int files[kFiles];

struct Machine : Scene {
  std::string_view what = p["grow"];
  const char* counter = CounterOf(what);
  Look warm_up{counter};
  Look before{counter};
  Range range = {};
  int file = -1;
  std::optional<IdleThreads<kThreads>> threads = {};

  void Grow() {
    if (what == "anon") {
      range = MapAnonymous(trace, kSize);
      WritePages(trace, range);
    } else if (what == "shmem") {
      range = MapAnonymous(trace, kSize, {.flags = MAP_SHARED | MAP_ANONYMOUS});
      WritePages(trace, range);
    } else if (what == "tables") {
      range = MapAnonymous(trace, kSize * 512);
      ReadPages(trace, range, kHugePage);
    } else if (what == "file") {
      file = OpenCleanFile(trace, kSize);
    } else if (what == "stacks") {
      threads.emplace(trace, 64_KiB);
    } else {  // slab
      const rlimit most{kFiles + 64, kFiles + 64};
      Must(trace, "setrlimit", setrlimit(RLIMIT_NOFILE, &most));
      for (int& one : files) {
        one = Must(trace, "eventfd", eventfd(0, EFD_CLOEXEC));
      }
    }
  }
  void TakeBack() {
    if (range.start != nullptr) Unmap(trace, range);
    if (file != -1) close(file);
    threads.reset();
    if (what == "slab") std::ranges::for_each(files, close);
  }

  void LookAtGrown() const {
    const Look now(counter);
    Set("counter", now.counter - before.counter);
    Set("free lost", before.free - now.free);
    Set("available lost", before.available - now.available);
    Set("unexplained", now.unexplained - before.unexplained);
  }
  // Tables, stacks and slabs are freed a moment later, and what moves between
  // two of the reads is seen twice, or not at all: until one look finds all as
  // it was.
  void LookAtLeft() const {
    const auto near = [](Bytes size) {
      return size >= 0_B - kLost && size <= kLost;
    };
    const Look after = OnceHolds(
        10000, [&] { return Look(counter); },
        [&](const Look& now) {
          return now.free - before.free >= 0_B - kBeside &&
                 near(now.counter - before.counter) &&
                 near(now.unexplained - before.unexplained);
        });
    Set("counter", after.counter - before.counter);
    Set("unexplained", after.unexplained - before.unexplained);
  }
};

testing::Matcher<Bytes> GrownOf(std::string_view what) {
  if (what == "tables") return Between(kSize, kSize + 64 * kPage);
  if (what == "anon") return Between(kSize, kSize + 4 * kPage);
  if (what == "stacks") return kThreads * kStack;
  // Each of them: a file of 184 to 256 bytes, its dentry of 192, a context of
  // 48 or 64, and what the array of all of them wastes.
  if (what == "slab") return Between(kFiles * 424_B, kFiles * 640_B);
  return kSize;
}

Steps<Machine> Make(const Params& p, const Facts&) {
  const auto like_counter = [](const char* name) {
    return Difference(name, "counter", Between(-kLost.count, kBeside.count));
  };
  const Oracle grown =
      AllOf(Size("counter", GrownOf(p["grow"])), like_counter("free lost"),
            // The reclaimable half of slab is still available.
            p["grow"] == "slab" ? Size("available lost", Gt(0_B))
                                : like_counter("available lost"),
            Size("unexplained", kNear));
  const Oracle left = AllOf(Size("counter", kNear), Size("unexplained", kNear));
  return {
      {"grow it", &Machine::Grow, Row<Machine>(&Machine::LookAtGrown, grown),
       Is("sums hold", SumsHold, 1)},
      {"take it back", &Machine::TakeBack,
       Row<Machine>(&Machine::LookAtLeft, left)}};
}

const Register kMeminfoIdentity{
    {.id = "counters/meminfo_identity",
     .summary = "MemTotal is the sum of its parts, whichever of them grows",
     .claim = "Seed 1: memory observation: free + anon + file + slab + tables "
              "+ stacks … = total",
     .functions = "meminfo_proc_show, si_meminfo, si_mem_available, "
                  "account_kernel_stack, account_slab",
     .look_at = "counter is that of the kind; unexplained: memory that is used "
                "and counted nowhere; sums hold: meminfo's sums are those of "
                "its parts, and as in sysinfo(2)",
     .needs = {.alone = true},
     .params = {{"grow",
                 {"anon", "shmem", "file", "tables", "stacks", "slab"}}},
     .steps = Make,
     .metrics = {Metric::Size("unexplained", "grow it.unexplained")
                     .Within(1048576, "lists and caches of the kernel")}}};

}  // namespace
}  // namespace oomgate
