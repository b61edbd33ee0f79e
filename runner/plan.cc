// SPDX-License-Identifier: Apache-2.0
// Every instance gets a guest of its own; on a host and in cgroups they follow
// each other.
#include "runner/plan.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace oomgate {
namespace {

Bytes BoxOf(const Needs& needs) {
  return needs.memory.count > 0 ? needs.memory : kDefaultBox;
}

Bytes RoundedToMiB(Bytes size) {
  return ((size + 1_MiB - 1_B) / 1_MiB) * 1_MiB;
}

// RAM that a guest must have for the instance.
Bytes LeastGuest(Blast blast, const Needs& needs) {
  switch (blast) {
    case Blast::kMachine:
      return kSmallestGuest;  // the machine is the box: any size is an answer
    case Blast::kCgroup:
      return BoxOf(needs) + kBesideBox;
    case Blast::kProcess:
      return needs.memory;
  }
  return needs.memory;
}

Bytes GuestMemory(Blast blast, const Needs& needs) {
  if (blast == Blast::kMachine) {
    return needs.memory.count > 0 ? RoundedToMiB(needs.memory) : kDefaultGuest;
  }
  Bytes memory = kDefaultGuest;
  while (memory < LeastGuest(blast, needs)) memory = memory * 2;
  return memory;
}

std::string NeedAndHave(const std::string& what, const std::string& need,
                        const std::string& have) {
  return "needs " + what + (need.empty() ? "" : " ") + need + ", has " + have;
}

std::string WhyNotHere(Place place, Blast blast, const Needs& needs,
                       const Machine& machine) {
  if (needs.alone) return "needs a machine of its own";
  if (needs.disk.count > 0) return "needs a scratch disk: a guest's only";
  if (needs.cpus > machine.cpus) {
    return NeedAndHave("CPUs:", std::to_string(needs.cpus),
                       std::to_string(machine.cpus));
  }
  if (needs.nodes > machine.nodes) {
    return NeedAndHave("NUMA nodes:", std::to_string(needs.nodes),
                       std::to_string(machine.nodes));
  }
  // What is not free would be taken from others before a box is full.
  if (needs.memory > machine.available) {
    return NeedAndHave("available memory:", ToText(needs.memory),
                       ToText(machine.available));
  }
  // A box is made without swap: what it does must not depend on the machine's.
  const Bytes swap =
      place == Place::kCgroup && blast == Blast::kCgroup ? 0_B : machine.swap;
  if (needs.swap > swap) {
    return NeedAndHave("swap:", ToText(needs.swap), ToText(swap));
  }
  if (needs.cgroup != 0 && needs.cgroup != machine.cgroup) {
    return NeedAndHave(
        "memory controller", "v" + std::to_string(needs.cgroup),
        machine.cgroup == 0 ? "none" : "v" + std::to_string(machine.cgroup));
  }
  return "";
}

std::string WhyNotInGuest(Blast blast, const Needs& needs,
                          const PlanOptions& options) {
  if (options.memory && *options.memory < LeastGuest(blast, needs)) {
    return NeedAndHave("memory:", ToText(LeastGuest(blast, needs)),
                       ToText(*options.memory));
  }
  const Bytes guest =
      options.memory.value_or(GuestMemory(blast, needs)) + kBesideGuest;
  if (guest > options.machine.available) {
    return NeedAndHave("available memory:", ToText(guest),
                       ToText(options.machine.available));
  }
  if (options.swap && needs.no_swap && options.swap->count > 0) {
    return NeedAndHave("no swap", "", ToText(*options.swap));
  }
  if (options.swap && *options.swap < needs.swap) {
    return NeedAndHave("swap:", ToText(needs.swap), ToText(*options.swap));
  }
  if (options.cpus && *options.cpus < needs.cpus) {
    return NeedAndHave("CPUs:", std::to_string(needs.cpus),
                       std::to_string(*options.cpus));
  }
  if (options.clock == Clock::kInstructions && needs.cpus > 1) {
    return NeedAndHave("CPUs:", std::to_string(needs.cpus),
                       "1: the instruction clock knows no more");
  }
  if (options.nodes && *options.nodes < needs.nodes) {
    return NeedAndHave("NUMA nodes:", std::to_string(needs.nodes),
                       std::to_string(*options.nodes));
  }
  if (options.cgroup && needs.cgroup != 0 && *options.cgroup != needs.cgroup) {
    return NeedAndHave("memory controller", "v" + std::to_string(needs.cgroup),
                       "v" + std::to_string(*options.cgroup));
  }
  for (const Setting& needed : needs.settings) {
    for (const Setting& wanted : options.settings) {
      if (wanted.path != needed.path || wanted.value == needed.value) continue;
      return NeedAndHave(needed.path + " =", needed.value, wanted.value);
    }
  }
  return "";
}

std::string ReasonOfSkip(const CaseInfo& info, const InstanceInfo& instance,
                         const PlanOptions& options) {
  if (!HasStep(info, options.without)) {
    return "has no step '" + options.without + "'";
  }
  std::string reason;
  const auto add = [&](Place place, const std::string& why) {
    reason +=
        (reason.empty() ? "" : "; ") + std::string(ToText(place)) + ": " + why;
  };
  for (const Place place : options.places) {
    add(place, WhyNot(place, info.blast, instance.needs, options));
  }
  for (const auto& [place, why] : options.unusable) {
    if (Contains(place) >= info.blast) add(place, "not usable here: " + why);
  }
  return reason.empty() ? "no place to run it in" : reason;
}

class Planner {
 public:
  explicit Planner(const PlanOptions& options) : options_(options) {}

  void Add(const CaseInfo& info, InstanceInfo instance) {
    const InstanceName name{info.id, instance.params};
    // A setting that is left alone is no need.
    std::erase_if(instance.needs.settings, [&](const Setting& setting) {
      return setting.path == options_.without;
    });
    bool planned = false;
    for (const Place place : options_.places) {
      if (!HasStep(info, options_.without)) break;
      if (!WhyNot(place, info.blast, instance.needs, options_).empty()) {
        continue;
      }
      planned = true;
      const Shape shape = ShapeFor(place, info.blast, instance.needs, options_);
      GroupFor(shape, instance).orders.push_back(OrderOf(info, instance));
      plan_.order.push_back({ToText(shape), name});
    }
    if (planned) return;
    Result skip;
    skip.id = name.id;
    skip.params = name.params;
    skip.verdict = Verdict::kSkip;
    skip.reason = ReasonOfSkip(info, instance, options_);
    plan_.skipped.push_back(std::move(skip));
    plan_.order.push_back({"", name});
  }

  Plan Take() {
    std::ranges::stable_sort(plan_.groups, {}, [](const OrderGroup& group) {
      return static_cast<int>(group.shape.place);
    });
    return std::move(plan_);
  }

 private:
  Order OrderOf(const CaseInfo& info, const InstanceInfo& instance) const {
    Order order{.name = {info.id, instance.params},
                .blast = info.blast,
                .needs = instance.needs,
                .timeout_seconds =
                    options_.timeout_seconds.value_or(instance.timeout_seconds),
                .invert = options_.invert,
                .panics = info.panics,
                .without = options_.without};
    if (info.blast == Blast::kCgroup) order.needs.memory = BoxOf(order.needs);
    return order;
  }

  OrderGroup& GroupFor(const Shape& shape, const InstanceInfo& instance) {
    // Settings are made to hold by a guest; elsewhere the judge checks them.
    std::vector<Setting> settings;
    if (shape.place == Place::kVm) settings = instance.needs.settings;
    std::ranges::sort(settings, {}, &Setting::path);
    std::vector<std::string> shown;
    if (shape.place == Place::kVm) {
      // The same value twice does no harm.
      for (const Setting& wanted : options_.settings) {
        settings.push_back(wanted);
        shown.push_back(wanted.path);
      }
    }
    // A guest for each: no case sees what another one left behind.
    if (shape.place != Place::kVm) {
      for (OrderGroup& group : plan_.groups) {
        if (group.shape == shape) return group;
      }
    }
    plan_.groups.push_back({shape, std::move(settings), std::move(shown), {}});
    return plan_.groups.back();
  }

  const PlanOptions& options_;
  Plan plan_;
};

}  // namespace

bool HasStep(const CaseInfo& info, const std::string& step) {
  if (step.empty()) return true;
  const auto& steps = info.steps;
  // "#2": the second one.
  if (step.front() == '#') {
    const int number = std::atoi(step.c_str() + 1);
    return number > 0 && static_cast<std::size_t>(number) <= steps.size();
  }
  // A setting that is left alone, by its path.
  if (step.front() == '/') {
    return std::ranges::any_of(
        info.instances, [&](const InstanceInfo& instance) {
          return std::ranges::any_of(
              instance.needs.settings,
              [&](const Setting& setting) { return setting.path == step; });
        });
  }
  return std::ranges::find(steps, step) != steps.end();
}

std::string WhyNot(Place place, Blast blast, const Needs& needs,
                   const PlanOptions& options) {
  if (Contains(place) < blast) {
    return "the case reaches as far as its " + std::string(ToText(blast)) +
           ", this place contains only a " + ToText(Contains(place));
  }
  return place == Place::kVm ? WhyNotInGuest(blast, needs, options)
                             : WhyNotHere(place, blast, needs, options.machine);
}

Shape ShapeFor(Place place, Blast blast, const Needs& needs,
               const PlanOptions& options) {
  Shape shape{.place = place};
  if (place == Place::kCgroup) {
    shape.cgroup = options.machine.cgroup;
    if (blast == Blast::kCgroup) shape.memory = BoxOf(needs);
  }
  if (place == Place::kVm) {
    shape.memory = options.memory.value_or(GuestMemory(blast, needs));
    shape.cpus = options.cpus.value_or(needs.cpus);
    shape.nodes = options.nodes.value_or(needs.nodes);
    shape.swap = RoundedToMiB(options.swap.value_or(needs.swap));
    shape.cgroup = options.cgroup.value_or(needs.cgroup == 1 ? 1 : 2);
    shape.disk = RoundedToMiB(needs.disk);
    shape.clock = options.clock;
  }
  return shape;
}

Plan MakePlan(const std::vector<CaseInfo>& cases, const PlanOptions& options) {
  Planner planner(options);
  for (const CaseInfo& info : cases) {
    for (const InstanceInfo& instance : info.instances) {
      planner.Add(info, instance);
    }
  }
  return planner.Take();
}

}  // namespace oomgate
