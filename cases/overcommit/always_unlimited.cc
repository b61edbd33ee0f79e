// SPDX-License-Identifier: Apache-2.0
// In mode 1 no size is refused; what is mapped is charged, and given back.
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr std::int64_t kHuge = 80_TiB / kPage;
// No more than an address space, but with 80 TiB taken no hole is so large.
constexpr Bytes kNoHole = 100_TiB;
constexpr std::int64_t kLarge = 64_GiB / kPage;

struct Always : CommitScene {
  Gate gate{trace};
  Range at = {};
  int id = -1;

  void Unmap() const { oomgate::Unmap(trace, at); }
  int Protect() const { return TryProtect(Part(at, 0, kLarge), kRw); }
  bool IsMapped() const { return MappedPages(at) > 0; }
  // What the child is charged beside the 80 TiB: what else is writable here.
  void Fork() {
    const pid_t child = StartChild(trace, [&] { gate.Pass(); });
    const std::int64_t both = CommittedPages();
    gate.Open();
    Reap(child);
    Set("forked", both - CommittedPages());
  }
  void Grow() {
    at = MapBare(trace, kPage, kRw, kPrivate);
    at = Remap(trace, at, 80_TiB, MREMAP_MAYMOVE);
  }
  int GetSegment() {
    return ErrnoOf(id = shmget(IPC_PRIVATE, Pages(kLarge), IPC_CREAT | 0600));
  }
  int RemoveSegment() { return ErrnoOf(shmctl(id, IPC_RMID, nullptr)); }
  int MapTooMuch() {
    at = MapBare(trace, 80_TiB, PROT_READ, kPrivate);
    return TryMap(kNoHole, kRw, kPrivate);
  }
};

auto Maps(Bytes size, int prot, int flags) {
  return [=](Always& s) { s.at = MapBare(s.trace, size, prot, flags); };
}

Steps<Always> Make(const Params&, const Facts&) {
  return {
      {"map 80 TiB", Maps(80_TiB, kRw, kPrivate), Charged(kHuge)},
      Asks<Always>("vfork", TryVfork),
      {"fork", &Always::Fork, Count("forked", Ge(kHuge)), Charged(0)},
      {"unmap them", &Always::Unmap, Charged(-kHuge)},
      {"map 80 TiB to read", Maps(80_TiB, PROT_READ, kPrivate), Charged(0),
       Is("mapped", &Always::IsMapped, 1)},
      {"make 64 GiB of them writable", &Always::Protect, Charged(kLarge)},
      {"unmap what was to read", &Always::Unmap, Charged(-kLarge)},
      {"grow a page to 80 TiB", &Always::Grow, Charged(kHuge)},
      {"unmap what grew", &Always::Unmap, Charged(-kHuge)},
      {"map 64 GiB, shared", Maps(64_GiB, kRw, kShared), Charged(kLarge)},
      {"unmap what is shared", &Always::Unmap, Charged(-kLarge)},
      {"get a segment of 64 GiB", &Always::GetSegment, Charged(kLarge)},
      {"remove it", &Always::RemoveSegment, Charged(-kLarge)},
      {"grow the heap by 64 GiB", [] { return TryBrk(kLarge); },
       Charged(kLarge)},
      {"shrink it", [] { return TryBrk(-kLarge); }, Charged(-kLarge)},
      {"map more than has an address", &Always::MapTooMuch, Refused(ENOMEM)},
      {"grow to more than has an address", AsksToGrow(kPage, kNoHole),
       Refused(ENOMEM), Is("left", &Always::Left, 0)}};
}

const Register kAlwaysUnlimited{
    {.id = "overcommit/always_unlimited",
     .summary = "mode 1 refuses nothing for its size, and still charges it",
     .claim = "Seed 2: mode 1, \"always\"; mm/overcommit-accounting",
     .functions = "__vm_enough_memory, OVERCOMMIT_ALWAYS",
     .needs = {.alone = true, .settings = {kVmKnobs.With(kMode, "1")}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
