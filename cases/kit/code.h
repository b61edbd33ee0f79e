// SPDX-License-Identifier: Apache-2.0
// The pages of this program's own code and constants.
#pragma once

namespace oomgate {

// Unmaps the code pages that came along with the judge's work: a subject's RSS
// is then its own. What it runs again is faulted in again; the page tables for
// all of the program stay.
void DropCode();

}  // namespace oomgate
