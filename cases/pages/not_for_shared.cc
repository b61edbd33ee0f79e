// SPDX-License-Identifier: Apache-2.0
// The zero page is for private memory: reading a hole of shared memory through
// a mapping allocates a page, reading it with read(2) does not.
#include "cases/pages/tables.h"

namespace oomgate::pages {
namespace {

constexpr Bytes kSize = 8_MiB;

bool IsMemfd(const Params& p) { return p["object"].starts_with("memfd"); }

int Open(Trace& trace, const Params& p) {
  if (p["object"] == "anonymous") return -1;
  if (IsMemfd(p)) return MakeMemfd(trace, kSize);
  return Must(trace, "open", open("/dev/zero", O_RDWR | O_CLOEXEC));
}

int FlagsOf(const Params& p) {
  if (p["object"] == "anonymous") return MAP_SHARED | MAP_ANONYMOUS;
  return p["object"] == "memfd_private" ? MAP_PRIVATE : MAP_SHARED;
}

Bytes MachineShmem() { return MachineHas("Shmem"); }
Bytes RssShmem() { return StatusField("RssShmem"); }

struct Object : Counted {
  int fd = Open(trace, p);
  Range range = MapFile(trace, fd, kSize, PROT_READ, FlagsOf(p));
  Bytes shmem_before = MachineShmem();

  Bytes Shmem() const { return MachineShmem() - shmem_before; }
  Bytes Allocated() const {
    struct stat file = {};
    fstat(fd, &file);
    return file.st_blocks * 512_B;
  }
};

void ReadHoles(Object& s) {
  static char page[4096];
  for (Bytes at; at < kSize; at += kPage) {
    s.trace.Add("bytes", Must(s.trace, "read of a hole",
                              pread(s.fd, page, sizeof page, at.count)));
  }
}

int PunchHole(const Object& s) {
  return ErrnoOf(fallocate(s.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                           kSize.count));
}

// What the object has; only a memfd tells.
Row<Object> Has(const Params& p, Bytes size) {
  if (!IsMemfd(p)) return Rows<Object>{};
  return {"allocated", &Object::Allocated, size};
}

Steps<Object> Make(const Params& p, const Facts& f) {
  const std::string no_file = IsMemfd(p) ? "" : "it is no file";
  // Up to 6.1 a thread holds back what 64 faults changed, and one fault maps up
  // to 16 pages of a file; a guest's program is a file in shared memory too.
  const Bytes lag =
      f.kernel < KernelVersion{6, 2} ? 66 * 16 * kPage : RssLag(f);
  return {
      StepOf<Object>("read its holes by read(2)", ReadHoles,
                     Size("bytes", kSize), Has(p, 0_B))
          .LeftOut(no_file),
      {"read it through a mapping",
       [](Object& s) { ReadPages(s.trace, s.range); },
       Change("faults", Faults, kSize / kPage),
       Change("rss_shmem", RssShmem, Between(kSize - lag, kSize + lag)),
       Is("shmem", &Object::Shmem, kSize), Is("rss", Smaps("Rss"), kSize),
       Is("anonymous", Smaps("Anonymous"), 0_B), Has(p, kSize)},
      // The object keeps what it got, until a hole is punched.
      {"unmap it", [](Object& s) { Unmap(s.trace, s.range); },
       Is("rss", Smaps("Rss"), 0_B),
       Is("shmem", &Object::Shmem, IsMemfd(p) ? kSize : 0_B), Has(p, kSize)},
      StepOf<Object>("punch a hole", PunchHole,
                     Is("shmem", &Object::Shmem, 0_B), Has(p, 0_B))
          .LeftOut(no_file)};
}

const Register kNotForShared{
    {.id = "pages/not_for_shared",
     .summary = "reading a hole of shared memory allocates, unlike private",
     .claim = "Seed 0: \"sparse arrays are free\" (zero_page.not_for_shared)",
     .functions = "shmem_fault, shmem_get_folio, shmem_file_read_iter",
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .params = {{"object",
                 {"anonymous", "dev_zero", "memfd_private", "memfd_shared"}}},
     .steps = Make,
     .metrics = {Metric::Size("shmem", "read it through a mapping.shmem")}}};

}  // namespace
}  // namespace oomgate::pages
