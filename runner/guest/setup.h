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

// What every guest of a shape has: modules, and the memory controller. Its
// folder, or "" where this kernel has none of the version wanted.
std::string PrepareShape(const GuestOrders& orders);

// What an instance asks for: swap, disk, settings.
void PrepareInstance(const GuestOrders& orders);

// Under the instruction clock: waits for a moment of the guest's time that is
// the same for all guests, booted or restored, so that timers come at the same
// instructions of what follows. Idle time passes at once. Else nothing.
void AwaitCommonTime();

}  // namespace oomgate
