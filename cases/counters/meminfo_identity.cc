// SPDX-License-Identifier: Apache-2.0
// All memory is accounted for: whatever kind of it grows, its own counter and
// MemFree move by as much, and no RAM goes where no counter sees it.
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>

#include <cstdlib>

#include "cases/counters/file_pages.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 24_MiB;
constexpr int kThreads = 96;
constexpr Bytes kStack = 16_KiB;  // THREAD_SIZE of x86-64
constexpr int kFiles = 12000;
constexpr Bytes kLost = 1_MiB;
constexpr int kFreed = 10000;  // milliseconds

// RAM that no counter explains.
Bytes Unexplained() {
  Bytes known = PerCpuPages();
  for (const char* field :
       {"MemFree", "Buffers", "Cached", "SwapCached", "AnonPages", "Slab",
        "KernelStack", "PageTables", "SecPageTables", "Percpu", "Hugetlb"}) {
    const Bytes size = Meminfo(field);
    if (size > 0_B) known += size;  // some kernels do not have it
  }
  return Meminfo("MemTotal") - known;
}

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

// Whether those that are sums are the sums of their parts, and sysinfo(2) says
// the same.
bool SumsHold() {
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

Gate* gate = nullptr;
void* WaitAtGate(void*) {
  gate->Pass();
  return nullptr;
}

// Makes what the parameter says, calls `look`, takes it back.
template <typename Then>
void Grow(Trace& trace, std::string_view what, Then then) {
  if (what == "anon" || what == "tables") {
    const bool tables = what == "tables";
    const Range range = MapAnonymous(trace, tables ? kSize * 512 : kSize);
    if (tables) {
      ReadPages(trace, range, kHugePage);
    } else {
      WritePages(trace, range);
    }
    then();
    Unmap(trace, range);
  } else if (what == "shmem") {
    MapOptions options;
    options.flags = MAP_SHARED | MAP_ANONYMOUS;
    const Range range = MapAnonymous(trace, kSize, options);
    WritePages(trace, range);
    then();
    Unmap(trace, range);
  } else if (what == "file") {
    const int fd = OpenCleanFile(trace, kSize);
    then();
    close(fd);
  } else if (what == "stacks") {
    static pthread_t threads[kThreads];
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    Gate passes(trace);
    gate = &passes;
    for (pthread_t& one : threads) {
      const int error = pthread_create(&one, &small, WaitAtGate, nullptr);
      if (error != 0) trace.Stop("pthread_create", error);
    }
    then();
    for (int i = 0; i < kThreads; ++i) passes.Open();
    for (const pthread_t one : threads) pthread_join(one, nullptr);
  } else {  // slab
    static int fds[kFiles];
    const rlim_t most = kFiles + 64;
    const rlimit limit{most, most};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) trace.Stop("setrlimit", errno);
    for (int& fd : fds) {
      fd = eventfd(0, EFD_CLOEXEC);
      if (fd < 0) trace.Stop("eventfd", errno);
    }
    then();
    for (const int fd : fds) close(fd);
  }
}

const char* CounterOf(std::string_view what) {
  return what == "anon"     ? "AnonPages"
         : what == "tables" ? "PageTables"
         : what == "shmem"  ? "Shmem"
         : what == "file"   ? "Cached"
         : what == "stacks" ? "KernelStack"
                            : "Slab";
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  const char* const counter = CounterOf(p["grow"]);
  const Look warm_up(counter);
  const Look before(counter);
  Grow(trace, p["grow"], [&] {
    const Look now(counter);
    trace.Set("grown", now.counter - before.counter);
    trace.Set("free_lost", before.free - now.free);
    trace.Set("available_lost", before.available - now.available);
    trace.Set("unexplained", now.unexplained - before.unexplained);
    // Between two reads something may move.
    trace.Set("sums_hold", HoldsWithin(1000, SumsHold) ? 1 : 0);
  });
  // Tables, stacks and slabs are freed a moment later, and what moves between
  // two of the reads is seen twice, or not at all: until one look finds all as
  // it was.
  Look after(counter);
  const auto near = [](Bytes size) {
    return size >= 0_B - kLost && size <= kLost;
  };
  HoldsWithin(kFreed, [&] {
    after = Look(counter);
    return after.free - before.free >= 0_B - 2_MiB &&
           near(after.counter - before.counter) &&
           near(after.unexplained - before.unexplained);
  });
  trace.Set("left", after.counter - before.counter);
  trace.Set("unexplained_after", after.unexplained - before.unexplained);
}

Oracle Expect(const Params& p, const Facts&) {
  const std::string_view what = p["grow"];
  // What else the kernel needs for it: nodes of the page cache, stacks of
  // threads in user space, tables. Measured below 0.7 MiB.
  constexpr Bytes kBeside = 2_MiB;
  Oracle grown = Size("grown", Eq(kSize));
  if (what == "tables") {
    grown = Size("grown", Between(kSize, kSize + 64 * kPage));
  } else if (what == "anon") {
    grown = Size("grown", Between(kSize, kSize + 4 * kPage));
  } else if (what == "stacks") {
    grown = Size("grown", Eq(kThreads * kStack));
  } else if (what == "slab") {
    // Each of them: a file of 184 to 256 bytes, its dentry of 192, a context
    // of 48 or 64, and what the array of all of them wastes.
    grown = Size("grown", Between(kFiles * 424_B, kFiles * 640_B));
  }
  const auto like_grown = [&](const char* name) {
    return Difference(name, "grown", Between(-kLost.count, kBeside.count));
  };
  // Of slab the reclaimable half is still available.
  const Oracle available = what == "slab" ? Size("available_lost", Gt(0_B))
                                          : like_grown("available_lost");
  return AllOf(Survives(), Count("sums_hold", Eq(1)), grown,
               like_grown("free_lost"), available,
               Size("unexplained", Between(0_B - kLost, kLost)),
               Size("left", Between(0_B - kLost, kLost)),
               Size("unexplained_after", Between(0_B - kLost, kLost)));
}

const Register kMeminfoIdentity{
    {.id = "counters/meminfo_identity",
     .summary = "MemTotal is the sum of its parts, whichever of them grows",
     .explains =
         {.claim = "Seed 1: memory observation: free + anon + file + slab + "
                   "tables + stacks … = total",
          .deed = "grows one kind of memory and compares its counter, MemFree, "
                  "MemAvailable and what is left unexplained; compares the "
                  "sums in meminfo with their parts, and with sysinfo(2)",
          .functions = "meminfo_proc_show, si_meminfo, si_mem_available, "
                       "account_kernel_stack, account_slab",
          .look_at = "grown: the counter of that kind; unexplained: memory "
                     "that is used and counted nowhere"},
     .needs = {.alone = true},
     .params = {{"grow",
                 {"anon", "shmem", "file", "tables", "stacks", "slab"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "unexplained",
                  .better = Better::kLower,
                  .unit = "bytes",
                  .kind = Kind::kBounded,
                  .tolerance = 1048576,
                  .cause = "lists and caches of the kernel"}}}};

}  // namespace
}  // namespace oomgate
