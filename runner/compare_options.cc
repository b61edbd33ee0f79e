// SPDX-License-Identifier: Apache-2.0
// Words of the command line to what a comparison understands.
#include "runner/compare_options.h"

#include <vector>

#include "runner/compare/calibration.h"
#include "runner/error.h"
#include "runner/kernel/file.h"
#include "runner/report/comparison.h"

namespace oomgate {
double ShareFrom(const std::string& option, const std::string& text) {
  std::size_t end = 0;
  double percent = -1;
  try {
    percent = std::stod(text, &end);
  } catch (const std::exception&) {
  }
  const std::string rest = text.substr(end);
  if (percent < 0 || percent > 100 || !(rest.empty() || rest == "%")) {
    throw UserError(option + "=" + text + ": not a share; write 1% or 0.5%");
  }
  return percent / 100;
}

void AddCompareOptions(CLI::App& verb, CompareOptions& options,
                       FailOn& fail_on) {
  verb.add_option_function<std::vector<std::string>>(
          "--across",
          [&options](const std::vector<std::string>& words) {
            for (const std::string& word : words) {
              const bool any = word == "any";
              if (any || word == "kernel") {
                options.across.insert(Matter::kKernel);
              }
              if (any || word == "programs") {
                options.across.insert(Matter::kPrograms);
              }
              if (any) options.across.insert(Matter::kPlace);
            }
          },
          "what may differ: kernel, programs (oomgate, QEMU), or any")
      ->delimiter(',')
      ->check(CLI::IsMember({"kernel", "programs", "any"}));
  verb.add_option_function<std::string>(
      "--gate",
      [&options](const std::string& text) {
        options.gate = ShareFrom("--gate", text);
      },
      "by how much instructions must differ to count; default: 1%");
  verb.add_option_function<std::string>(
      "--calibration",
      [&options](const std::string& file) {
        options.noise = NoiseOf(ParseCalibration(LoadBytes(file), file));
      },
      "what `oomgate calibrate` found out about times on this machine");
  verb.add_option_function<std::vector<std::string>>(
          "--fail-on",
          [&fail_on](const std::vector<std::string>& words) {
            fail_on = {.regressed = false};
            for (const std::string& word : words) {
              if (word == "regressed") fail_on.regressed = true;
              if (word == "changed") fail_on.changed = true;
              if (word == "inconclusive") fail_on.inconclusive = true;
            }
            fail_on.regressed |= fail_on.changed || fail_on.inconclusive;
          },
          "regressed (default) or changed: exit 1; inconclusive: exit 3 as "
          "well; never")
      ->delimiter(',')
      ->check(CLI::IsMember({"regressed", "changed", "inconclusive", "never"}));
}

void AddComparisonFormat(CLI::App& verb, std::string& format) {
  verb.add_option("--format", format, "human, json or markdown")
      ->check(CLI::IsMember({"human", "json", "markdown"}))
      ->capture_default_str();
}

std::string ComparisonIn(const std::string& format,
                         const Comparison& comparison) {
  if (format == "json") return ComparisonJson(comparison);
  if (format == "markdown") return ComparisonMarkdown(comparison);
  return ComparisonText(comparison);
}

}  // namespace oomgate
