// SPDX-License-Identifier: Apache-2.0
// A page that moves to another node takes its charge along: its group has as
// much as before, on that node, and gives all of it back in the end.
#include <linux/mempolicy.h>

#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr int kPages = 1000;  // of either kind
constexpr Bytes kSize = kPages * kPage;
constexpr Bytes kOwn = 32 * kPage;  // the member's stack and data

// Until all are there: a page that somebody looks at in that moment stays.
void Move(const Range& range) {
  static void* at[kPages];
  static int nodes[kPages];
  static int status[kPages];
  constexpr int kTries = 5;
  for (int i = 0; i < kPages; ++i) {
    at[i] = range.start + i * kPage.count;
    nodes[i] = 1;
  }
  for (int i = 0; i < kTries && PagesOnNode(range, 1) < kPages; ++i) {
    syscall(SYS_move_pages, 0, static_cast<long>(kPages), at, nodes, status,
            MPOL_MF_MOVE);
  }
}

struct Pages : Scene {
  GroupInBox group{trace, f};
  Member member{trace};

  // What the member does, up to each pause.
  void Live() {
    const Range anon = MapAnonymous(trace, kSize);
    const Range shared = MapAnonymous(
        trace, kSize, {.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE});
    WritePages(trace, anon);
    WritePages(trace, shared);
    member.Pause();
    Move(anon);
    Move(shared);
    Set("anon moved", PagesOnNode(anon, 1));
    Set("shared moved", PagesOnNode(shared, 1));
    Set("wrong bytes", CountOther(anon, 1) + CountOther(shared, 1));
    member.Pause();
  }
  void Start() {
    RunOnCpu(trace, 0);  // where memory comes from
    member.RunToPause(group, [&] { Live(); });
  }
  void GoOn() { member.GoOn(); }
  void Kill() { member.Kill(); }

  // "anon N0=4096 N1=0": what memory.numa_stat says of a node.
  Bytes OnNode(const char* field, int node) const {
    static char text[8192];
    text[0] = '\n';
    const int file =
        open(group.PathOf("memory.numa_stat").text, O_RDONLY | O_CLOEXEC);
    const ssize_t length = read(file, text + 1, sizeof text - 2);
    close(file);
    text[1 + std::max<ssize_t>(length, 0)] = '\0';
    char key[32];
    std::snprintf(key, sizeof key, "\n%s ", field);
    const char* at = std::strstr(text, key);
    std::snprintf(key, sizeof key, " N%d=", node);
    if (at != nullptr) at = std::strstr(at, key);
    return at == nullptr ? Bytes{-1} : Bytes{std::atoll(at + std::strlen(key))};
  }
};

// What each node, and both together, have of either kind.
Row<Pages> Charged(const Facts& f, Bytes on0, Bytes on1, Bytes own = kOwn) {
  const auto is = [&](const char* field, Bytes size, Bytes more) {
    return Soon(field, Stat(&Pages::group, field),
                Between(size - StatError(f), size + more + StatError(f)));
  };
  const auto on = [&](const char* field, int node, Bytes size, Bytes more) {
    return Soon(
        field + std::to_string(node),
        [=](Pages& s) { return s.OnNode(field, node); },
        Between(size - StatError(f), size + more + StatError(f)));
  };
  return Rows<Pages>{on("anon", 0, on0, kOwn),   on("anon", 1, on1, own),
                     on("shmem", 0, on0, 0_B),   on("shmem", 1, on1, 0_B),
                     is("anon", on0 + on1, own), is("shmem", on0 + on1, 0_B)};
}

// By how much the machine's count for a node changes.
Row<Pages> Machine(int node, Bytes change) {
  return Change(
      "machine" + std::to_string(node),
      [=] {
        RefreshVmstat();
        return NodeMeminfo(node, "Shmem");
      },
      change);
}

Steps<Pages> Make(const Params&, const Facts& f) {
  const auto current = SizeIn(&Pages::group, "memory.current");
  const auto used =
      Is("current", current,
         Between(2 * kSize, 2 * kSize + 96 * kPage + ChargeStock(f)));
  return {
      {"write them on node 0", &Pages::Start, Charged(f, kSize, 0_B), used},
      {"move them to node 1", &Pages::GoOn, Count("anon moved", kPages),
       Count("shared moved", kPages), Count("wrong bytes", 0),
       Charged(f, 0_B, kSize), used, Machine(0, 0_B - kSize),
       Machine(1, kSize)},
      {"end the process", &Pages::Kill, Soon("current", current, Le(512_KiB)),
       Charged(f, 0_B, 0_B, 0_B), Machine(1, 0_B - kSize)}};
}

const Register kNodeMove{
    {.id = "memcg/node_move",
     .summary = "a moved page stays charged to its group, on its new node",
     .claim = "Documentation/admin-guide/cgroup-v2: memory.numa_stat; seed 1 "
              "(NUMA): move_migrate",
     .functions = "migrate_folio, migrate_page_states, mem_cgroup_migrate, "
                  "folio_migrate_mapping",
     .blast = Blast::kCgroup,
     .needs =
         {.memory = 64_MiB, .cpus = 2, .nodes = 2, .cgroup = 2, .alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
