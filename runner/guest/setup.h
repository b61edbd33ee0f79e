// SPDX-License-Identifier: Apache-2.0
// Makes a bare guest the place that the orders ask for: file systems, modules,
// swap, settings. What cannot be done is found by the judge, which checks.
#pragma once

#include <string>

#include "runner/launch/orders.h"

namespace oomgate {

// A line in the kernel's log: the only voice outside the record stream.
void Say(const std::string& text);

// /proc, /sys, /dev: before anything can be read. The console then shows all
// kernel messages.
void MountBasics();

// Everything that the orders ask for; the folder of the memory controller, or
// "" where this kernel has none of the version wanted.
std::string Prepare(const GuestOrders& orders);

}  // namespace oomgate
