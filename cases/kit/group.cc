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

Group::Path Group::PathOf(const char* file) const {
  Path path;
  std::snprintf(path.text, sizeof path.text, "%s/%s", folder_, file);
  return path;
}

Group Group::Child(Trace& trace, const char* name) const {
  const Group child(PathOf(name).text);
  if (mkdir(child.folder_, 0755) != 0) trace.Stop("mkdir of a group", errno);
  return child;
}

void Group::GiveToChildren(Trace& trace, bool give) const {
  Set(trace, "cgroup.subtree_control", give ? "+memory" : "-memory");
}

void Group::Enter(Trace& trace) const { Set(trace, "cgroup.procs", "0"); }

void Group::Remove(Trace& trace) const {
  const bool gone = HoldsWithin(kLetGo, [&] {
    if (rmdir(folder_) == 0) return true;
    KillMembers(PathOf("cgroup.procs").text);
    return false;
  });
  if (!gone) trace.Stop("rmdir of a group", errno);
}

bool Group::Has(const char* file) const {
  return access(PathOf(file).text, F_OK) == 0;
}

std::int64_t Group::Number(const char* file) const {
  return NumberIn(PathOf(file).text);
}

std::int64_t Group::Field(const char* file, const char* key) const {
  return FieldIn(PathOf(file).text, key);
}

int Group::Write(const char* file, const char* value) const {
  const int fd = open(PathOf(file).text, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const bool written = write(fd, value, std::strlen(value)) >= 0;
  const int error = written ? 0 : errno;
  close(fd);
  return error;
}

int Group::Write(const char* file, Bytes value) const {
  char text[24];
  std::snprintf(text, sizeof text, "%lld", static_cast<long long>(value.count));
  return Write(file, text);
}

void Group::Set(Trace& trace, const char* file, const char* value) const {
  const int error = Write(file, value);
  if (error != 0) trace.Stop(file, error);
}

void Group::Set(Trace& trace, const char* file, Bytes value) const {
  const int error = Write(file, value);
  if (error != 0) trace.Stop(file, error);
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

}  // namespace oomgate
