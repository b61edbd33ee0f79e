// SPDX-License-Identifier: Apache-2.0
// What a machine does that nobody tuned: the kernel's own values of the knobs
// that decide about memory.
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <cmath>

#include "oomgate/case.h"

namespace oomgate {
namespace {

// Constants of the kernel's source; none of its options changes them.
struct Default {
  const char* path;
  std::int64_t value;
};
constexpr Default kDefaults[] = {
    {"/proc/sys/vm/swappiness", 60},               // mm/vmscan.c
    {"/proc/sys/vm/page-cluster", 3},              // swap_setup: from 16 MiB on
    {"/proc/sys/vm/max_map_count", 65530},         // DEFAULT_MAX_MAP_COUNT
    {"/proc/sys/vm/oom_dump_tasks", 1},            // mm/oom_kill.c
    {"/proc/sys/vm/oom_kill_allocating_task", 0},  //
    {"/proc/sys/vm/panic_on_oom", 0},              //
    {"/proc/sys/vm/overcommit_memory", 0},         // mm/util.c
    {"/proc/sys/vm/overcommit_ratio", 50},         //
    {"/proc/sys/vm/overcommit_kbytes", 0},         //
    {"/proc/sys/vm/watermark_scale_factor", 10},   // mm/page_alloc.c
    {"/proc/sys/vm/watermark_boost_factor", 15000},
    {"/proc/sys/vm/lowmem_reserve_ratio", 256},  // the first, of DMA
    {"/proc/sys/vm/dirty_ratio", 20},            // mm/page-writeback.c
    {"/proc/sys/vm/dirty_background_ratio", 10},
    {"/proc/sys/vm/vfs_cache_pressure", 100},  // fs/dcache.c
    {"/proc/sys/kernel/shmmni", 4096},         // linux/shm.h
    {"/proc/sys/fs/pipe-max-size", 1 << 20},   // fs/pipe.c
    {"/proc/sys/fs/pipe-user-pages-soft", 16384},
};

struct Machine : Scene {
  struct statvfs tmpfs = {};

  std::int64_t Blocks() const {
    return static_cast<std::int64_t>(tmpfs.f_blocks);
  }
  std::int64_t Inodes() const {
    return static_cast<std::int64_t>(tmpfs.f_files);
  }

  void MountTmpfs() {
    constexpr const char* kFolder = "/tmp/oomgate-tmpfs";
    mkdir(kFolder, 0700);
    Must(trace, "mount of tmpfs",
         mount("oomgate", kFolder, "tmpfs", 0, nullptr));
    statvfs(kFolder, &tmpfs);
    umount2(kFolder, MNT_DETACH);
    rmdir(kFolder);
  }
};

// SHMMAX and SHMALL: larger than a signed number holds.
Row<Machine> Unlimited(const std::string& name) {
  const std::string path = "/proc/sys/kernel/" + name;
  return {name + " unlimited",
          [path] {
            FILE* const file = std::fopen(path.c_str(), "re");
            if (file == nullptr) return false;
            unsigned long value = 0;
            const bool read = std::fscanf(file, "%lu", &value) == 1;
            std::fclose(file);
            return read && value == ~0UL - (1UL << 24);
          },
          1};
}

Steps<Machine> Make(const Params&, const Facts& f) {
  Rows<Machine> knobs = {Unlimited("shmmax"), Unlimited("shmall")};
  for (const Default& one : kDefaults) {
    knobs.push_back({std::strrchr(one.path, '/') + 1,
                     [path = one.path] { return NumberIn(path); }, one.value});
  }
  const auto kilobytes = [](const char* knob) {
    return [=] { return kVmKnobs.Number(knob) * 1_KiB; };
  };
  // They are computed at boot, of what was free: less than RAM by the kernel's
  // own structures, the greater part of a thirtieth.
  const Bytes most = f.ram;
  // What the initramfs takes is not free yet: this program, packed or not.
  const Bytes least = f.ram * 15 / 16 - 16_MiB;
  const auto root = [](Bytes size) {  // int_sqrt(kB * 16), in kB
    const auto kb = static_cast<double>(size / 1_KiB);
    return static_cast<std::int64_t>(std::sqrt(kb * 16)) * 1_KiB;
  };
  const std::int64_t half = f.ram / kPage / 2;
  return {
      {"read constants", [] {}, knobs},
      // init_admin_reserve, init_user_reserve, calculate_min_free_kbytes
      {"read what boot computed", [] {},
       Is("admin reserve", kilobytes("admin_reserve_kbytes"), 8_MiB),
       Is("user reserve", kilobytes("user_reserve_kbytes"),
          Between(least / 32, most / 32)),
       Is("min free", kilobytes("min_free_kbytes"),
          Between(root(least), root(most)))},
      // shmem_default_max_blocks
      {"mount a tmpfs without a limit", &Machine::MountTmpfs,
       Is("blocks", &Machine::Blocks, half),
       Is("inodes", &Machine::Inodes, half)},
  };
}

const Register kBootDefaults{
    {.id = "counters/boot_defaults",
     .summary = "what nobody tuned has the documented value",
     .claim = "Documentation/admin-guide/sysctl/vm and kernel: defaults; "
              "Documentation/filesystems/tmpfs: half of the RAM",
     .functions = "init_user_reserve, init_admin_reserve, "
                  "init_per_zone_wmark_min, shmem_default_max_blocks",
     .look_at = "a knob whose value is another one: the kernel's, or a patch "
                "of the distribution's",
     .suite = Suite::kQuick,
     .blast = Blast::kMachine,
     // The admin's reserve is at its cap, and THP, which asks for more free
     // memory, is off by itself.
     .needs = {.memory = 512_MiB},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
