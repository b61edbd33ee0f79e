// SPDX-License-Identifier: Apache-2.0
// The deadlines of a guest. Inside, the launcher kills a judge that is late;
// the outside gives it the time to do so, and to say it.
#include "runner/vm/progress.h"

#include "oomgate/model/json.h"
#include "runner/launch/orders.h"

namespace oomgate {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kJudge{kJudgeSeconds};
constexpr seconds kGrace{15};  // to kill it, tidy up and start the next
constexpr seconds kExit{5};    // from `end` to QEMU's

std::string InstanceIn(const Json& record) {
  return ToText(
      InstanceName{record.value("id", ""), record.value("params", Params())});
}

}  // namespace

Progress::Progress(const std::vector<Order>& orders, milliseconds boot,
                   Clock::time_point now) {
  for (const Order& order : orders) {
    timeouts_[ToText(order.name)] = order.timeout_seconds;
  }
  Allow(boot, now, "the guest was switched on");
}

void Progress::Allow(milliseconds time, Clock::time_point now,
                     std::string since) {
  allowed_ = time;
  since_ = std::move(since);
  deadline_ = now + time;
}

bool Progress::OnLine(std::string_view line, Clock::time_point now) {
  const Json record = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!record.is_object()) return false;
  try {
    const std::string event = record.value("event", "");
    if (event == "begin") {
      const std::string instance = InstanceIn(record);
      const auto it = timeouts_.find(instance);
      // Not ordered, or begun again: gets no time.
      if (it == timeouts_.end()) return true;
      Allow(seconds(it->second) + kJudge + kGrace, now, instance + " began");
      timeouts_.erase(it);
      return true;
    }
    if (event == "start") {
      started_ = true;
      Allow(kJudge + kGrace, now, "its launcher started");
    } else if (event == "symbols") {
      Allow(kJudge + kGrace, now, "it sent some of its kernel's functions");
    } else if (event == "result" || event == "lost") {
      Allow(kJudge + kGrace, now, InstanceIn(record) + " was over");
    } else if (event == "end") {
      ended_ = true;
      Allow(kExit, now, "all was done");
    }
  } catch (const Json::exception&) {  // fields of another type: no progress
  }
  return false;
}

std::string Progress::Waited() const {
  return std::to_string(allowed_.count() / 1000) + " s after " + since_;
}

}  // namespace oomgate
