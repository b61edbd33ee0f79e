// SPDX-License-Identifier: Apache-2.0
// Memory cgroups, for subjects: the box, and children that a subject makes
// below it. Nothing here allocates.
#pragma once

#include <cstdint>
#include <string_view>

#include "oomgate/facts.h"
#include "oomgate/model/units.h"
#include "oomgate/process.h"
#include "oomgate/trace.h"

namespace oomgate {

class Group {
 public:
  explicit Group(const char* folder) { SetFolder(folder); }
  // The box of the subject.
  explicit Group(const Facts& f) { SetFolder(f.box_folder.c_str()); }

  // A child, made now. In v2 only below a box that was opened (OpenedBox) or a
  // child without members.
  Group Child(Trace& trace, const char* name) const;
  // Lets children of this one have the memory controller (v2).
  void GiveToChildren(Trace& trace, bool give = true) const;
  // Moves the calling process in.
  void Enter(Trace& trace) const;
  // Kills what is in it, and removes it as soon as the kernel lets go: within
  // 5 s, or the subject stops.
  void Remove(Trace& trace) const;

  bool Has(const char* file) const;
  // The number that a file begins with; the number after a key. See usage.h.
  std::int64_t Number(const char* file) const;
  std::int64_t Field(const char* file, const char* key) const;
  // Writes a file: 0, or the errno.
  int Write(const char* file, const char* value) const;
  int Write(const char* file, Bytes value) const;
  // The same, where it must succeed.
  void Set(Trace& trace, const char* file, const char* value) const;
  void Set(Trace& trace, const char* file, Bytes value) const;

  const char* folder() const { return folder_; }

 private:
  void SetFolder(const char* folder) {
    std::string_view(folder).copy(folder_, sizeof folder_ - 1);
  }
  struct Path {
    char text[256];
  };
  Path PathOf(const char* file) const;

  char folder_[192] = {};
};

// A v2 box whose children have the memory controller while this lives: members
// and children exclude each other, so the calling process moves into a child
// of its own, "self".
class OpenedBox {
 public:
  OpenedBox(Trace& trace, const Facts& f);
  // Back into the box. All other children must be removed by now.
  ~OpenedBox();
  OpenedBox(const OpenedBox&) = delete;
  OpenedBox& operator=(const OpenedBox&) = delete;

  const Group& box() const { return box_; }
  const Group& self() const { return self_; }
  Group Child(const char* name) const { return box_.Child(trace_, name); }

 private:
  Trace& trace_;
  Group box_;
  Group self_;
};

// Forks a child that runs `body` as a member of the group.
template <typename Body>
pid_t StartChildIn(Trace& trace, const Group& group, Body body) {
  return StartChild(trace, [&] {
    group.Enter(trace);
    body();
  });
}

}  // namespace oomgate
