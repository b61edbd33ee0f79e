// SPDX-License-Identifier: Apache-2.0
// The verbs of the command line; one file each.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "oomgate/model/case_info.h"

namespace oomgate {

// Each adds a verb that, when it is called, does its work and sets `exit_code`.
// They throw UserError (2) and HarnessError (70).
void AddListVerb(CLI::App& app, int& exit_code);
void AddExplainVerb(CLI::App& app, int& exit_code);
// `command` is what was typed, for the record.
void AddRunVerb(CLI::App& app, int& exit_code, const std::string& command);
void AddPlanVerb(CLI::App& app, int& exit_code);
void AddMergeVerb(CLI::App& app, int& exit_code, const std::string& command);
void AddCalibrateVerb(CLI::App& app, int& exit_code,
                      const std::string& command);
void AddHistoryVerb(CLI::App& app, int& exit_code);
void AddCompareVerb(CLI::App& app, int& exit_code, const std::string& command);
void AddBaselineVerb(CLI::App& app, int& exit_code);
void AddBisectVerb(CLI::App& app, int& exit_code, const std::string& command);
void AddDoctorVerb(CLI::App& app, int& exit_code);
void AddKernelVerb(CLI::App& app, int& exit_code);
void AddFunctionsVerb(CLI::App& app, int& exit_code);
void AddCacheVerb(CLI::App& app, int& exit_code);
void AddReportVerb(CLI::App& app, int& exit_code);
void AddAskVerb(CLI::App& app, int& exit_code);
void AddValidateVerb(CLI::App& app, int& exit_code);
void AddVersionVerb(CLI::App& app, int& exit_code);

// --format=human|json.
void AddFormatOption(CLI::App& verb, std::string& format);

// --suite=quick|default|nightly.
void AddSuiteOption(CLI::App& verb, Suite& suite);

// --durations=RUN, may be given several times.
CLI::Option* AddDurationsOption(CLI::App& verb, std::vector<std::string>& runs);

// Parses, runs the verb, prints what went wrong; returns the exit code.
int Main(int argc, char** argv);

}  // namespace oomgate
