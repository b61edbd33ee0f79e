// SPDX-License-Identifier: Apache-2.0
// A page is charged where it was first touched and stays charged there: a
// process that moves takes nothing along, a group that is removed leaves its
// pages to its parent, and whoever frees them gives them back.
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr Bytes kAnon = 3_MiB;
constexpr Bytes kFile = 2_MiB;
constexpr Bytes kLater = 1_MiB;
// The member's stack and data, copied when it wrote them first.
constexpr Bytes kOwn = 32 * kPage;

struct Groups : Scene {
  GroupInBox top{trace, f, "top"};
  ChildGroup second{trace, top, "second"};
  Group first = top.Child(trace, "first");
  int file = MakeMemfd(trace);
  Member member{trace};
  Bytes kept = {};  // anonymous, in all groups

  // What the member does, up to each pause.
  void Live() {
    const Range anon = MapAnonymous(trace, kAnon);
    WritePages(trace, anon);
    Must(trace, "write", pwrite(file, anon.start, Length(kFile), 0));
    member.Pause();
    second.Enter(trace);
    const Range later = MapAnonymous(trace, kLater);
    WritePages(trace, later);
    // Touched again, it is nobody else's.
    WritePages(trace, anon);
    Must(trace, "read", pread(file, later.start, Length(kLater), 0));
    member.Pause();
    Unmap(trace, anon);
    member.Pause();
  }
  void Start() {
    member.RunToPause(first, [&] { Live(); });
  }
  void GoOn() { member.GoOn(); }
  void Kill() { member.Kill(); }
  void RemoveFirst() {
    kept = Anon(first) + Anon(second);
    first.Remove(trace);
  }
  void CloseFile() const { close(file); }

  // What the top has, once it is as much as that.
  Bytes Await(Bytes anonymous) const {
    return OnceHolds(
        5000, [&] { return Anon(top); },
        [&](Bytes now) { return Near(f, now.count, anonymous); });
  }
  Bytes Kept() { return kept = Await(kept); }
  Bytes Less() const { return kept - Await(kept - kAnon); }
  bool FirstExists() const { return first.Has("cgroup.procs"); }
  static Bytes Anon(const Group& group) {
    return Bytes{group.Field("memory.stat", "anon")};
  }
};

Steps<Groups> Make(const Params&, const Facts& f) {
  constexpr auto kFirst = &Groups::first;
  constexpr auto kSecond = &Groups::second;
  constexpr auto kTop = &Groups::top;
  const Bytes error = StatError(f);
  const Bytes slack = 96 * kPage + 2 * ChargeStock(f);
  const Bytes kept = kAnon + kFile + kLater;
  const Row<Groups> in_first =
      Rows<Groups>{Soon("first anon", Stat(kFirst, "anon"),
                        Between(kAnon - error, kAnon + kOwn)),
                   Soon("first shmem", Stat(kFirst, "shmem"), About(f, kFile))};
  const auto in_top = [&](const char* field, Bytes size) -> Row<Groups> {
    return Soon(field, Stat(kTop, field), About(f, size));
  };
  const auto current = SizeIn(kTop, "memory.current");
  return {
      {"write memory and a file in a group", &Groups::Start, in_first},
      {"move to another and write there", &Groups::GoOn, in_first,
       Soon("second anon", Stat(kSecond, "anon"),
            Between(kLater - error, kLater + kOwn)),
       Soon("second shmem", Stat(kSecond, "shmem"), About(f, 0_B)),
       Is("populated", CountIn(kFirst, "cgroup.events", "populated"), 0)},
      // Its parent has them now.
      {"remove the first group", &Groups::RemoveFirst,
       Is("exists", &Groups::FirstExists, 0),
       Is("anon", &Groups::Kept,
          Between(kAnon + kLater - 2 * error, kAnon + kLater + 2 * kOwn)),
       in_top("shmem", kFile),
       Is("current", current, Between(kept, kept + slack))},
      // Some pages of its stack may come on the way.
      {"unmap the memory", &Groups::GoOn,
       Is("less", &Groups::Less,
          Between(kAnon - 2 * error - 4 * kPage, kAnon + 2 * error)),
       in_top("shmem", kFile)},
      {"end the process", &Groups::Kill, in_top("anon", 0_B),
       in_top("shmem", kFile),
       Is("current", current, Between(kFile, kFile + slack))},
      {"close the file", &Groups::CloseFile, in_top("anon", 0_B),
       in_top("shmem", 0_B), Soon("current", current, Le(512_KiB)),
       Soon("dying", CountIn(kTop, "cgroup.stat", "nr_dying_descendants"), 0)},
  };
}

const Register kChargeStays{
    {.id = "memcg/charge_stays",
     .summary = "pages stay charged where first touched, then to the parent",
     .claim = "Documentation/admin-guide/cgroup-v2: migrating a process does "
              "not move the memory usages it instantiated; seed 1: shm",
     .functions = "mem_cgroup_css_offline, memcg_reparent_objcgs, "
                  "uncharge_folio, mem_cgroup_css_free",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 2},
     .steps = Make,
     .metrics = {Metric::Size("left.current", "close the file.current")
                     .Within(1 << 19, "per-CPU charge batches")}}};

}  // namespace
}  // namespace oomgate
