// SPDX-License-Identifier: Apache-2.0
// What git knows of the bisect that a step is part of.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/bisect/answer.h"

namespace oomgate {

struct GitBisect {
  std::string commit;  // checked out; "" where this is no git repository
  std::string subject;
  // Commits that this bisect has an answer for.
  std::vector<std::string> answered = {};
  int steps_after = -1;  // about; -1: no bisect goes on here
};

// Of the repository that the current folder is in.
GitBisect LookAtGit();

// What a bisect comes to, once there is nothing more to try.
struct GitCulprit {
  std::string commit;
  std::string subject;
  std::string parent;                // its first
  std::vector<std::string> skipped;  // as likely: they could not be judged
};

// With `answer` to what is checked out; nothing where git will try more, or
// where no bisect goes on.
std::optional<GitCulprit> CulpritAfter(BisectAnswer answer);

}  // namespace oomgate
