// SPDX-License-Identifier: Apache-2.0
// Every release that the mirror has, in the order of versions: no compiler.
#include "runner/bisect/packages.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "runner/bisect/finding.h"
#include "runner/bisect/halving.h"
#include "runner/error.h"
#include "runner/kernel/store.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

std::vector<DebianKernel> Line(const std::string& good,
                               const std::string& bad) {
  std::vector<DebianKernel> kernels = KernelStore().Available();
  const auto find = [&](const std::string& what) {
    const std::string release = KernelStore().Offered(what).release;
    const auto found =
        std::ranges::find(kernels, release, &DebianKernel::release);
    if (found != kernels.end()) return found;
    throw UserError(fmt::format(
        "{}: {} is a rebuild of a kernel that is there itself: name that", what,
        release));
  };
  auto first = find(good);
  auto last = find(bad);
  if (first == last) {
    throw UserError(fmt::format("{} and {} are the same kernel", good, bad));
  }
  if (first < last) return {first, last + 1};
  std::vector<DebianKernel> line(last, first + 1);
  std::ranges::reverse(line);
  return line;
}

class PackagesSearch {
 public:
  PackagesSearch(const SearchOptions& options, const std::string& good,
                 const std::string& bad)
      : line_(Line(good, bad)),
        search_(options, {{"verb", "packages"},
                          {"instance", options.run.patterns[0]},
                          {"metric", options.metric},
                          {"good", line_.front().release},
                          {"bad", line_.back().release}}) {}

  void Go() {
    search_.TryEnds(TrialOf(0), Fetch(0), TrialOf(line_.size() - 1),
                    Fetch(line_.size() - 1));
    const Border border =
        FindBorder(line_.size(), [this](std::size_t n, int left) {
          return search_.Try(TrialOf(n), left, Fetch(n)).outcome.answer;
        });
    Tell(border);
  }

 private:
  std::string NameOf(std::size_t n) const {
    return fmt::format("{} ({})", line_[n].release, line_[n].image.version);
  }

  Trial TrialOf(std::size_t n) const {
    return {.key = line_[n].release, .title = NameOf(n)};
  }

  Prepare Fetch(std::size_t n) const {
    const std::string release = line_[n].release;
    return [release](RunOptions& run, Trial&) -> std::string {
      run.cold = true;  // nobody will restore a guest of most of them
      try {
        run.kernel = KernelStore().Fetch("debian:" + release).release;
        return "";
      } catch (const UserError& gone) {
        return Printable(gone.what());
      }
    };
  }

  void Tell(const Border& border) const {
    BisectFinding finding;
    finding.culprit =
        fmt::format("Changed between {} and {}, of {} kernels",
                    NameOf(border.good), NameOf(border.bad), line_.size());
    finding.before = *search_.Tried(line_[border.good].release);
    finding.now = *search_.Tried(line_[border.bad].release);
    for (const std::size_t n : border.skipped) {
      finding.notes.push_back("between them, could not be judged: " +
                              NameOf(n));
    }
    finding.again = search_.Again({"--kernel=" + line_[border.bad].release});
    search_.Tell(FindingText(finding, search_.log().folder()));
  }

  const std::vector<DebianKernel> line_;
  Search search_;
};

}  // namespace

void BisectPackages(const SearchOptions& options, const std::string& good,
                    const std::string& bad) {
  CheckOneInstance(options.run.patterns[0]);
  if (!options.run.kernel.empty()) {
    throw UserError("--kernel: --good and --bad are the kernels");
  }
  PackagesSearch(options, good, bad).Go();
}

}  // namespace oomgate
