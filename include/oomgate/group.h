// SPDX-License-Identifier: Apache-2.0
// Memory cgroups, for subjects: the box, and children that a subject makes
// below it. Their files are those of a KernelFolder. Nothing here allocates.
#pragma once

#include <optional>

#include "oomgate/facts.h"
#include "oomgate/kernel_folder.h"
#include "oomgate/process.h"
#include "oomgate/trace.h"

namespace oomgate {

class Group : public KernelFolder {
 public:
  explicit Group(const char* folder) : KernelFolder(folder) {}
  // The box of the subject.
  explicit Group(const Facts& f) : KernelFolder(f.box_folder) {}

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
// The same to its end: its wait(2) status.
template <typename Body>
int RunChildIn(Trace& trace, const Group& group, Body body) {
  return Reap(StartChildIn(trace, group, body));
}

// The group of a case that needs but one: a child of the box, which is opened
// for it in v2. It is removed, with what is in it, when this ends.
class GroupInBox : public Group {
 public:
  GroupInBox(Trace& trace, const Facts& f, const char* name = "group");
  ~GroupInBox();
  GroupInBox(const GroupInBox&) = delete;
  GroupInBox& operator=(const GroupInBox&) = delete;

  // A child of the subject that runs `body` as its member: started, or run to
  // its end (its wait(2) status).
  template <typename Body>
  pid_t Start(Body body) const {
    return StartChildIn(trace_, *this, body);
  }
  template <typename Body>
  int Run(Body body) const {
    return RunChildIn(trace_, *this, body);
  }

  const Group& box() const { return box_; }
  // Where the subject itself is meanwhile: in v2 beside it, else in the box.
  const Group& self() const { return opened_ ? opened_->self() : box_; }

 private:
  Trace& trace_;
  Group box_;
  std::optional<OpenedBox> opened_;
};

}  // namespace oomgate
