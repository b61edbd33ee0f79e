// SPDX-License-Identifier: Apache-2.0
// A place that instances run in, as the plan and `run` see it.
//
//   plan ─▶ OrderGroup ─▶ Backend::Run ─▶ record lines ─▶ Collector ─▶ Sink
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oomgate/model/environment.h"
#include "oomgate/model/needs.h"
#include "oomgate/model/params.h"
#include "oomgate/model/profile.h"
#include "oomgate/model/result.h"
#include "oomgate/model/run.h"
#include "runner/cancel.h"
#include "runner/launch/orders.h"

namespace oomgate {

// One instance to run.
struct Order {
  InstanceName name;
  Blast blast = Blast::kProcess;
  Needs needs;
  int timeout_seconds = 30;  // the subject's
  bool invert = false;       // the oracle's negation is expected
  std::string panics = {};   // what the guest's kernel is to panic with
  std::string without = {};  // the step whose act is left out
};

// The same for the launcher. Else than a cgroup's, a box needs no making.
JudgeOrder JudgeOrderOf(const Order& order);

// Instances that share one place: same shape, same settings.
struct OrderGroup {
  Shape shape;
  std::vector<Setting> settings;   // a guest makes them hold before it starts
  std::vector<std::string> shown;  // files whose content a guest tells first
  std::vector<Order> orders;
};

// Where everything that happens is told to. Called from several threads.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void OnLine(std::string_view json) = 0;  // a record, as received
  virtual void OnStart(const Start& start) = 0;
  virtual void OnBegin(const OrderGroup& group, const InstanceName& name) = 0;
  virtual void OnProfile(const Profile&) {}  // after its result, if at all
  virtual void OnResult(const Result& result) = 0;
  virtual void OnNotice(const std::string& text) = 0;  // "booting vm-256m-1cpu"
};

class Backend {
 public:
  virtual ~Backend() = default;
  // Why this place cannot be had here, and what to do; "" where it can.
  virtual std::string Missing() = 0;
  // Runs every order of the group: a result for each, unless cancelled.
  virtual void Run(const OrderGroup& group, Sink& sink,
                   const Cancel& cancel) = 0;
};

}  // namespace oomgate
