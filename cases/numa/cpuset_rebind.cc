// SPDX-License-Identifier: Apache-2.0
// A policy's nodes follow the cpuset: as asked for (static), by their order
// (relative), or from the set before to the set after (neither). Pages that are
// there move along.
#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr std::int64_t kPages = 100;  // written at each stage

struct Policy {
  const char* name;
  int mode;
  std::int64_t narrow;  // its nodes while the cpuset has node 0 only
};
constexpr Policy kPolicies[] = {
    {"plain", MPOL_INTERLEAVE, kNode0},
    // What was asked for is kept, and told, where the flags say so.
    {"static", MPOL_INTERLEAVE | MPOL_F_STATIC_NODES, kBoth},
    {"relative", MPOL_INTERLEAVE | MPOL_F_RELATIVE_NODES, kBoth}};
constexpr int kCount = std::size(kPolicies);

struct Rebind : Scene {
  Group cpuset = EnterCpuset(trace, "rebind", "0-1");
  Range ranges[kCount] = {NewPages(3), NewPages(3), NewPages(3)};
  Range moved = {};
  int stage = 0;

  ~Rebind() {
    const Group root("/sys/fs/cgroup");
    root.Enter(trace);
    cpuset.Remove(trace);
    rmdir(root.PathOf("other").text);
  }
  Range NewPages(int stages) const {
    return MapAnonymous(trace, stages * kPages * kPage);
  }
  // The nodes of the policy of a mapping, or of the process.
  std::int64_t NodesOf(const Range& range) const {
    int mode = 0;
    unsigned long nodes = 0;
    Must(trace, "get_mempolicy",
         syscall(SYS_get_mempolicy, &mode, &nodes, 64UL, range.start,
                 range.start == nullptr ? 0 : MPOL_F_ADDR));
    return static_cast<std::int64_t>(nodes);
  }
  std::int64_t OnNode1() const {
    std::int64_t pages = 0;
    for (const Range& range : ranges) pages += PagesOnNode(range, 1);
    return pages;
  }
  // Sets how many new pages of each policy come from node 1.
  void Write() {
    for (int i = 0; i < kCount; ++i) {
      // Earlier ones may have been moved to where the policy now leads.
      const std::int64_t before = PagesOnNode(ranges[i], 1);
      WritePages(trace, ranges[i].Part(stage * kPages * kPage, kPages * kPage));
      Set(kPolicies[i].name, PagesOnNode(ranges[i], 1) - before);
    }
    const Range own = NewPages(1);
    WritePages(trace, own);
    Set("process", PagesOnNode(own, 1));
    Unmap(trace, own);
    ++stage;
  }
};

Row<Rebind> FromNode1(std::int64_t plain, std::int64_t others) {
  return AllOf(Count("plain", plain), Count("static", others),
               Count("relative", others), Count("process", others));
}

Steps<Rebind> Make(const Params&, const Facts& f) {
  const bool moves = f.kernel >= KernelVersion{5, 15};  // ee9707e8593d: v2, too
  Steps<Rebind> steps;
  Rows<Rebind> narrow = {
      {"left", &Rebind::OnNode1, moves ? 0 : kCount * kPages / 2}};
  for (int i = 0; i < kCount; ++i) {
    const Policy& policy = kPolicies[i];
    const auto nodes = [=](const Rebind& s) { return s.NodesOf(s.ranges[i]); };
    steps.push_back(
        {std::string("interleave: ") + policy.name,
         [=](Rebind& s) { return BindRange(s.ranges[i], policy.mode, kBoth); },
         {{"nodes", nodes, kBoth}}});
    narrow.push_back(
        {std::string("nodes: ") + policy.name, nodes, policy.narrow});
  }
  const Steps<Rebind> others = {
      {"interleave: static, of the process",
       [] { return SetPolicy(MPOL_INTERLEAVE | MPOL_F_STATIC_NODES, kBoth); },
       {{"nodes", [](Rebind& s) { return s.NodesOf({}); }, kBoth}}},
      {"write", &Rebind::Write, {FromNode1(kPages / 2, kPages / 2)}},
      {"narrow the cpuset to node 0",
       [](Rebind& s) { s.cpuset.Set(s.trace, "cpuset.mems", "0"); }, narrow},
      {"write in a narrow cpuset", &Rebind::Write, {FromNode1(0, 0)}},
      {"widen it, and write",
       [](Rebind& s) {
         s.cpuset.Set(s.trace, "cpuset.mems", "0-1");
         s.Write();
       },
       {FromNode1(0, kPages / 2)}},
      // A process that is moved to another cpuset takes its policies along.
      {"bind to node 1 in a cpuset of that",
       [](Rebind& s) {
         SetPolicy(MPOL_DEFAULT, 0);
         s.cpuset.Set(s.trace, "cpuset.mems", "1");
         s.moved = s.NewPages(1);
         return BindRange(s.moved, MPOL_BIND, kNode1);
       },
       {{"nodes", [](Rebind& s) { return s.NodesOf(s.moved); }, kNode1}}},
      {"move to a cpuset of node 0, and write",
       [](Rebind& s) {
         EnterCpuset(s.trace, "other", "0");
         WritePages(s.trace, s.moved);
       },
       {{"nodes", [](Rebind& s) { return s.NodesOf(s.moved); }, kNode0},
        {"node0", [](Rebind& s) { return PagesOnNode(s.moved, 0); }, kPages}}}};
  steps.insert(steps.end(), others.begin(), others.end());
  return steps;
}

const Register kCpusetRebind{
    {.id = "numa/cpuset_rebind",
     .summary = "pages and policies follow a cpuset that narrows and widens",
     .claim = "Seed 1 (numactl); set_mempolicy(2): MPOL_F_STATIC_NODES, "
              "MPOL_F_RELATIVE_NODES; cgroup-v2: cpuset.mems migrates pages",
     .functions = "mpol_rebind_nodemask, mpol_rebind_task, mpol_rebind_mm, "
                  "mpol_relative_nodemask, cpuset_migrate_mm",
     .look_at = "plain, static, … is what came from node 1; nodes are 1: node "
                "0, 2: node 1, 3: both",
     .blast = Blast::kMachine,
     .needs = TwoNodes(),
     .steps = Make}};

}  // namespace
}  // namespace oomgate::numa
