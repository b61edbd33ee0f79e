// SPDX-License-Identifier: Apache-2.0
// The stream that a guest would send, made on this machine.
#include "runner/host/judge_here.h"

#include "runner/record/collector.h"

namespace oomgate {

void JudgeHere(JudgeSetup setup, const OrderGroup& group, Sink& sink,
               const Cancel& cancel) {
  setup.cancel_fd = cancel.fd();
  Collector collector(group, sink);
  const LineSink line = [&](std::string_view text) { collector.Line(text); };
  EmitStart(line);
  for (const Order& order : group.orders) {
    if (cancel.requested()) return;
    RunJudge(setup, JudgeOrderOf(order), line);
  }
  if (cancel.requested()) return;
  collector.Line(R"({"event":"end"})");
  for (const Order& order : collector.Pending()) {
    collector.Broken(order, "the launcher reported neither begin nor result",
                     "");
  }
}

}  // namespace oomgate
