// SPDX-License-Identifier: Apache-2.0
// The verbs of the command line; one file each.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "oomgate/model/case_info.h"

namespace oomgate {

// Each adds a verb that, when it is called, does its work and sets `exit_code`.
// They throw UserError (2) and HarnessError (70).
void AddListVerb(CLI::App& app, int& exit_code);
void AddExplainVerb(CLI::App& app, int& exit_code);
// `command` is what was typed, for the record.
void AddRunVerb(CLI::App& app, int& exit_code, const std::string& command);
void AddDoctorVerb(CLI::App& app, int& exit_code);
void AddKernelVerb(CLI::App& app, int& exit_code);
void AddFunctionsVerb(CLI::App& app, int& exit_code);
void AddCacheVerb(CLI::App& app, int& exit_code);
void AddVersionVerb(CLI::App& app, int& exit_code);

// --format=human|json.
void AddFormatOption(CLI::App& verb, std::string& format);

// --suite=quick|default|nightly.
void AddSuiteOption(CLI::App& verb, Suite& suite);

// Parses, runs the verb, prints what went wrong; returns the exit code.
int Main(int argc, char** argv);

}  // namespace oomgate
