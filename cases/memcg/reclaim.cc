// SPDX-License-Identifier: Apache-2.0
// memory.reclaim takes at least what it is asked for, or says that it could
// not; what cannot be reclaimed, it leaves; it is no event, and nobody dies.
#include "cases/memcg/disk.h"
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr Bytes kFile = 8_MiB;
constexpr Bytes kAnon = 2_MiB;

struct Held : Scene {
  int disk = OpenDisk(trace);
  GroupInBox group{trace, f};
  Member holder{trace};

  Bytes Current() const { return Bytes{group.Number("memory.current")}; }
  void Hold() {
    holder.RunToPause(group, [&] {
      WritePages(trace, MapAnonymous(trace, kAnon));
      ReadDisk(trace, 0_B, kFile);
      holder.Pause();
    });
  }
  int AskForSome() const {
    const Bytes before = Current();
    const int error = group.Write("memory.reclaim", 2_MiB);
    Set("taken", before - Current());
    return error;
  }
  bool HolderLives() const { return holder.Lives(); }
  std::int64_t Events() const {
    std::int64_t events = 0;
    for (const char* event : {"low", "high", "max", "oom", "oom_kill"}) {
      events += group.Field("memory.events", event);
    }
    return events;
  }
};

auto Ask(auto value) {
  return [=](Held& h) { return h.group.Write("memory.reclaim", value); };
}

Steps<Held> Make(const Params&, const Facts& f) {
  const Bytes slack = 96 * kPage + ChargeStock(f);
  const auto about = [=](Bytes size) { return Between(size, size + slack); };
  return {{"write 2 MiB, read 8 of a disk", &Held::Hold,
           Is("current", &Held::Current, about(kFile + kAnon))},
          {"ask for 2 MiB", &Held::AskForSome,
           Size("taken", Between(2_MiB, 4_MiB))},
          {"ask for what is no number", Ask("much"), Refused(EINVAL)},
          {"ask for twice as much as there was", Ask(2 * (kFile + kAnon)),
           Refused(EAGAIN), Is("current", &Held::Current, about(kAnon))},
          {"ask for 2 MiB of what is left", Ask(2_MiB), Refused(EAGAIN),
           Soon("file", Stat(&Held::group, "file"), 0_B),
           Is("anon", Stat(&Held::group, "anon"), about(kAnon)),
           Is("events", &Held::Events, 0),
           Is("holder lives", &Held::HolderLives, 1), Count("oom_kills", 0)}};
}

const Register kReclaim{
    {.id = "memcg/reclaim",
     .summary = "memory.reclaim takes what it is asked for, or says EAGAIN",
     .claim = "admin-guide/cgroup-v2: memory.reclaim; seed 1: observing memory",
     .functions = "memory_reclaim, try_to_free_mem_cgroup_pages",
     .blast = Blast::kCgroup,
     .needs = DiskWithoutSwap(),
     .probe = WhyNoPeakNorReclaim,
     .steps = Make,
     .metrics = {Metric::Size("taken", "ask for 2 MiB.taken")
                     .Within(2 << 20, "reclaim works in batches")}}};

}  // namespace
}  // namespace oomgate
