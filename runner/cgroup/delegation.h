// SPDX-License-Identifier: Apache-2.0
// Where boxes go. With root that is the controller's root; without, on cgroup
// v2, a group that somebody delegated to this user.
#pragma once

#include <optional>
#include <string>

#include "runner/launch/box.h"

namespace oomgate {

// The root of the memory controller where this process may write; else the
// nearest group above this process where it may, and that passes the controller
// on already. The root also where neither is: making a box there then tells
// why not.
std::optional<Controller> FindBoxPlace();

// Whether this process may make groups in that folder, and move into them.
bool MayMakeGroups(const std::string& folder);

// A group passes a controller on only while it has no member of its own. So
// this process, where it is alone in a group that is delegated to it, moves
// into a leaf below. False where it was not alone, or nothing is delegated.
bool EnterLeaf();
// Back again, and everything as it was; nothing where it is in no such leaf.
void LeaveLeaf();

// How one gets such a group from one's own systemd.
inline constexpr const char* kDelegatedScope =
    "systemd-run --user --scope -p Delegate=yes -- ";

// Runs this program again, by the same command line, in a scope that the user's
// systemd delegates. Returns where no such systemd answers.
void RunAgainInScope();

}  // namespace oomgate
