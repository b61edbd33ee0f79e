// SPDX-License-Identifier: Apache-2.0
// The box that a cgroup case exhausts: a memory cgroup, v1 or v2, made for one
// instance and always removed again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "oomgate/model/needs.h"
#include "oomgate/model/units.h"

namespace oomgate {

struct Controller {
  int version = 2;
  std::string mount;  // the folder below which boxes are made
};

// The memory controller that is mounted; v2 where both could be meant. Reads
// `mounts`, in the format of /proc/self/mounts.
std::optional<Controller> FindMemoryController(
    const std::string& mounts = "/proc/self/mounts");

// Why no box can be made there; "" where it can. Makes one, and removes it.
std::string CannotBox(const Controller& controller);

// Boxes whose oomgate was killed: their processes are ended, they are removed.
void RemoveLeftoverBoxes(const Controller& controller);

class Box {
 public:
  // Limits memory to `limit` and swap, where the controller counts it, to 0;
  // then writes `knobs`, files of the group: one that this kernel refuses or
  // lacks is for the judge to see. On failure `error` says why and folder() is
  // "".
  Box(const Controller& controller, Bytes limit,
      const std::vector<Setting>& knobs, std::string& error);
  // Kills what is still inside, waits for it, removes the folder.
  ~Box();
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
};

}  // namespace oomgate
