// SPDX-License-Identifier: Apache-2.0
// A ledger of steps: what a subject does one after the other, each with the
// pages by which Committed_AS must rise, exactly. What one step wrongly keeps
// or gives back shows at that step. Committed_AS is exact since 5.9.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "cases/overcommit/room.h"
#include "oomgate/case.h"

namespace oomgate {

// The size of most objects, in pages: 5 MiB. No power of two, and larger than
// the batches that a CPU may hold back.
inline constexpr std::int64_t kObject = 1280;

// What the steps work on: places that they leave for each other.
struct ChargeScene {
  Trace& trace;
  char* a = nullptr;
  char* b = nullptr;
  int fd = -1;
  int id = -1;
  pid_t child = -1;
  // Pages that the step counted itself; its charge is told less these.
  std::int64_t counted = 0;

  void Must(bool done, const char* what) {
    if (!done) trace.Stop(what, errno);
  }
  // A free hole with a guard on either side that nothing merges with.
  char* Hole(std::int64_t pages) {
    constexpr std::int64_t kGuard = 512;
    void* at = mmap(nullptr, Pages(pages + 2 * kGuard), PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    Must(at != MAP_FAILED, "mmap of a hole");
    return static_cast<char*>(at) + Pages(kGuard);
  }
  char* MapAt(char* at, std::int64_t pages, int prot, int flags, int file = -1,
              off_t offset = 0) {
    if (file < 0) flags |= MAP_ANONYMOUS;
    void* got = mmap(at, Pages(pages), prot, flags | MAP_FIXED, file, offset);
    Must(got != MAP_FAILED, "mmap");
    return static_cast<char*>(got);
  }
  char* Map(std::int64_t pages, int prot, int flags, int file = -1) {
    return MapAt(Hole(pages), pages, prot, flags, file);
  }
  void Unmap(char* at, std::int64_t pages) {
    Must(munmap(at, Pages(pages)) == 0, "munmap");
  }
  void Protect(char* at, std::int64_t pages, int prot) {
    Must(mprotect(at, Pages(pages), prot) == 0, "mprotect");
  }
  char* Remap(char* at, std::int64_t from, std::int64_t to, int flags,
              char* target = nullptr) {
    void* got = mremap(at, Pages(from), Pages(to), flags, target);
    Must(got != MAP_FAILED, "mremap");
    return static_cast<char*>(got);
  }
  void Touch(char* at, std::int64_t pages) {
    for (std::int64_t i = 0; i < pages; ++i) {
      *static_cast<volatile char*>(at + Pages(i)) = 1;
    }
  }
  void Read(const char* at, std::int64_t pages) {
    for (std::int64_t i = 0; i < pages; ++i) {
      (void)*static_cast<const volatile char*>(at + Pages(i));
    }
  }
  void CloseFile() {
    close(fd);
    fd = -1;
  }
};

struct ChargeStep {
  std::string name;
  std::int64_t pages;
  void (*deed)(ChargeScene&);
};
using ChargeSteps = std::vector<ChargeStep>;

inline void RunSteps(Trace& trace, const ChargeSteps& steps) {
  GrowStack<512 << 10>();
  ChargeScene scene{.trace = trace};
  std::int64_t before = CommittedPages();
  for (const ChargeStep& step : steps) {
    scene.counted = 0;
    step.deed(scene);
    const std::int64_t now = CommittedPages();
    trace.Set(step.name.c_str(), now - before - scene.counted);
    before = now;
  }
}

inline Oracle StepsHold(const ChargeSteps& steps) {
  std::vector<Oracle> all = {Survives()};
  for (const ChargeStep& step : steps) {
    all.push_back(Count(step.name, Eq(step.pages)));
  }
  return AllOf(all);
}

inline int Mode(const Params& p) { return static_cast<int>(p.Number("mode")); }

inline void AdjustMode(const Params& p, InstanceInfo& instance) {
  instance.needs.settings = {
      {"/proc/sys/vm/overcommit_memory", std::string(p["mode"])}};
  // One guest more, for the mode that most run in.
  if (Mode(p) == 0) instance.suite = Suite::kQuick;
}

}  // namespace oomgate
