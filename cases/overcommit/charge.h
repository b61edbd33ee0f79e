// SPDX-License-Identifier: Apache-2.0
// A ledger of steps: of each it is said by how many pages Committed_AS must
// rise, exactly. What one step wrongly keeps or gives back shows at that step.
// Committed_AS is exact since 5.9. As many steps are charged nothing, each also
// shows that it was done.
#pragma once

#include "cases/overcommit/room.h"

namespace oomgate {

// The size of most objects, in pages: 5 MiB. No power of two, and larger than
// the batches that a CPU may hold back.
inline constexpr std::int64_t kN = 1280;

// Places that the steps leave for each other.
struct ChargeScene : CommitScene {
  Range a = {};
  Range b = {};
  Range c = {};
  int fd = -1;
  int id = -1;
  pid_t child = -1;

  // Apart from all neighbours.
  Range New(std::int64_t pages, int prot, int flags) const {
    return MapAnonymous(trace, pages * kPage,
                        {.prot = prot,
                         .flags = flags | MAP_ANONYMOUS,
                         .pages = MapOptions::kDefault});
  }
  std::int64_t Mapped() const { return MappedPages(a); }
  std::int64_t Rss() const { return ReadMapping(a).rss / kPage; }
  bool FileIsOpen() const { return fd >= 0; }
  std::int64_t FilePages() const {
    return lseek(fd, 0, SEEK_END) / kPage.count;
  }
  void CloseFile() {
    close(fd);
    fd = -1;
  }
};
using ChargeStep = StepOf<ChargeScene>;
using ChargeSteps = Steps<ChargeScene>;

// A step that is charged so many pages. What else is read comes after that.
template <typename Act>
ChargeStep Charges(const std::string& name, std::int64_t pages, Act act,
                   Rows<ChargeScene> rows = {}) {
  rows.insert(rows.begin(), Charged(pages));
  return {name, act, rows};
}

// Maps kN pages as `a`.
inline ChargeStep Maps(const std::string& name, std::int64_t charge, int prot,
                       int flags) {
  return Charges(
      name, charge, [=](ChargeScene& s) { s.a = s.New(kN, prot, flags); },
      // Without access, and where MAP_NORESERVE means nothing, it is one with
      // its guards.
      {{"mapped", &ChargeScene::Mapped,
        prot == PROT_NONE ? Ge(kN) : testing::Matcher<std::int64_t>(kN)}});
}

// The same of the file that is open.
inline ChargeStep MapsFile(const std::string& name, std::int64_t charge,
                           int prot, int flags) {
  return Charges(name, charge,
                 [=](ChargeScene& s) {
                   s.a = MapFile(s.trace, s.fd, kN * kPage, prot, flags);
                 },
                 {{"mapped", &ChargeScene::Mapped, kN}});
}

// Maps a part of it anew.
inline ChargeStep MapsOver(const std::string& name, std::int64_t charge,
                           std::int64_t from, std::int64_t pages, int prot,
                           int flags) {
  const auto has = [=](const char* flag) {
    return [=](ChargeScene& s) {
      return MappingHasFlag(Part(s.a, from, pages), flag);
    };
  };
  return Charges(name, charge,
                 [=](ChargeScene& s) {
                   MapOver(s.trace, Part(s.a, from, pages), prot, flags);
                 },
                 {{"writable", has("wr"), (prot & PROT_WRITE) != 0},
                  {"shared", has("sh"), (flags & MAP_SHARED) != 0}});
}

// These are about `pages` from the page `from` of `a` on.
inline ChargeStep Unmaps(const std::string& name, std::int64_t charge,
                         std::int64_t from = 0, std::int64_t pages = kN) {
  return Charges(
      name, charge,
      [=](ChargeScene& s) { Unmap(s.trace, Part(s.a, from, pages)); },
      {{"mapped",
        [=](ChargeScene& s) { return MappedPages(Part(s.a, from, pages)); },
        0}});
}
inline ChargeStep Protects(const std::string& name, std::int64_t charge,
                           int prot, std::int64_t from = 0,
                           std::int64_t pages = kN) {
  return Charges(
      name, charge,
      [=](ChargeScene& s) { Protect(s.trace, Part(s.a, from, pages), prot); },
      {{"writable",
        [=](ChargeScene& s) {
          return MappingHasFlag(Part(s.a, from, pages), "wr");
        },
        (prot & PROT_WRITE) != 0}});
}
// None of them was in memory before. (Huge pages make it more.)
inline ChargeStep Writes(const std::string& name, std::int64_t charge,
                         std::int64_t pages, std::int64_t from = 0) {
  return Charges(
      name, charge,
      [=](ChargeScene& s) { WritePages(s.trace, Part(s.a, from, pages)); },
      {Change("rss", &ChargeScene::Rss, Ge(pages))});
}

// Makes it that large, elsewhere or where it is. (A neighbour may merge.)
inline ChargeStep Resizes(const std::string& name, std::int64_t charge,
                          std::int64_t pages, int flags = MREMAP_MAYMOVE) {
  return Charges(
      name, charge,
      [=](ChargeScene& s) { s.a = Remap(s.trace, s.a, pages * kPage, flags); },
      {{"mapped", &ChargeScene::Mapped, Ge(pages)}});
}

inline ChargeStep Opens(const std::string& name, const char* path, int flags) {
  return Charges(name, 0,
                 [=](ChargeScene& s) {
                   s.fd =
                       Must(s.trace, path, open(path, flags | O_CLOEXEC, 0600));
                 },
                 {{"open", &ChargeScene::FileIsOpen, 1}});
}
inline ChargeStep Closes(const std::string& name, std::int64_t charge) {
  return Charges(name, charge, &ChargeScene::CloseFile,
                 {{"open", &ChargeScene::FileIsOpen, 0}});
}

inline int Mode(const Params& p) { return static_cast<int>(p.Number("mode")); }

inline void AdjustMode(const Params& p, InstanceInfo& instance) {
  instance.needs.settings = {kVmKnobs.With(kMode, p["mode"])};
  // One guest more, for the mode that most run in.
  if (Mode(p) == 0) instance.suite = Suite::kQuick;
}

}  // namespace oomgate
