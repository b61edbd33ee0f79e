// SPDX-License-Identifier: Apache-2.0
// One mutex over files and report: a run is a few lines per second.
#include "runner/record/recorder.h"

#include <algorithm>
#include <utility>

#include "oomgate/model/json.h"

namespace oomgate {
namespace {

using std::chrono::steady_clock;

// Results come in bursts; a crash costs run.json no more than this, and
// records.jsonl nothing.
constexpr std::chrono::milliseconds kSaveInterval{500};

}  // namespace

class Recorder::GroupSink : public Sink {
 public:
  GroupSink(Recorder& recorder, const OrderGroup& group)
      : recorder_(recorder), group_(group) {}

  void OnLine(std::string_view json) override {
    const std::scoped_lock lock(recorder_.mutex_);
    recorder_.Guarded([&] {
      // Lines of parallel groups mix: this says whose the next ones are.
      if (recorder_.last_writer_ != &group_) {
        recorder_.last_writer_ = &group_;
        recorder_.folder_.Append(
            Json{{"event", "place"},
                 {"place", ToText(group_.shape.place)},
                 {"shape", ToText(group_.shape)},
                 {"group", &group_ - recorder_.plan_.groups.data()}}
                .dump());
      }
      recorder_.folder_.Append(json);
    });
  }
  void OnStart(const Start& start) override {
    const std::scoped_lock lock(recorder_.mutex_);
    auto& starts = recorder_.run_.starts;
    if (std::ranges::none_of(starts, [&](const Start& s) {
          return SameKindOfPlace(s, start);
        })) {
      starts.push_back(start);
    }
    recorder_.report_.Started(start);
  }
  void OnBegin(const OrderGroup& group, const InstanceName& name) override {
    const std::scoped_lock lock(recorder_.mutex_);
    recorder_.report_.Began(group.shape, name);
  }
  void OnResult(const Result& result) override {
    const std::scoped_lock lock(recorder_.mutex_);
    recorder_.Add(result);
  }
  void OnProfile(const Profile& profile) override {
    const std::scoped_lock lock(recorder_.mutex_);
    recorder_.Guarded([&] { recorder_.folder_.Append(profile); });
  }
  void OnNotice(const std::string& text) override { recorder_.Notice(text); }

 private:
  Recorder& recorder_;
  const OrderGroup& group_;
};

Recorder::Recorder(Run run, const Plan& plan, RunFolder& folder, Report& report,
                   std::function<bool()> interrupted,
                   std::function<void()> on_failure)
    : run_(std::move(run)),
      plan_(plan),
      folder_(folder),
      report_(report),
      interrupted_(std::move(interrupted)),
      on_failure_(std::move(on_failure)),
      planned_(plan.order.size()),
      started_(steady_clock::now()) {
  run_.started = UtcNow();
  folder_.Save(run_);
  saved_ = steady_clock::now();
  report_.Planned(static_cast<int>(planned_),
                  static_cast<int>(plan.groups.size()));
  for (const Result& skip : plan.skipped) Add(skip);
}

Recorder::~Recorder() = default;

std::unique_ptr<Sink> Recorder::SinkFor(const OrderGroup& group) {
  return std::make_unique<GroupSink>(*this, group);
}

void Recorder::Notice(const std::string& text) {
  const std::scoped_lock lock(mutex_);
  report_.Noticed(text);
}

void Recorder::BreakPending(const OrderGroup& group,
                            const std::string& reason) {
  const std::scoped_lock lock(mutex_);
  const std::string shape = ToText(group.shape);
  for (const Order& order : group.orders) {
    if (std::ranges::any_of(run_.results, [&](const Result& r) {
          return r.shape == shape && r.id == order.name.id &&
                 r.params == order.name.params;
        })) {
      continue;
    }
    Result result;
    result.id = order.name.id;
    result.params = order.name.params;
    result.verdict = Verdict::kBroken;
    result.reason = reason;
    result.place = ToText(group.shape.place);
    result.shape = shape;
    Add(result);
  }
}

void Recorder::SaveIfBehind() {
  const std::scoped_lock lock(mutex_);
  if (behind_) Save();
}

Run Recorder::Finish() {
  const std::scoped_lock lock(mutex_);
  const auto place_of = [&](const Result& result) {
    const Plan::Slot slot{result.shape, {result.id, result.params}};
    return std::ranges::find(plan_.order, slot) - plan_.order.begin();
  };
  std::ranges::stable_sort(run_.results, {}, place_of);
  run_.interrupted = run_.results.size() < planned_;
  run_.finished = UtcNow();
  Save();
  report_.Over(
      run_, folder_.run_json().string(),
      std::chrono::duration<double>(steady_clock::now() - started_).count());
  if (failure_) std::rethrow_exception(failure_);
  return run_;
}

// Files that cannot be written end the run, but not the cleaning up of whoever
// was telling something.
void Recorder::Guarded(const std::function<void()>& write) {
  if (failure_) return;
  try {
    write();
  } catch (...) {
    failure_ = std::current_exception();
    on_failure_();
  }
}

void Recorder::Add(const Result& result) {
  if (result.verdict == Verdict::kLost && interrupted_()) return;
  run_.results.push_back(result);
  behind_ = true;
  report_.Finished(result);
  if (steady_clock::now() - saved_ >= kSaveInterval) Save();
}

void Recorder::Save() {
  Guarded([&] {
    folder_.Save(run_);
    behind_ = false;
  });
  saved_ = steady_clock::now();
}

}  // namespace oomgate
