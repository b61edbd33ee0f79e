// SPDX-License-Identifier: Apache-2.0
// Pages that a program puts into its own memory by userfaultfd count like those
// of faults: in RSS, page tables, files, and against the limit of the cgroup.
#include "oomgate/userfaultfd.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "cases/pages/tables.h"

namespace oomgate {
namespace {

constexpr std::int64_t kPages = 1000;
constexpr Bytes kSize = kPages * kPage;
constexpr Bytes kBox = 24_MiB;
constexpr Bytes kChunk = 64 * kPage;
// memcontrol.c: MEMCG_CHARGE_BATCH pages of a CPU.
constexpr Bytes kStock = 64 * kPage;

Range Source(Trace& trace, Bytes size) {
  const Range source = MapAnonymous(trace, size);
  for (Bytes at; at < size; at += kPage) source.start[at.count] = 7;
  return source;
}

void Counted(Trace& trace, const Facts& f) {
  MapCode();
  const Group group(f);
  const Range source = Source(trace, kSize);
  const Range range = pages::MapApart(trace, 2 * kSize, PROT_READ | PROT_WRITE);
  const Range zero = range.Part(0_B, kSize);
  const Range copied = range.Part(kSize, kSize);
  const int memfd = static_cast<int>(syscall(SYS_memfd_create, "filled", 0U));
  if (memfd < 0 || ftruncate(memfd, kSize.count) != 0) {
    trace.Stop("memfd", errno);
  }
  const Range file = MapAnonymous(trace, kSize, {.prot = PROT_NONE});
  if (mmap(file.start, static_cast<std::size_t>(kSize.count),
           PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memfd,
           0) == MAP_FAILED) {
    trace.Stop("mmap of a memfd", errno);
  }
  {
    // Runs once what will be measured, so that it faults in no page then.
    const Range first = MapAnonymous(trace, 2 * kPage);
    Userfaultfd filler(trace);
    filler.Register(first);
    filler.Zero(first.Part(0_B, kPage));
    filler.Copy(first.Part(kPage, kPage), source.start);
    group.Number("memory.current");
  }
  const Usage before = ReadUsage();
  {
    Userfaultfd filler(trace);
    filler.Register(range);
    filler.Register(file);
    trace.Set("zero.done", filler.Zero(zero));
    trace.Set("zero.tables", ReadUsage().page_tables - before.page_tables);
    trace.Set("zero.rss", ReadMapping(zero).rss);
    std::int64_t charged = group.Number("memory.current");
    trace.Set("copied.done", filler.Copy(copied, source.start));
    trace.Set("copied.charged", group.Number("memory.current") - charged);
    trace.Set("copied.again",
              filler.Copy(copied.Part(0_B, kPage), source.start));
    trace.Set("copied.zero_again", filler.Zero(copied.Part(0_B, kPage)));
    trace.Set("tables", ReadUsage().page_tables - before.page_tables);
    charged = group.Number("memory.current");
    trace.Set("file.done", filler.Copy(file, source.start));
    trace.Set("file.charged", group.Number("memory.current") - charged);
    trace.Set("file.rss", ReadMapping(file).rss);
    trace.Set("faults", ReadUsage().minor_faults - before.minor_faults);
  }
  trace.Set("copied.rss", ReadMapping(range).rss);
  struct stat of = {};
  fstat(memfd, &of);
  trace.Set("file.blocks", of.st_blocks);
  CountOther(source, 7);
  const std::int64_t faults = ReadUsage().minor_faults;
  trace.Set("wrong",
            CountOther(zero, 0) + CountOther(copied, 7) + CountOther(file, 7));
  trace.Set("faults_after", ReadUsage().minor_faults - faults);
  Unmap(trace, file);
  close(memfd);
}

void Beyond(Trace& trace, const Facts& f) {
  const Range source = Source(trace, kChunk);
  const Range range = MapAnonymous(trace, 2 * f.box);
  Userfaultfd filler(trace);
  filler.Register(range);
  for (Bytes at; at < range.size; at += kChunk) {
    const std::int64_t done = filler.Copy(range.Part(at, kChunk), source.start);
    trace.Add("written", done);
    if (done != kChunk.count) break;
  }
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  if (p["size"] == "beyond") {
    Beyond(trace, f);
  } else {
    Counted(trace, f);
  }
}

Oracle Expect(const Params& p, const Facts& f) {
  const Bytes stock = f.cpus * kStock;
  if (p["size"] == "beyond") {
    return AllOf(
        OomKilled(),
        Written(Between(f.box - kOwnAnon - 2 * kChunk - stock - 1_MiB, f.box)));
  }
  // Its page tables are charged as well.
  const auto charged = [=](const char* name) {
    return Size(name, Between(kSize - stock, kSize + 8 * kPage + stock));
  };
  return AllOf(
      Survives(),
      AllOf(Size("zero.done", Eq(kSize)), Size("zero.rss", Eq(0_B)),
            Size("zero.tables", Eq(pages::TablesFor(0_B, kPages, kPage)))),
      AllOf(Size("copied.done", Eq(kSize)), Size("copied.rss", Eq(kSize)),
            charged("copied.charged"), Count("copied.again", Eq(-EEXIST)),
            Count("copied.zero_again", Eq(-EEXIST)),
            Size("tables", Eq(pages::TablesFor(0_B, 2 * kPages, kPage)))),
      AllOf(Size("file.done", Eq(kSize)), Size("file.rss", Eq(kSize)),
            charged("file.charged"),
            Count("file.blocks", Eq(kSize.count / 512))),
      Count("faults", Eq(0)), Count("wrong", Eq(0)),
      Count("faults_after", Eq(0)));
}

const Register kUserfaultfd{
    {.id = "pages/userfaultfd",
     .summary = "pages put in place by userfaultfd count as if faulted in",
     .explains =
         {.claim = "Seed 1: what counts as RSS, page tables, charge; "
                   "ioctl_userfaultfd(2): UFFDIO_COPY, UFFDIO_ZEROPAGE",
          .deed = "fills 1000 pages each of private memory with zeroes and "
                  "bytes, and a memfd; or more than its cgroup may have",
          .functions = "mfill_atomic, mfill_atomic_pte_copy, "
                       "mfill_atomic_pte_zeropage, shmem_mfill_atomic_pte",
          .look_at = "…done is bytes or a negative errno; …charged what "
                     "memory.current grew by; faults that were none"},
     .blast = Blast::kCgroup,
     .needs = {.memory = kBox, .cgroup = 2},
     .params = {{"size", {"counted", "beyond"}}},
     .probe = WhyNoUserfaultfd,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
