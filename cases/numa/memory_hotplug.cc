// SPDX-License-Identifier: Apache-2.0
// Memory that goes offline leaves MemTotal, and every limit computed of it.
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr KernelFolder kBlocks("/sys/devices/system/memory");
int SetState(int block, const char* state) {
  char file[32];
  std::snprintf(file, sizeof file, "memory%d/state", block);
  return kBlocks.Write(file, state);
}

Bytes BlockSize() {
  char text[32] = "";
  const int fd = open(kBlocks.PathOf("block_size_bytes").text, O_RDONLY);
  (void)!read(fd, text, sizeof text - 1);
  close(fd);
  return {std::strtoll(text, nullptr, 16)};
}

struct Hotplug : Scene {
  int block = 64;  // the first that is not asked for

  // Which one holds nothing that cannot be moved is for the kernel to say.
  int TakeOffline() {
    int error = ENODEV;
    while (error != 0 && block > 0) error = SetState(--block, "offline");
    Set("block", block);
    return error;
  }
  int TakeOnline() const { return SetState(block, "online"); }
  Bytes LargestMapping() const {
    return LargestMap(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                      2 * f.ram);
  }
};

Row<Hotplug> AllFollow(Bytes total) {
  return Rows<Hotplug>{
      {"total", [] { return Meminfo("MemTotal"); }, total},
      {"node", [] { return NodeMeminfo(0, "MemTotal"); }, total},
      // In pages, as the kernel computes it: vm_commit_limit in mm/util.c.
      {"limit", [] { return Meminfo("CommitLimit"); },
       (total / kPage) * 50 / 100 * kPage},
      // Since 5.2 mode 0 refuses only what is beyond all memory (8c7829b04c52).
      {"map", &Hotplug::LargestMapping, total}};
}

Steps<Hotplug> Make(const Params&, const Facts& f) {
  return {StepOf<Hotplug>(
              "look at all memory", [] {}, Is("block size", BlockSize, Gt(0_B)),
              AllFollow(f.ram))
              .HoldsWithout("it only reads"),
          {"take a block offline", &Hotplug::TakeOffline,
           AllFollow(f.ram - BlockSize())},
          {"take it online again", &Hotplug::TakeOnline, AllFollow(f.ram)}};
}

std::string Probe(const Params&, const Facts&) {
  return BlockSize() > 0_B ? "" : "this kernel has no memory hotplug";
}

const Register kMemoryHotplug{
    {.id = "numa/memory_hotplug",
     .summary = "memory that goes offline leaves every limit, to the page",
     .claim = "numa.memory_hotplug; admin-guide/mm/memory-hotplug",
     .functions = "offline_pages, adjust_managed_page_count, vm_commit_limit",
     .blast = Blast::kMachine,
     .needs = {.memory = 512_MiB,
               .no_swap = true,
               .alone = true,
               .settings = {kVmKnobs.With("overcommit_memory", "0"),
                            kVmKnobs.With("overcommit_ratio", "50")}},
     .probe = Probe,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
