// SPDX-License-Identifier: Apache-2.0
// The functions of this kernel, for who counts instructions by address.
#pragma once

#include "runner/guest/channel.h"

namespace oomgate {

// Sends `symbols` records, none where the kernel has no /proc/kallsyms. In each
// "<step> <name> " again and again: the step, hexadecimal, leads from one
// address to the next, the first from 0.
void SendSymbols(Channel& channel);

}  // namespace oomgate
