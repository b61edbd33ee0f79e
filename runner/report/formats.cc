// SPDX-License-Identifier: Apache-2.0
// The table of formats.
#include "runner/report/formats.h"

namespace oomgate {

const std::vector<Format>& Formats() {
  static const std::vector<Format> formats = {
      {"junit", "CI systems: Jenkins, GitLab and most others", ToJunit},
      {"ktap", "kunit.py parse, and other readers of TAP", ToKtap},
      {"markdown", "people", ToMarkdown},
      {"github", "a step of GitHub Actions", ToGithub},
      {"ctrf", "readers of the Common Test Report Format", ToCtrf},
      {"benchmark-action", "github-action-benchmark, customSmallerIsBetter",
       ToBenchmarkAction},
      {"benchmark-action-bigger", "the same, customBiggerIsBetter",
       ToBenchmarkActionBigger},
      {"openmetrics", "Prometheus and its kin", ToOpenmetrics},
      {"lava", "LAVA, from the log of a test job", ToLava},
      {"kcidb", "KCIDB, as a submission", ToKcidb}};
  return formats;
}

}  // namespace oomgate
