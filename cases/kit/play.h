// SPDX-License-Identifier: Apache-2.0
// A case's deed as the subject does it, and its steps as the judge knows them:
// a case without steps has one, called like its file.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "oomgate/case.h"

namespace oomgate {

// The steps of an instance, in order. One without a script has no expectations
// here: they are made when the subject has ended.
std::vector<Step> StepsOf(const Case& definition, const Params& params,
                          const Facts& facts);

// What is wrong with them: two of one name, or a name that no report and no
// command line takes. "" for nothing.
std::string MistakeIn(const std::vector<Step>& steps);

// Their names, and one for what is done when all of them are over.
std::vector<std::string> NamesOf(const std::vector<Step>& steps);

// What the subject runs. The trace's step is that which runs; their number once
// all are done. The act of the step called `without` (or "#2": the second) is
// left out: what it returns is 0.
std::function<void(Trace&)> PlayOf(const Case& definition, const Params& params,
                                   const Facts& facts,
                                   const std::vector<Step>& steps,
                                   const std::string& without);

}  // namespace oomgate
