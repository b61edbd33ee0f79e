// SPDX-License-Identifier: Apache-2.0
// Settings as people write them: "vm.swappiness=10", "thp=never".
#pragma once

#include <string>

#include "oomgate/model/needs.h"

namespace oomgate {

// NAME=VALUE, where NAME is a sysctl (vm.overcommit_memory), `thp` or
// `thp.FILE` (below /sys/kernel/mm/transparent_hugepage, `thp` is `enabled`),
// or a path below /proc/sys or /sys. Throws UserError.
Setting ParseSetting(const std::string& text);

}  // namespace oomgate
