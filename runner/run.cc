// SPDX-License-Identifier: Apache-2.0
// Worker threads over a list of groups; the calling thread keeps run.json up
// to date meanwhile.
#include "runner/run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "runner/error.h"

namespace oomgate {
namespace {

class Workers {
 public:
  Workers(const BackendOf& backend_of, Recorder& recorder, const Cancel& cancel)
      : backend_of_(backend_of), recorder_(recorder), cancel_(cancel) {}

  void Run(const std::vector<const OrderGroup*>& groups, int jobs) {
    next_ = 0;
    const std::size_t count =
        std::min(groups.size(), static_cast<std::size_t>(std::max(1, jobs)));
    running_ = count;
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < count; ++i) {
      threads.emplace_back([this, &groups] { Work(groups); });
    }
    std::unique_lock lock(mutex_);
    while (running_ > 0) {
      done_.wait_for(lock, std::chrono::milliseconds(250));
      lock.unlock();
      recorder_.SaveIfBehind();
      lock.lock();
    }
  }

  // The first mistake of the user's that only showed while running.
  void Rethrow() const {
    if (user_error_) std::rethrow_exception(user_error_);
  }

 private:
  void Work(const std::vector<const OrderGroup*>& groups) {
    for (;;) {
      const std::size_t i = next_++;
      if (i >= groups.size() || cancel_.requested()) break;
      RunGroup(*groups[i]);
    }
    const std::scoped_lock lock(mutex_);
    --running_;
    done_.notify_all();
  }

  void RunGroup(const OrderGroup& group) {
    const std::unique_ptr<Sink> sink = recorder_.SinkFor(group);
    std::string reason = "the place ended without a result";
    try {
      backend_of_(group.shape.place).Run(group, *sink, cancel_);
    } catch (const UserError& error) {
      reason = error.what();
      const std::scoped_lock lock(mutex_);
      if (!user_error_) user_error_ = std::current_exception();
    } catch (const std::exception& error) {
      reason = error.what();
    }
    if (!cancel_.requested()) recorder_.BreakPending(group, reason);
  }

  const BackendOf& backend_of_;
  Recorder& recorder_;
  const Cancel& cancel_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::condition_variable done_;
  std::size_t running_ = 0;
  std::exception_ptr user_error_;
};

}  // namespace

void RunPlan(const Plan& plan, const BackendOf& backend_of, int jobs,
             Recorder& recorder, const Cancel& cancel) {
  std::vector<const OrderGroup*> here;
  std::vector<const OrderGroup*> guests;
  for (const OrderGroup& group : plan.groups) {
    (group.shape.place == Place::kVm ? guests : here).push_back(&group);
  }
  Workers workers(backend_of, recorder, cancel);
  workers.Run(here, 1);
  workers.Run(guests, jobs);
  workers.Rethrow();
}

int JobsThatFit(const Plan& plan, int wanted, Bytes available) {
  std::vector<Bytes> sizes;
  for (const OrderGroup& group : plan.groups) {
    if (group.shape.place == Place::kVm) {
      sizes.push_back(group.shape.memory + kBesideGuest);
    }
  }
  std::ranges::sort(sizes, std::ranges::greater());
  int jobs = 0;
  Bytes used;
  for (const Bytes size : sizes) {
    if (jobs == wanted || used + size > available) break;
    used += size;
    ++jobs;
  }
  // One always runs: whether it fits is for QEMU to say.
  return std::max(1, jobs);
}

}  // namespace oomgate
