// SPDX-License-Identifier: Apache-2.0
// memory.peak is the most that memory.current ever was; since 6.12 a write
// starts anew, for the descriptor that wrote and for no other.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kFirst = 6_MiB;
constexpr Bytes kSecond = 3_MiB;

std::int64_t ReadOf(int fd) {
  char text[32] = {};
  if (pread(fd, text, sizeof text - 1, 0) <= 0) return -1;
  return std::atoll(text);
}

void Use(Trace& trace, Bytes size) {
  const Range range = MapAnonymous(trace, size);
  WritePages(trace, range);
  Unmap(trace, range);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  group.Enter(trace);
  char path[256];
  std::snprintf(path, sizeof path, "%s/memory.peak", group.folder());
  const std::int64_t start = group.Number("memory.current");
  trace.Set("new", group.Number("memory.peak") - start);
  Use(trace, kFirst);
  const std::int64_t peak = group.Number("memory.peak");
  trace.Set("first", peak - start);
  HoldsWithin(5000, [&] {
    return group.Number("memory.current") - start <= (512_KiB).count;
  });
  trace.Set("kept", group.Number("memory.peak") - peak);
  trace.Set("above", box.box().Number("memory.peak") >= peak);

  const int one = open(path, O_RDWR | O_CLOEXEC);
  trace.Set("open_errno", one < 0 ? errno : 0);
  const int other = open(path, O_RDONLY | O_CLOEXEC);
  trace.Set("write_errno", write(one, "reset", 5) == 5 ? 0 : errno);
  trace.Set("reset", ReadOf(one) - start);
  trace.Set("other", ReadOf(other) - peak);
  trace.Set("again", group.Number("memory.peak") - peak);
  Use(trace, kSecond);
  trace.Set("reset_second", ReadOf(one) - start);
  trace.Set("other_second", ReadOf(other) - peak);
  close(one);
  close(other);
  trace.Set("closed", group.Number("memory.peak") - peak);
  Use(trace, kFirst + kSecond);
  trace.Set("higher", group.Number("memory.peak") - start);
  box.self().Enter(trace);
  group.Remove(trace);
}

std::string Probe(const Params&, const Facts& f) {
  return f.kernel < KernelVersion{5, 19} ? "memory.peak came with 5.19" : "";
}

Oracle Expect(const Params&, const Facts& f) {
  const Bytes stock = 64 * f.cpus * kPage;
  const Bytes slack = 16 * kPage + stock;  // page tables
  // The start may have been charged ahead.
  const auto near = [=](Bytes size) {
    return Between(size - stock, size + slack);
  };
  const Oracle always = AllOf(
      Survives(), Size("new", Between(0_B, stock)), Size("first", near(kFirst)),
      Size("kept", Eq(0_B)), Count("above", Eq(1)), Size("other", Eq(0_B)),
      Size("again", Eq(0_B)), Size("other_second", Eq(0_B)),
      Size("closed", Eq(0_B)), Size("higher", near(kFirst + kSecond)));
  // Writing came with 6.12 (c6f53ed8f213).
  if (f.kernel < KernelVersion{6, 12}) {
    return AllOf(always, Count("write_errno", Eq(EINVAL)));
  }
  return AllOf(always, Count("open_errno", Eq(0)), Count("write_errno", Eq(0)),
               Size("reset", Le(512_KiB)), Size("reset_second", near(kSecond)));
}

const Register kPeak{
    {.id = "memcg/peak",
     .summary = "memory.peak: the high-water mark, reset for one reader only",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: memory.peak "
                           "(cgroup.peak_reset); seed 1: observing memory",
                  .deed = "uses and frees memory in a group of its own, and "
                          "reads the mark by two descriptors, one of them "
                          "reset",
                  .functions = "page_counter_try_charge, peak_show, peak_write",
                  .look_at = "first and higher are the marks above the start; "
                             "reset* are of the descriptor that was reset"},
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .probe = Probe,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
