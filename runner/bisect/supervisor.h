// SPDX-License-Identifier: Apache-2.0
// A parent that stays alive whatever happens to the work: the exit code that
// `git bisect run` sees is always one that it understands.
#pragma once

#include <functional>

namespace oomgate {

// "Stop the bisect": nothing is known, and the next commit would not help.
inline constexpr int kStopBisect = 255;

// What became of the work, by its wait(2) status: 0, 1 and 125 as they are;
// 125 where it was killed (SIGKILL: by the OOM killer, most likely); else 255,
// and 255 where we were told to end.
int StepExit(int status, bool told_to_end);

// Does the work in a child, and waits for it in a parent that the OOM killer
// does not take: neither the work nor what that starts inherits this. SIGINT,
// SIGTERM and the like are handed on; who then does not end, is killed.
int Supervised(const std::function<int()>& work);

}  // namespace oomgate
