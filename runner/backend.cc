// SPDX-License-Identifier: Apache-2.0
// An order as the launcher takes it.
#include "runner/backend.h"

namespace oomgate {

JudgeOrder JudgeOrderOf(const Order& order) {
  JudgeOrder judge;
  judge.instance = ToText(order.name);
  judge.blast = order.blast;
  if (order.blast == Blast::kCgroup) {
    judge.box = order.needs.memory;
    judge.knobs = order.needs.box;
  }
  judge.timeout_seconds = order.timeout_seconds;
  judge.invert = order.invert;
  judge.without = order.without;
  return judge;
}

}  // namespace oomgate
