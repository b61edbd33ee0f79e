// SPDX-License-Identifier: Apache-2.0
// oomgate doctor: exit 0 where the suite can run somewhere, else 1.
#include <cstdio>
#include <memory>
#include <string>

#include "runner/cli.h"
#include "runner/doctor.h"
#include "runner/error.h"

namespace oomgate {

void AddDoctorVerb(CLI::App& app, int& exit_code) {
  struct Options {
    std::string format = "human";
    std::string results = "results/runs";
  };
  const auto o = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "doctor", "what of this machine the suite can use, and what to mend");
  verb->add_option("--results", o->results, "folder for results")
      ->capture_default_str();
  AddFormatOption(*verb, o->format);
  verb->callback([o, &exit_code] {
    const Diagnosis diagnosis = Diagnose(o->results);
    const std::string text =
        o->format == "json" ? DoctorJson(diagnosis) : DoctorText(diagnosis);
    std::fputs(text.c_str(), stdout);
    exit_code = diagnosis.places.empty() ? kExitFailure : kExitOk;
  });
}

}  // namespace oomgate
