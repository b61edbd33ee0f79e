// SPDX-License-Identifier: Apache-2.0
// Makes a bare guest the place that the orders ask for.
#include "runner/guest/setup.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <ctime>

#include "runner/launch/file.h"

namespace oomgate {
namespace {

void Mount(const char* type, const char* folder, const char* options = "") {
  mkdir(folder, 0755);
  mount(type, folder, type, 0, options);
}

void LoadModule(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) != 0) {
    Say("cannot load " + path + ": " + std::strerror(errno));
  }
  if (fd >= 0) close(fd);
}

// A swap area's header, as mkswap writes it: version 1, last page, magic.
bool WriteSwapHeader(int fd, off_t bytes) {
  constexpr std::size_t kPage = 4096;
  static char page[kPage];
  const std::uint32_t header[] = {
      1, static_cast<std::uint32_t>(bytes / static_cast<off_t>(kPage)) - 1};
  std::memcpy(page + 1024, header, sizeof header);
  std::memcpy(page + kPage - 10, "SWAPSPACE2", 10);
  return pwrite(fd, page, kPage, 0) == static_cast<ssize_t>(kPage) &&
         fsync(fd) == 0;
}

// The driver finds its disk a moment after it was loaded.
int OpenDisk(const std::string& path) {
  int fd = -1;
  for (int i = 0; i < 500 && fd < 0; ++i) {
    fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) poll(nullptr, 0, 10);
  }
  return fd;
}

void SwapOn(const std::string& device, Bytes size) {
  if (device.starts_with("zram")) {
    WriteFile("/sys/block/" + device + "/disksize", std::to_string(size.count));
  }
  const std::string path = "/dev/" + device;
  const int fd = OpenDisk(path);
  const off_t bytes = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
  if (bytes < 40960 || !WriteSwapHeader(fd, bytes) ||
      swapon(path.c_str(), 0) != 0) {
    Say("cannot swap on " + path + ": " + std::strerror(errno));
  }
  if (fd >= 0) close(fd);
}

void NameDisk(const std::string& device) {
  const std::string path = "/dev/" + device;
  const int fd = OpenDisk(path);
  if (fd < 0 || symlink(path.c_str(), kScratchDisk) != 0) {
    Say("no scratch disk " + path + ": " + std::strerror(errno));
  }
  if (fd >= 0) close(fd);
}

std::string MountController(int version) {
  if (version == 2) {
    Mount("cgroup2", "/sys/fs/cgroup");
    return ReadFile("/sys/fs/cgroup/cgroup.controllers").find("memory") ==
                   std::string::npos
               ? ""
               : "/sys/fs/cgroup";
  }
  Mount("tmpfs", "/sys/fs/cgroup");
  mkdir("/sys/fs/cgroup/memory", 0755);
  return mount("cgroup", "/sys/fs/cgroup/memory", "cgroup", 0, "memory") == 0
             ? "/sys/fs/cgroup/memory"
             : "";
}

}  // namespace

void Say(const std::string& text) {
  // Without the line break it would wait for the next message.
  WriteFile("/dev/kmsg", "oomgate: " + text + "\n");
}

void MountBasics() {
  Mount("proc", "/proc");
  Mount("sysfs", "/sys");
  Mount("devtmpfs", "/dev");
  Mount("tmpfs", "/tmp");
  // From here on the console shows what goes wrong; the boot was quiet.
  constexpr int kSetConsoleLevel = 8;
  klogctl(kSetConsoleLevel, nullptr, 8);
}

std::string PrepareShape(const GuestOrders& orders) {
  // Every OOM of a case belongs into the log, and reading it must not fail.
  WriteFile("/proc/sys/kernel/printk_devkmsg", "on");
  for (const std::string& module : orders.modules) LoadModule(module);
  return MountController(orders.cgroup);
}

void PrepareInstance(const GuestOrders& orders) {
  if (!orders.swap.empty()) SwapOn(orders.swap, orders.swap_size);
  if (!orders.disk.empty()) NameDisk(orders.disk);
  for (const Setting& setting : orders.settings) {
    if (!WriteFile(setting.path, setting.value)) {
      Say("cannot set " + setting.path + ": " + std::strerror(errno));
    }
  }
}

void AwaitCommonTime() {
  if (ReadFile("/proc/cmdline").find(" oomgate.instruction_ns=") ==
      std::string::npos) {
    return;
  }
  constexpr time_t kEvery = 30;  // seconds: later than any guest is ready
  timespec moment = {};
  clock_gettime(CLOCK_MONOTONIC, &moment);
  moment = {.tv_sec = (moment.tv_sec / kEvery + 1) * kEvery, .tv_nsec = 0};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, nullptr);
}

}  // namespace oomgate
