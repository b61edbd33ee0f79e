// SPDX-License-Identifier: Apache-2.0
// Playing steps: readings before, act, readings after. Nothing here allocates
// in the subject.
#include "cases/kit/play.h"

#include <algorithm>
#include <array>
#include <set>

namespace oomgate {
namespace {

constexpr std::size_t kMostReadings = 64;

void PlayStep(const Step& step, Scene& scene, bool acts) {
  std::array<std::int64_t, kMostReadings> before{};
  std::size_t i = 0;
  for (const Reading& reading : step.readings) {
    if (reading.change) before[i] = reading.read(scene);
    ++i;
  }
  if (acts) {
    step.act(scene);
  } else if (step.returns_errno) {
    scene.Set(kErrno, 0);
  }
  i = 0;
  for (const Reading& reading : step.readings) {
    const std::int64_t now = reading.read(scene);
    if (!reading.name.empty()) scene.Set(reading.name.c_str(), now - before[i]);
    ++i;
  }
}

// The name of the step, or "#" and its number, from 1.
bool IsCalled(const Step& step, int at, const std::string& name) {
  return step.name == name || "#" + std::to_string(at + 1) == name;
}

std::string NameOfOnlyStep(const std::string& id) {
  return id.substr(id.rfind('/') + 1);
}

}  // namespace

std::vector<Step> StepsOf(const Case& definition, const Params& params,
                          const Facts& facts) {
  if (definition.steps) return definition.steps.Make(params, facts);
  Step step;
  step.name = NameOfOnlyStep(definition.id);
  return {step};
}

std::string MistakeIn(const std::vector<Step>& steps) {
  constexpr std::size_t kLongest = 64;
  std::set<std::string> names;
  for (const Step& step : steps) {
    if (step.name.empty() || step.name.size() > kLongest ||
        step.name.front() == '#' || step.name.front() == '/' ||
        std::ranges::any_of(step.name,
                            [](char c) { return c < ' ' || c > '~'; })) {
      return "the step '" + step.name +
             "' has a name of no, or of odd, letters";
    }
    if (!names.insert(step.name).second) {
      return "two steps are called '" + step.name + "'";
    }
    if (step.readings.size() > kMostReadings) {
      return "the step '" + step.name + "' has too many readings";
    }
  }
  return "";
}

std::vector<std::string> NamesOf(const std::vector<Step>& steps) {
  std::vector<std::string> names;
  for (const Step& step : steps) names.push_back(step.name);
  names.emplace_back("clean-up");
  return names;
}

std::function<void(Trace&)> PlayOf(const Case& definition, const Params& params,
                                   const Facts& facts,
                                   const std::vector<Step>& steps,
                                   const std::string& without) {
  if (!definition.steps) {
    const bool acts = !IsCalled(steps.front(), 0, without);
    return [&definition, &params, &facts, acts](Trace& trace) {
      if (acts) definition.subject(trace, params, facts);
    };
  }
  const int count = static_cast<int>(steps.size());
  int idle = 0;
  while (idle < count &&
         !IsCalled(steps[static_cast<std::size_t>(idle)], idle, without))
    ++idle;
  const std::function<void(Scene&)> play = [&steps, count, idle](Scene& scene) {
    for (int at = 0; at < count; ++at) {
      const Step& step = steps[static_cast<std::size_t>(at)];
      if (!step.left_out.empty()) continue;
      scene.trace.BeginStep(at);
      PlayStep(step, scene, at != idle);
    }
    scene.trace.BeginStep(count);
  };
  return [&definition, &params, &facts, play](Trace& trace) {
    definition.steps.WithScene(trace, params, facts, play);
  };
}

}  // namespace oomgate
