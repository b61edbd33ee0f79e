// SPDX-License-Identifier: Apache-2.0
// Memory cgroups of a subject: files and folders.
#include "oomgate/group.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "oomgate/usage.h"

namespace oomgate {
namespace {

constexpr int kLetGo = 5000;  // milliseconds

void KillMembers(const char* path) {
  char pids[4096];
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t n = read(fd, pids, sizeof pids - 1);
  close(fd);
  if (n <= 0) return;
  pids[n] = '\0';
  char* at = pids;
  for (;;) {
    char* end = nullptr;
    const long pid = std::strtol(at, &end, 10);
    if (end == at) return;
    if (pid > 1) kill(static_cast<pid_t>(pid), SIGKILL);
    at = end;
  }
}

}  // namespace

Group Group::Child(Trace& trace, const char* name) const {
  const Group child(PathOf(name).text);
  if (mkdir(child.folder(), 0755) != 0) trace.Stop("mkdir of a group", errno);
  return child;
}

void Group::GiveToChildren(Trace& trace, bool give) const {
  Set(trace, "cgroup.subtree_control", give ? "+memory" : "-memory");
}

void Group::Enter(Trace& trace) const { Set(trace, "cgroup.procs", "0"); }

void Group::Remove(Trace& trace) const {
  const bool gone = HoldsWithin(kLetGo, [&] {
    if (rmdir(folder()) == 0) return true;
    KillMembers(PathOf("cgroup.procs").text);
    return false;
  });
  if (!gone) trace.Stop("rmdir of a group", errno);
}

OpenedBox::OpenedBox(Trace& trace, const Facts& f)
    : trace_(trace), box_(f), self_(box_.Child(trace, "self")) {
  self_.Enter(trace);
  box_.GiveToChildren(trace);
}

OpenedBox::~OpenedBox() {
  box_.GiveToChildren(trace_, false);
  box_.Enter(trace_);
  self_.Remove(trace_);
}

// In v2 it gets limits of its own only where the box is open.
GroupInBox::GroupInBox(Trace& trace, const Facts& f, const char* name)
    : Group(Group(f).PathOf(name).text), trace_(trace), box_(f) {
  if (f.cgroup == 2) opened_.emplace(trace, f);
  box_.Child(trace, name);
}

GroupInBox::~GroupInBox() { Remove(trace_); }

}  // namespace oomgate
