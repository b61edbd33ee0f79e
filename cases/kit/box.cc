// SPDX-License-Identifier: Apache-2.0
// The box as the judge sees it: reading a cgroup's or the machine's counters.
#include "cases/kit/box.h"

#include <fcntl.h>
#include <unistd.h>

#include "oomgate/usage.h"

namespace oomgate {
BoxView::BoxView(std::string_view text) {
  constexpr std::string_view kCgroup = "cgroup:";
  if (text == "machine") {
    contains_ = Blast::kMachine;
  } else if (text.starts_with(kCgroup)) {
    contains_ = Blast::kCgroup;
    folder_ = text.substr(kCgroup.size());
    cgroup_ = access((folder_ + "/memory.max").c_str(), F_OK) == 0 ? 2 : 1;
  }
}

Bytes BoxView::Limit() const {
  if (cgroup_ == 0) return Meminfo("MemTotal");
  const std::string file =
      cgroup_ == 2 ? "/memory.max" : "/memory.limit_in_bytes";
  return Bytes{NumberIn((folder_ + file).c_str())};
}

std::int64_t BoxView::OomKills() const {
  if (cgroup_ == 0) return Vmstat("oom_kill");
  const std::string file =
      cgroup_ == 2 ? "/memory.events" : "/memory.oom_control";
  return FieldIn((folder_ + file).c_str(), "oom_kill");
}

Bytes BoxView::Peak() const {
  const std::string file =
      cgroup_ == 2 ? "/memory.peak" : "/memory.max_usage_in_bytes";
  return cgroup_ == 0 ? Bytes{-1} : Bytes{NumberIn((folder_ + file).c_str())};
}

Bytes BoxView::Charge() const {
  if (cgroup_ == 0) return {};
  const std::string stat = folder_ + "/memory.stat";
  if (cgroup_ == 1) {
    return Bytes{NumberIn((folder_ + "/memory.usage_in_bytes").c_str()) -
                 FieldIn(stat.c_str(), "cache")};
  }
  return Bytes{NumberIn((folder_ + "/memory.current").c_str()) -
               FieldIn(stat.c_str(), "file") - FieldIn(stat.c_str(), "slab")};
}

Bytes BoxView::Free() const {
  if (cgroup_ == 0) return Meminfo("MemFree");
  const std::string file =
      cgroup_ == 2 ? "/memory.current" : "/memory.usage_in_bytes";
  return Limit() - Bytes{NumberIn((folder_ + file).c_str())};
}

bool BoxView::Enter() const {
  if (cgroup_ == 0) return true;
  const int fd =
      open((folder_ + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool entered = write(fd, "0", 1) == 1;
  close(fd);
  return entered;
}

}  // namespace oomgate
