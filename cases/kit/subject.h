// SPDX-License-Identifier: Apache-2.0
// Processes that do deeds: the subject, watched until it ends, and bystanders,
// which only have to live.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "cases/kit/box.h"
#include "oomgate/case.h"

namespace oomgate {

// What a watched subject held at one time.
struct Sample {
  std::int64_t milliseconds = 0;  // since its start
  Bytes rss;
  Bytes page_tables;
  Bytes box_free;              // below the box's limit, or free in the machine
  std::int64_t oom_kills = 0;  // in the box, ever
};

struct SubjectEnd {
  int status = 0;  // wait(2) status
  bool deadline = false;
  std::string broken;  // why it could not start; "" where it did
  Bytes peak_rss;      // ru_maxrss
  std::vector<Sample> samples;
};

// `play` is what it does, in the box.
SubjectEnd RunSubject(const Case& definition, const BoxView& box, Trace& trace,
                      const std::function<void(Trace&)>& play);

class BystanderProcess {
 public:
  // Starts it and waits until it is prepared; broken() says why it is not.
  BystanderProcess(const Bystander& bystander, const Params& params,
                   const Facts& facts, const BoxView& box);
  ~BystanderProcess();
  BystanderProcess(const BystanderProcess&) = delete;
  BystanderProcess& operator=(const BystanderProcess&) = delete;

  const std::string& name() const { return name_; }
  const std::string& broken() const { return broken_; }
  bool Lives();
  const Trace& trace() const { return *trace_; }

 private:
  std::string name_;
  std::string broken_;
  Trace* trace_;
  pid_t pid_ = -1;
};

}  // namespace oomgate
