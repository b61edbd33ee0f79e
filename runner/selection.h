// SPDX-License-Identifier: Apache-2.0
// Which instances a user means by ids, globs and instance names.
#pragma once

#include <string>
#include <vector>

#include "runner/catalogue.h"

namespace oomgate {

// The cases that are meant, each with only its meant instances, in the order of
// the catalogue. A pattern is an id, a glob over ids ("pages/*"), or either
// with exact parameters ("pages/zero_page[touch=write]"). Without patterns:
// every case that is not meta; a glob means meta cases only where it names
// their folder. Instances beyond the suite are meant only by their id. Throws
// UserError, with the closest ids, where a pattern matches nothing.
std::vector<CaseInfo> Select(const Catalogue& catalogue,
                             const std::vector<std::string>& patterns,
                             Suite suite = Suite::kDefault);

// The ids that resemble `text` most, best first; at most three.
std::vector<std::string> ClosestIds(const Catalogue& catalogue,
                                    const std::string& text);

}  // namespace oomgate
