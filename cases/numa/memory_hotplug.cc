// SPDX-License-Identifier: Apache-2.0
// A block of memory that goes offline is gone from MemTotal, and so from every
// limit that is computed of it; it all comes back with the block.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr const char* kBlocks = "/sys/devices/system/memory";
constexpr int kMostBlocks = 64;

int SetState(int block, const char* state) {
  char path[64];
  std::snprintf(path, sizeof path, "%s/memory%d/state", kBlocks, block);
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const ssize_t length = static_cast<ssize_t>(std::strlen(state));
  const int error =
      write(fd, state, static_cast<std::size_t>(length)) == length ? 0 : errno;
  close(fd);
  return error;
}

Bytes BlockSize() {
  char text[32] = "";
  char path[64];
  std::snprintf(path, sizeof path, "%s/block_size_bytes", kBlocks);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  (void)!read(fd, text, sizeof text - 1);
  close(fd);
  return Bytes{std::strtoll(text, nullptr, 16)};
}

void Leave(Trace& trace, const char* when, const Facts& f) {
  const auto set = [&](const char* what, Bytes size) {
    char name[48];
    std::snprintf(name, sizeof name, "%s.%s", when, what);
    trace.Set(name, size);
  };
  set("total", Meminfo("MemTotal"));
  set("node", NodeMeminfo(0, "MemTotal"));
  set("limit", Meminfo("CommitLimit"));
  set("map", LargestMap(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                        2 * f.ram));
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  trace.Set("block", BlockSize());
  Leave(trace, "before", f);
  // Which one holds nothing that cannot be moved is for the kernel to say.
  int offline = kMostBlocks;
  int error = ENODEV;
  while (error != 0 && offline > 0) error = SetState(--offline, "offline");
  if (error != 0) trace.Stop("taking any block of memory offline", error);
  trace.Set("offline", offline);
  Leave(trace, "without", f);
  if ((error = SetState(offline, "online")) != 0) {
    trace.Stop("taking the block online again", error);
  }
  Leave(trace, "after", f);
}

// In pages, as the kernel computes it: vm_commit_limit in mm/util.c.
Bytes LimitOf(Bytes total) { return (total / kPage) * 50 / 100 * kPage; }

Oracle Expect(const Params&, const Facts& f) {
  const auto stage = [](const std::string& when, Bytes total) {
    // Since 5.2 mode 0 refuses only what is beyond all memory
    // (8c7829b04c52).
    return AllOf(Size(when + ".total", Eq(total)),
                 Size(when + ".node", Eq(total)),
                 Size(when + ".limit", Eq(LimitOf(total))),
                 Size(when + ".map", Eq(total)));
  };
  const Bytes block = BlockSize();
  return AllOf(Survives(), Size("block", Gt(0_B)), stage("before", f.ram),
               stage("without", f.ram - block), stage("after", f.ram));
}

std::string Probe(const Params&, const Facts&) {
  return BlockSize() > 0_B ? "" : "this kernel has no memory hotplug";
}

const Register kMemoryHotplug{
    {.id = "numa/memory_hotplug",
     .summary = "memory that goes offline leaves every limit, to the page",
     .explains =
         {.claim =
              "numa.memory_hotplug: MemTotal, CommitLimit and the limit of "
              "mode 0 follow memory; admin-guide/mm/memory-hotplug",
          .deed = "takes a block of memory offline and online again, and looks "
                  "at MemTotal, CommitLimit and the largest mapping",
          .functions = "offline_pages, adjust_managed_page_count, "
                       "vm_commit_limit, __vm_enough_memory",
          .look_at = "the first field that did not follow; offline is the "
                     "number of the block"},
     .blast = Blast::kMachine,
     .needs = {.memory = 512_MiB,
               .no_swap = true,
               .alone = true,
               .settings = {{"/proc/sys/vm/overcommit_memory", "0"},
                            {"/proc/sys/vm/overcommit_ratio", "50"}}},
     .probe = Probe,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
