// SPDX-License-Identifier: Apache-2.0
// Steps: the rows of a case. A row is a name, an act in the subject, and what
// is expected of it, side by side.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "oomgate/facts.h"
#include "oomgate/model/params.h"
#include "oomgate/outcome.h"
#include "oomgate/trace.h"

namespace oomgate {

// What the acts of a case share. It is made in the subject, before the first
// step: a case derives its own and maps there what the steps work on.
struct Scene {
  Trace& trace;
  const Params& p;
  const Facts& f;
  // A value of the step that runs.
  template <typename T>
  void Set(const char* name, T value) const {
    trace.Set(name, value);
  }
};

// A bug that is known: between the two kernels, `since` included and `fixed`
// not, what is expected may not hold ("known" instead of "fail").
struct Known {
  std::string what;  // and the fixing commit
  KernelVersion since = {};
  KernelVersion fixed = {};
};

// A number that is taken right after the act of a step.
struct Reading {
  std::string name;  // "" where it sets its values by itself
  std::function<std::int64_t(Scene&)> read;
  bool change = false;  // taken before the act, too: the difference counts
};

struct Step {
  std::string name;
  std::function<void(Scene&)> act;
  std::vector<Reading> readings;
  Oracle expect;
  bool returns_errno = false;  // the act returns 0 or errno
  std::string left_out;        // why it does not apply here; "" where it does
  std::vector<Known> known;    // its checks may fail between these kernels
  std::string holds_without;   // why its checks also hold without its act
};

namespace internal {

// With the scene (also as its member) or, where it needs none, without.
template <typename S, typename F>
auto Call(const F& f, Scene& scene) {
  if constexpr (std::invocable<const F&, S&>) {
    return std::invoke(f, static_cast<S&>(scene));
  } else {
    return f();
  }
}
template <typename S, typename F>
using ResultOf =
    decltype(Call<S>(std::declval<const F&>(), std::declval<Scene&>()));
// What the matcher of a reading is about.
template <typename S, typename F>
using ReadAs = std::conditional_t<std::same_as<ResultOf<S, F>, Bytes>, Bytes,
                                  std::int64_t>;

inline Oracle Expecting(const std::string& name,
                        const testing::Matcher<Bytes>& inner) {
  return Size(name, inner);
}
inline Oracle Expecting(const std::string& name,
                        const testing::Matcher<std::int64_t>& inner) {
  return Count(name, inner);
}
constexpr std::int64_t NumberOf(Bytes size) { return size.count; }
constexpr std::int64_t NumberOf(std::int64_t number) { return number; }

}  // namespace internal

// By how much a reading changes from before the act to after it.
template <typename Read, typename Inner>
struct ChangeOf {
  std::string name;
  Read read;
  Inner inner;
};
template <typename Read, typename Inner>
ChangeOf<Read, Inner> Change(std::string name, Read read, Inner inner) {
  return {std::move(name), std::move(read), std::move(inner)};
}

// A reading right after the act: what one is made of.
template <typename Read, typename Inner>
struct IsOf {
  std::string name;
  Read read;
  Inner inner;
};
template <typename Read, typename Inner>
IsOf<Read, Inner> Is(std::string name, Read read, Inner inner) {
  return {std::move(name), std::move(read), std::move(inner)};
}

// One expectation of a step (of a scene S):
//   Is("rss", &S::Rss, 4_MiB)    a reading right after the act (a function, a
//                                lambda or a member), and its matcher; inside
//                                braces {"rss", &S::Rss, 4_MiB} does, too
//   Change("VmLck", Read, 4_MiB)   by how much the act changes a reading
//   Size("peak", Le(4_MiB))      a value that the act Set by itself
//   {[](S& s) { s.Set("a", …); s.Set("b", …); }, AllOf(…)}
//                                several values that are read at once
//   OomKilled()                  how the subject ended: in its last step
template <typename S>
class Row {
 public:
  Row(Oracle oracle) : expect_(std::move(oracle)) {}

  template <typename Read>
  Row(const std::string& name, Read read,
      testing::Matcher<internal::ReadAs<S, Read>> inner)
      : expect_(internal::Expecting(name, inner)) {
    AddReading(name, std::move(read), false);
  }

  template <typename Read, typename Inner>
  Row(IsOf<Read, Inner> is)
      : Row(is.name, std::move(is.read),
            testing::Matcher<internal::ReadAs<S, Read>>(std::move(is.inner))) {}

  template <typename Read, typename Inner>
  Row(ChangeOf<Read, Inner> change)
      : expect_(internal::Expecting(change.name,
                                    testing::Matcher<internal::ReadAs<S, Read>>(
                                        std::move(change.inner)))) {
    AddReading(change.name, std::move(change.read), true);
  }

  template <typename Measure>
  requires std::is_void_v<internal::ResultOf<S, Measure>> Row(Measure measure,
                                                              Oracle oracle)
      : expect_(std::move(oracle)) {
    readings_.push_back({"", [measure](Scene& s) -> std::int64_t {
                           internal::Call<S>(measure, s);
                           return 0;
                         }});
  }

  // Several as one.
  Row(std::vector<Row> rows) {
    for (const Row& row : rows) row.AddTo(readings_, expect_);
  }

  void AddTo(std::vector<Reading>& readings, Oracle& expect) const {
    readings.insert(readings.end(), readings_.begin(), readings_.end());
    expect += expect_;
  }

 private:
  template <typename Read>
  void AddReading(const std::string& name, Read read, bool change) {
    readings_.push_back({name,
                         [read](Scene& s) -> std::int64_t {
                           return internal::NumberOf(
                               internal::Call<S>(read, s));
                         },
                         change});
  }

  std::vector<Reading> readings_;
  Oracle expect_;
};
template <typename S>
using Rows = std::vector<Row<S>>;

// A row of a case. The act returns nothing, or 0 or errno: then the value
// "errno" is expected to be 0, unless a row expects it to be something else
// (Refused).
template <typename S>
class StepOf : public Step {
 public:
  // The rows follow one by one, or in braces.
  template <typename Act, typename... More>
  requires(std::convertible_to<const More&, Row<S>>&&...)
      StepOf(std::string step, Act deed, const More&... rows)
      : StepOf(std::move(step), std::move(deed), Rows<S>{rows...}) {}

  template <typename Act>
  StepOf(std::string step, Act deed, const Rows<S>& rows) {
    name = std::move(step);
    for (const Row<S>& row : rows) row.AddTo(readings, expect);
    if constexpr (std::is_void_v<internal::ResultOf<S, Act>>) {
      act = [deed](Scene& s) { internal::Call<S>(deed, s); };
    } else {
      returns_errno = true;
      act = [deed](Scene& s) {
        s.Set(kErrno, internal::NumberOf(internal::Call<S>(deed, s)));
      };
      if (!expect.LooksAt(kErrno)) expect += Count(kErrno, 0);
    }
  }

  // It does not apply here, for that reason; "" where it does.
  StepOf& LeftOut(std::string why) {
    left_out = std::move(why);
    return *this;
  }
  // A bug that is known, in this step.
  StepOf& KnownBug(Known bug) {
    known.push_back(std::move(bug));
    return *this;
  }
  // Why its checks hold also where its act does nothing: they say that nothing
  // changes, or what an earlier step did.
  StepOf& HoldsWithout(std::string why) {
    holds_without = std::move(why);
    return *this;
  }
};
template <typename S>
using Steps = std::vector<StepOf<S>>;

// The call of the act is refused.
inline Oracle Refused(int error) { return Count(kErrno, error); }

// The steps of a case and the scene that they work on.
class Script {
 public:
  Script() = default;
  template <typename S>
  Script(Steps<S> (*make)(const Params&, const Facts&))
      : make_([make](const Params& p, const Facts& f) {
          const Steps<S> steps = make(p, f);
          return std::vector<Step>(steps.begin(), steps.end());
        }),
        with_scene_([](Trace& trace, const Params& p, const Facts& f,
                       const std::function<void(Scene&)>& play) {
          if constexpr (std::is_same_v<S, Scene>) {
            S scene{trace, p, f};
            play(scene);
          } else if constexpr (std::is_aggregate_v<S>) {
            S scene{{trace, p, f}};
            play(scene);
          } else {
            S scene(trace, p, f);
            play(scene);
          }
        }) {}

  explicit operator bool() const { return make_ != nullptr; }
  // For the judge, before the subject starts: it allocates.
  std::vector<Step> Make(const Params& p, const Facts& f) const {
    return make_(p, f);
  }
  // For the subject.
  void WithScene(Trace& trace, const Params& p, const Facts& f,
                 const std::function<void(Scene&)>& play) const {
    with_scene_(trace, p, f, play);
  }

 private:
  std::function<std::vector<Step>(const Params&, const Facts&)> make_;
  std::function<void(Trace&, const Params&, const Facts&,
                     const std::function<void(Scene&)>&)>
      with_scene_;
};

}  // namespace oomgate
