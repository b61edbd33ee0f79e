// SPDX-License-Identifier: Apache-2.0
// Committed_AS is the sum of what is accounted: every `ac` mapping of every
// process, and shared memory. The residual is zero, and it comes back to zero.
#include "cases/counters/readings.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 20_MiB;

Bytes Residual() {
  RefreshVmstat();
  return Meminfo("Committed_AS") - ReadAllUsage().accounted - Meminfo("Shmem");
}

struct Memory : Scene {
  int memfd = MakeMemfd(trace, kSize);
  Range own = {};
  Range shared = {};
  Range file = {};

  int Mapped() const { return ReadMapping(file).mappings; }
  Range Map(int flags, int fd = -1) const {
    return MapBare(trace, kSize, PROT_READ | PROT_WRITE, flags, fd);
  }
};

Steps<Memory> Make(const Params&, const Facts&) {
  const auto rows = [](Bytes residual, Bytes committed) {
    return Row<Memory>(Rows<Memory>{
        {"residual", Residual, residual},
        Change("Committed_AS", InMeminfo("Committed_AS"), committed)});
  };
  return {
      {"look", [] {}, Is("residual", Residual, 0_B)},
      {"map private memory",
       [](Memory& m) { m.own = m.Map(MAP_PRIVATE | MAP_ANONYMOUS); },
       rows(0_B, kSize)},
      // An anonymous shared object is charged whole when it is made, and Shmem
      // knows its pages only as they are touched.
      {"map shared memory",
       [](Memory& m) { m.shared = m.Map(MAP_SHARED | MAP_ANONYMOUS); },
       rows(kSize, kSize)},
      {"touch it", [](Memory& m) { WritePages(m.trace, m.shared); },
       rows(0_B, 0_B)},
      // A memfd is charged page by page.
      {"map an empty memfd",
       [](Memory& m) { m.file = m.Map(MAP_SHARED, m.memfd); }, rows(0_B, 0_B),
       Is("mapped", &Memory::Mapped, 1)},
      {"write 5 MiB of it",
       [](Memory& m) { WritePages(m.trace, m.file.Part(0_B, 5_MiB)); },
       rows(0_B, 5_MiB)},
      {"unmap and close all",
       [](Memory& m) {
         Unmap(m.trace, m.own);
         Unmap(m.trace, m.shared);
         Unmap(m.trace, m.file);
         close(m.memfd);
       },
       rows(0_B, 0_B - 2 * kSize - 5_MiB)},
  };
}

const Register kCommittedAsIdentity{
    {.id = "counters/committed_as_identity",
     .summary = "Committed_AS = accounted mappings + shared memory, residual 0",
     .claim = "Documentation/mm/overcommit-accounting: what is charged is what "
              "is mapped private and writable, and shared memory",
     .functions = "vm_acct_memory, shmem_acct_size, shmem_acct_block",
     .look_at = "a residual that stays says which object leaks its charge; "
                "exact since 5.9, which made the reading of Committed_AS exact",
     .needs = {.alone = true},
     .steps = Make,
     .metrics = {Metric::Size("at_start", "look.residual"),
                 Metric::Size("at_end", "unmap and close all.residual")}}};

}  // namespace
}  // namespace oomgate
