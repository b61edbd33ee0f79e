// SPDX-License-Identifier: Apache-2.0
// The machine's own apt, used in a private root: its mirror, keys and proxy,
// but neither its lists nor its package state, which are never touched.
#include "runner/kernel/apt.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>
#include <sstream>

#include "runner/error.h"
#include "runner/kernel/apt_sources.h"
#include "runner/kernel/file.h"
#include "runner/kernel/release.h"
#include "runner/process.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::minutes;

constexpr const char* kOtherWay =
    "`oomgate kernel add FILE` takes any vmlinuz, kernel .deb or build tree";

constexpr const char* kRefreshed = "refreshed";  // its time says when
// The stanzas of all kernels in the lists: asking apt takes seconds.
constexpr const char* kFound = "kernels";

// Read after the machine's own configuration, whose hooks must not run here.
std::string Configuration(const fs::path& root) {
  std::string text = fmt::format(
      "#clear APT::Update;\n"
      "#clear DPkg;\n"
      "APT::Architecture \"amd64\";\n"
      "#clear APT::Architectures;\n"
      "APT::Architectures {{ \"amd64\"; }};\n"
      "Acquire::Languages \"none\";\n"
      "Acquire::Retries \"2\";\n"
      "Dir::State \"{0}/state\";\n"
      "Dir::State::status \"{0}/status\";\n"
      "Dir::Cache \"{0}/cache\";\n"
      "Dir::Cache::pkgcache \"\";\n"  // 108 MB to spare 4 s
      "Dir::Cache::srcpkgcache \"\";\n"
      "Dir::Etc::sourcelist \"/dev/null\";\n"
      "Dir::Etc::sourceparts \"{0}/sources\";\n"
      "Dir::Etc::preferences \"/dev/null\";\n"
      "Dir::Etc::preferencesparts \"{0}/preferences\";\n"
      "Dir::Log \"{0}/log\";\n",
      root.string());
  // The user that apt drops to cannot read a private folder of root's.
  if (::geteuid() == 0) text += "APT::Sandbox::User \"root\";\n";
  return text;
}

Finished Apt(const fs::path& root, const char* program,
             std::vector<std::string> arguments, minutes deadline,
             const fs::path& folder = "/") {
  std::vector<std::string> argv = {"env",   "-C", folder.string(),
                                   program, "-c", (root / "apt.conf").string()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return RunToEnd({.argv = argv, .environment = {{"LC_ALL", "C"}}}, deadline);
}

// Writes the file unless it is the same already: apt takes newer files for a
// reason to build its cache anew. Returns whether it wrote.
bool Replace(const fs::path& file, const std::string& text) {
  if (fs::exists(file) && LoadBytes(file) == text) return false;
  SaveBytes(file, text);
  return true;
}

// What apt itself gives as the reason, in its last error line; "" without one.
std::string Complaint(const Finished& finished) {
  std::string reason;
  for (const char* mark : {"W: ", "E: "}) {
    std::istringstream in(finished.err);
    for (std::string line; std::getline(in, line);) {
      // "Some index files failed to download" follows the one that says why.
      if (line.starts_with(mark) &&
          line.find("Some index files") == std::string::npos) {
        reason = line;
      }
    }
  }
  return reason;
}

std::string Reason(const Finished& finished) {
  if (finished.deadline) return "no end within the deadline";
  const std::string complaint = Complaint(finished);
  return complaint.empty() ? "no reason given" : complaint;
}

}  // namespace

PrivateApt::PrivateApt(fs::path root, const fs::path& etc)
    : root_(std::move(root)) {
  if (FindProgram("apt-get").empty() || FindProgram("apt-cache").empty()) {
    throw UserError(
        fmt::format("this machine has no apt, which fetching Debian kernels "
                    "needs; {}",
                    kOtherWay));
  }
  const auto mirrors = ReadMirrors(etc, KernelCatalog());
  if (mirrors.empty()) {
    throw UserError(fmt::format(
        "no Debian mirror in {} (an entry whose address ends in /debian or "
        "/debian-security); add one, or: {}",
        etc.string(), kOtherWay));
  }
  std::error_code error;
  for (const char* folder : {"state/lists/partial", "cache/archives/partial",
                             "sources", "preferences", "log"}) {
    fs::create_directories(root_ / folder, error);
    if (error) {
      throw HarnessError(fmt::format(
          "cannot make {}: {}", (root_ / folder).string(), error.message()));
    }
  }
  lock_ = ::open((root_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  int locked = -1;
  do {
    locked = ::flock(lock_, LOCK_EX);
  } while (locked != 0 && errno == EINTR);
  if (locked != 0) {
    const std::string why = std::strerror(errno);
    if (lock_ >= 0) ::close(lock_);
    throw HarnessError(
        fmt::format("cannot lock {}: {}", (root_ / "lock").string(), why));
  }
  if (Replace(root_ / "sources/oomgate.sources",
              WriteSources(mirrors, KernelCatalog()))) {
    fs::remove(root_ / kRefreshed);  // the lists are those of other mirrors
  }
  Replace(root_ / "apt.conf", Configuration(root_));
  Replace(root_ / "status", "");
}

PrivateApt::~PrivateApt() { ::close(lock_); }

bool PrivateApt::ListsAreFresh() const {
  std::error_code error;
  const auto when = fs::last_write_time(root_ / kRefreshed, error);
  return !error && fs::file_time_type::clock::now() - when < hours(24);
}

void PrivateApt::Refresh() {
  refreshed_ = true;
  fs::remove(root_ / kFound);
  const Finished update = Apt(root_, "apt-get", {"-q", "update"}, minutes(15));
  // A suite that the mirror lacks is an error, no network a mere warning; both
  // leave the lists that are there in place. The reason is for later, should
  // the wanted kernel not be in them.
  last_error_ = update.deadline ? Reason(update) : Complaint(update);
  for (const auto& list : fs::directory_iterator(root_ / "state/lists")) {
    if (list.path().filename().string().find("_Packages") !=
        std::string::npos) {
      SaveBytes(root_ / kRefreshed, "");
      return;
    }
  }
}

std::vector<DebianKernel> PrivateApt::Kernels() const {
  const fs::path found = root_ / kFound;
  if (!fs::exists(found)) {
    const fs::path unfinished = root_ / "kernels.new";
    SaveBytes(unfinished, Packages());
    fs::rename(unfinished, found);
  }
  return KernelsAmong(ReadPackages(LoadBytes(found)), KernelCatalog());
}

std::string PrivateApt::Packages() const {
  std::string starts;
  for (const PackageNames& names : KernelCatalog().packages) {
    starts += (starts.empty() ? "" : "|") + names.image;
  }
  const Finished search =
      Apt(root_, "apt-cache",
          {"search", "--names-only", "--full",
           fmt::format("^({})[0-9].*{}$", starts, KernelCatalog().flavour)},
          minutes(5));
  if (!search.ok()) {
    throw UserError(
        fmt::format("apt-cache search failed: {}; remove {} and "
                    "try again",
                    Reason(search), root_.string()));
  }
  return search.out;
}

std::vector<DebianKernel> PrivateApt::All() {
  if (!ListsAreFresh()) Refresh();
  return Kernels();
}

DebianKernel PrivateApt::Find(const std::string& wanted) {
  if (!ListsAreFresh()) Refresh();
  std::vector<DebianKernel> kernels = Kernels();
  auto kernel = ChooseKernel(kernels, wanted, KernelCatalog());
  if (!kernel && !refreshed_) {
    Refresh();
    kernels = Kernels();
    kernel = ChooseKernel(kernels, wanted, KernelCatalog());
  }
  if (kernel) return *kernel;
  if (kernels.empty()) {
    throw UserError(fmt::format(
        "cannot fetch debian:{}: no package lists: {}; see to the network or "
        "the mirror in /etc/apt, or: {}",
        wanted, last_error_.empty() ? "no kernels in them" : last_error_,
        kOtherWay));
  }
  std::set<std::string> seen;
  std::vector<std::string> series;
  for (const DebianKernel& k : kernels) {
    if (seen.insert(SeriesOf(k.release)).second) {
      series.push_back(SeriesOf(k.release));
    }
  }
  throw UserError(
      fmt::format("no Debian kernel is called {}; there are {}, and newest{}",
                  wanted, fmt::join(series, ", "),
                  last_error_.empty() ? "" : " (apt: " + last_error_ + ")"));
}

void PrivateApt::Download(const DebianKernel& kernel, const fs::path& folder) {
  std::vector<std::string> arguments = {"-q", "download"};
  for (const Package& package : kernel.packages) {
    arguments.push_back(package.name + "=" + package.version);
  }
  Finished download = Apt(root_, "apt-get", arguments, minutes(60), folder);
  if (!download.ok() && !refreshed_) {
    // Mirrors drop superseded packages, and the lists may be a day old.
    Refresh();
    download = Apt(root_, "apt-get", arguments, minutes(60), folder);
  }
  if (!download.ok()) {
    throw UserError(fmt::format(
        "cannot download {}: {}; see to the network or the mirror, or: {}",
        kernel.image.name, Reason(download), kOtherWay));
  }
}

}  // namespace oomgate
