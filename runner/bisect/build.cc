// SPDX-License-Identifier: Apache-2.0
// A build has a process group of its own, which ends as one.
#include "runner/bisect/build.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

#include "runner/bisect/trial.h"
#include "runner/error.h"
#include "runner/file_descriptor.h"
#include "runner/kernel/file.h"
#include "runner/process.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

using std::chrono::milliseconds;

void EndGroup(Child& child) {
  constexpr milliseconds kPatience{5000};
  ::kill(-child.pid(), SIGTERM);
  child.Wait(kPatience);
  ::kill(-child.pid(), SIGKILL);
  child.Wait(kPatience);
}

// The first error of a compiler, else the last words.
std::string MostTelling(const std::filesystem::path& log) {
  std::string text = LoadBytes(log);
  text.erase(text.find_last_not_of(" \n\t") + 1);
  std::size_t at = text.find("error: ");
  if (at == std::string::npos) at = text.size();
  const std::size_t start = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
  return Printable(
      std::string_view(text).substr(start, text.find('\n', at) - start));
}

}  // namespace

std::string Build(const std::string& command, const std::filesystem::path& log,
                  std::chrono::seconds deadline, const Cancel& cancel) {
  std::filesystem::create_directories(log.parent_path());
  const FileDescriptor out(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
  if (out.get() < 0) {
    throw UserError(
        fmt::format("cannot write {}: {}", log.string(), std::strerror(errno)));
  }
  Child child({.argv = {"sh", "-c", command},
               .descriptors = {{1, out.get()}, {2, out.get()}}});
  const auto end = std::chrono::steady_clock::now() + deadline;
  std::optional<int> status;
  while (!status) {
    const auto left =
        std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
    pollfd fds[] = {{child.pidfd(), POLLIN, 0}, {cancel.fd(), POLLIN, 0}};
    if (left.count() > 0) ::poll(fds, 2, static_cast<int>(left.count()));
    status = child.Wait(milliseconds(0));
    if (status) break;
    if (cancel.requested()) {
      EndGroup(child);
      throw Interrupted();
    }
    if (left.count() <= 0) {
      EndGroup(child);
      return fmt::format("the build took more than {} s; {} has what it said",
                         deadline.count(), log.string());
    }
  }
  if (*status == 0) return "";
  const std::string how =
      WIFSIGNALED(*status)
          ? fmt::format("was ended by signal {}", WTERMSIG(*status))
          : fmt::format("failed (exit {})", WEXITSTATUS(*status));
  return fmt::format("the build {}: {}; {} has all of it", how,
                     MostTelling(log), log.string());
}

}  // namespace oomgate
