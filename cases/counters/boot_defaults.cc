// SPDX-License-Identifier: Apache-2.0
// What a machine does that nobody tuned: the kernel's own values of the knobs
// that decide about memory.
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstring>

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

const char* NameOf(const Default& one) {
  return std::strrchr(one.path, '/') + 1;
}

// Larger than a signed number holds.
bool IsUnlimited(const char* path) {
  FILE* file = std::fopen(path, "re");
  if (file == nullptr) return false;
  unsigned long value = 0;
  const bool read = std::fscanf(file, "%lu", &value) == 1;
  std::fclose(file);
  return read && value == ~0UL - (1UL << 24);  // SHMMAX, SHMALL
}

// Of a tmpfs that is mounted without a limit.
void LeaveTmpfs(Trace& trace) {
  constexpr const char* kFolder = "/tmp/oomgate-tmpfs";
  mkdir(kFolder, 0700);
  if (mount("oomgate", kFolder, "tmpfs", 0, nullptr) != 0) {
    trace.Stop("mount of tmpfs", errno);
  }
  struct statvfs tmpfs = {};
  statvfs(kFolder, &tmpfs);
  umount2(kFolder, MNT_DETACH);
  rmdir(kFolder);
  trace.Set("tmpfs_size", static_cast<std::int64_t>(tmpfs.f_blocks) * kPage);
  trace.Set("tmpfs_inodes", static_cast<std::int64_t>(tmpfs.f_files));
}

void Subject(Trace& trace, const Params&, const Facts&) {
  for (const Default& one : kDefaults) {
    trace.Set(NameOf(one), NumberIn(one.path));
  }
  trace.Set("shmmax_unlimited", IsUnlimited("/proc/sys/kernel/shmmax") ? 1 : 0);
  trace.Set("shmall_unlimited", IsUnlimited("/proc/sys/kernel/shmall") ? 1 : 0);
  const auto size = [&](const char* name, const char* path) {
    trace.Set(name, NumberIn(path) * 1_KiB);
  };
  size("admin_reserve", "/proc/sys/vm/admin_reserve_kbytes");
  size("user_reserve", "/proc/sys/vm/user_reserve_kbytes");
  size("min_free", "/proc/sys/vm/min_free_kbytes");
  LeaveTmpfs(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  Oracle all = Survives();
  for (const Default& one : kDefaults) {
    all = AllOf(all, Count(NameOf(one), Eq(one.value)));
  }
  // They are computed at boot, of what was free: less than RAM by the kernel's
  // own structures, the greater part of a thirtieth.
  const Bytes most = f.ram;
  const Bytes least = f.ram * 15 / 16;
  const auto root = [](Bytes size) {  // int_sqrt(kB * 16), in kB
    const auto kb = static_cast<double>(size / 1_KiB);
    return static_cast<std::int64_t>(std::sqrt(kb * 16)) * 1_KiB;
  };
  return AllOf(all, Count("shmmax_unlimited", Eq(1)),
               Count("shmall_unlimited", Eq(1)),
               // init_user_reserve, init_admin_reserve,
               // calculate_min_free_kbytes, shmem_default_max_blocks
               Size("admin_reserve", Eq(8_MiB)),
               Size("user_reserve", Between(least / 32, most / 32)),
               Size("min_free", Between(root(least), root(most))),
               Size("tmpfs_size", Eq(f.ram / kPage / 2 * kPage)),
               Count("tmpfs_inodes", Eq(f.ram / kPage / 2)));
}

const Register kBootDefaults{
    {.id = "counters/boot_defaults",
     .summary = "what nobody tuned has the documented value",
     .explains =
         {.claim = "Documentation/admin-guide/sysctl/vm and kernel: defaults; "
                   "Documentation/filesystems/tmpfs: half of the RAM",
          .deed = "reads each knob, and the size of a tmpfs that got none, on "
                  "a machine that was just booted",
          .functions = "init_user_reserve, init_admin_reserve, "
                       "init_per_zone_wmark_min, shmem_default_max_blocks",
          .look_at = "a knob whose value is another one: the kernel's, or a "
                     "patch of the distribution's"},
     .suite = Suite::kQuick,
     .blast = Blast::kMachine,
     // The admin's reserve is at its cap, and THP, which asks for more free
     // memory, is off by itself.
     .needs = {.memory = 512_MiB},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
