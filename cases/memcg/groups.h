// SPDX-License-Identifier: Apache-2.0
// Groups below groups, who is in them, and readings of their files as rows.
#pragma once

#include <concepts>
#include <functional>
#include <utility>

#include "cases/memcg/stat.h"
#include "oomgate/case.h"

namespace oomgate {

// What a row expects where it depends: of a size, or of a count.
using SizeIs = testing::Matcher<Bytes>;
using CountIs = testing::Matcher<std::int64_t>;

// The subject is its member while this lives.
class OwnGroup : public GroupInBox {
 public:
  OwnGroup(Trace& trace, const Facts& f) : GroupInBox(trace, f), trace_(trace) {
    Enter(trace);
  }
  ~OwnGroup() { self().Enter(trace_); }

 private:
  Trace& trace_;
};

// A child of a group without members: made, and removed, with this. What it
// has counts for its parent, too.
class ChildGroup : public Group {
 public:
  ChildGroup(Trace& trace, const Group& parent, const char* name)
      : Group(parent.PathOf(name).text), trace_(trace) {
    // In v1 it always does since 5.11.
    if (parent.Has("memory.use_hierarchy")) {
      parent.Set(trace, "memory.use_hierarchy", "1");
    } else {
      parent.GiveToChildren(trace);
    }
    parent.Child(trace, name);
  }
  ~ChildGroup() { Remove(trace_); }
  ChildGroup(const ChildGroup&) = delete;
  ChildGroup& operator=(const ChildGroup&) = delete;

 private:
  Trace& trace_;
};

// A child of the subject that is a member of a group. It works in turns with
// the subject: it pauses, and a step lets it go on. Its group kills it in the
// end.
class Member {
 public:
  static constexpr int kRuns = -1;  // instead of a wait(2) status

  explicit Member(Trace& trace) : trace_(trace), go_(trace), paused_(trace) {}

  template <typename Body>
  void Start(const Group& group, Body body) {
    written_ = &trace_.Counter("written");
    pid_ = StartChildIn(trace_, group, body);
  }
  // Up to its first pause.
  template <typename Body>
  void RunToPause(const Group& group, Body body) {
    Start(group, body);
    AwaitPause();
  }
  void AwaitPause() { paused_.Pass(); }
  // Up to its next pause.
  void GoOn() {
    if (pid_ == 0) return;
    go_.Open();
    AwaitPause();
  }
  // Its wait(2) status, or kRuns.
  int EndWithin(int milliseconds) {
    int status = kRuns;
    if (pid_ == 0 || EndsWithin(pid_, milliseconds, status)) pid_ = 0;
    return status;
  }
  // The same of one that pauses, to its end.
  int Finish(int milliseconds = 20000) {
    go_.Open();
    return EndWithin(milliseconds);
  }
  void Kill() {
    if (pid_ != 0) EndChild(pid_);
    pid_ = 0;
  }
  bool Lives() const { return pid_ != 0 && ProcessState(pid_) != 'Z'; }
  pid_t pid() const { return pid_; }
  // What it has written (WritePages), since it started.
  Bytes Written() const { return {written_ == nullptr ? 0 : written_->load()}; }

  // For the member itself.
  void Pause() {
    paused_.Open();
    go_.Pass();
  }

 private:
  Trace& trace_;
  Gate go_;
  Gate paused_;
  pid_t pid_ = 0;
  std::atomic<std::int64_t>* written_ = nullptr;
};

// A file of a group, kept open: then reading it is charged nothing.
inline int OpenIn(Trace& trace, const Group& group, const char* file,
                  int access = O_RDONLY) {
  return Must(trace, file, open(group.PathOf(file).text, access | O_CLOEXEC));
}
// The number that it begins with; -1 where there is none.
inline std::int64_t NumberIn(int file) {
  char text[32] = {};
  return pread(file, text, sizeof text - 1, 0) > 0 ? std::atoll(text) : -1;
}

// A number in a file of a group of the scene, for a row: as a size, or as a
// count.
template <typename S, typename G>
auto SizeIn(G S::*group, const char* file, const char* key = nullptr) {
  return [=](S& s) {
    const Group& g = s.*group;
    return Bytes{key == nullptr ? g.Number(file) : g.Field(file, key)};
  };
}
template <typename S, typename G>
auto CountIn(G S::*group, const char* file, const char* key = nullptr) {
  return [=](S& s) { return SizeIn(group, file, key)(s).count; };
}

template <typename S, typename G>
auto Event(G S::*group, const char* key) {
  return CountIn(group, "memory.events", key);
}
template <typename S, typename G>
auto Stat(G S::*group, const char* key) {
  return SizeIn(group, "memory.stat", key);
}

// An act: a member writes so much, and ends, or is killed. Sets "status", of
// wait(2), and what WritePages sets.
template <typename S, typename G>
auto WriteIn(G S::*group, Bytes size) {
  return [=](S& s) {
    s.Set("status", RunChildIn(s.trace, s.*group, [&] {
            WritePages(s.trace, MapAnonymous(s.trace, size));
          }));
  };
}

// Writes so much to a file, or as much as can be; counts "written". What ended
// it early: an errno, else 0.
inline int WriteFile(Trace& trace, int file, Bytes size) {
  static char page[4096];
  for (Bytes at; at < size; at += kPage) {
    const int error = ErrnoOf(write(file, page, sizeof page));
    if (error != 0) return error;
    trace.Set("written", at + kPage);
  }
  return 0;
}

// A row whose reading is told a moment later: it is taken until it is as
// expected, for at most 5 s.
template <typename Read, typename Inner>
struct SoonOf {
  std::string name;
  Read read;
  Inner inner;

  template <typename S>
  operator Row<S>() const {
    const auto now = [read = read](S& s) {
      if constexpr (std::invocable<const Read&, S&>) {
        return std::invoke(read, s);
      } else {
        return read();
      }
    };
    using Value = decltype(now(std::declval<S&>()));
    const testing::Matcher<Value> expected(inner);
    const auto once = [=](S& s) {
      return OnceHolds(
          5000, [&] { return now(s); },
          [&](Value value) { return expected.Matches(value); });
    };
    return {name, once, expected};
  }
};
template <typename Read, typename Inner>
SoonOf<Read, Inner> Soon(std::string name, Read read, Inner inner) {
  return {std::move(name), std::move(read), std::move(inner)};
}

// A probe: two files of a group are no older.
inline std::string WhyNoPeakNorReclaim(const Params&, const Facts& f) {
  return f.kernel < KernelVersion{5, 19}
             ? "memory.peak and memory.reclaim came with 5.19"
             : "";
}

// A number of memory.stat that stands for `size`.
inline auto About(const Facts& f, Bytes size) {
  return Between(size - StatError(f), size + StatError(f));
}

}  // namespace oomgate
