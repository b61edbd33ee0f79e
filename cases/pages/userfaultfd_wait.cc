// SPDX-License-Identifier: Apache-2.0
// Who touches a page of a range that a pager looks after waits, and goes on as
// soon as the page is put there or nobody looks after it any more.
#include <cstdio>

#include "cases/pages/toucher.h"

namespace oomgate {
namespace {

struct Scene {
  Trace& trace;
  Userfaultfd& pager;
  Range page;
  const char* source;
};

// How the one who waits is helped.
struct Way {
  const char* name;
  bool write;
  int seen;
  void (*help)(Scene&);
};

constexpr Way kWays[] = {
    {"copy", false, 7, [](Scene& s) { s.pager.Copy(s.page, s.source); }},
    {"write", true, 1, [](Scene& s) { s.pager.Copy(s.page, s.source); }},
    {"zero", false, 0, [](Scene& s) { s.pager.Zero(s.page); }},
    {"unregister", false, 0, [](Scene& s) { s.pager.Unregister(s.page); }},
    {"close", false, 0, [](Scene& s) { s.pager.Close(); }},
};

// What a pager has seen and done when a page was touched.
class Touched {
 public:
  Touched(Trace& trace, const char* name, bool write, const char* source)
      : pager(trace),
        scene{trace, pager, MapAnonymous(trace, kPage), source},
        name_(name),
        toucher_(trace, scene.page.start, write) {
    pager.Register(scene.page);
    toucher_.Start();
    uffd_msg message = {};
    Set("told", Told(pager, message) && IsAt(message, scene.page.start));
    Set("told_write",
        (message.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WRITE) != 0);
    Set("before", toucher_.Seen(0));
  }
  ~Touched() {
    // Whatever went wrong: without a pager nobody waits.
    pager.Close();
    toucher_.Join();
    Unmap(scene.trace, scene.page);
  }
  Touched(const Touched&) = delete;
  Touched& operator=(const Touched&) = delete;

  void Set(const char* what, std::int64_t value) const {
    char name[48];
    std::snprintf(name, sizeof name, "%s.%s", name_, what);
    scene.trace.Set(name, value);
  }
  int Seen(int milliseconds) const { return toucher_.Seen(milliseconds); }

  Userfaultfd pager;
  Scene scene;

 private:
  const char* name_;
  Toucher toucher_;
};

void Subject(Trace& trace, const Params&, const Facts&) {
  const Range source = MapAnonymous(trace, kPage);
  source.start[0] = 7;
  for (const Way& way : kWays) {
    Touched touched(trace, way.name, way.write, source.start);
    way.help(touched.scene);
    touched.Set("seen", touched.Seen(kSoon));
  }
  {
    // Put there without a word, it is waited for until the word is said.
    Touched touched(trace, "quiet", false, source.start);
    touched.pager.Copy(touched.scene.page, source.start,
                       UFFDIO_COPY_MODE_DONTWAKE);
    touched.Set("still", touched.Seen(kStill));
    touched.pager.Wake(touched.scene.page);
    touched.Set("seen", touched.Seen(kSoon));
  }
  {
    // Told to go on without a page, it asks again. A child has no pager.
    Touched touched(trace, "again", false, source.start);
    touched.pager.Wake(touched.scene.page);
    uffd_msg message = {};
    touched.Set("told_again", Told(touched.pager, message));
    const pid_t child = StartChild(trace, [&] {
      touched.Set("child_saw",
                  *static_cast<volatile char*>(touched.scene.page.start));
    });
    int status = -1;
    const bool ended = EndsWithin(child, kSoon, status);
    touched.Set("child_ended", ended);
    if (!ended) EndChild(child);
    touched.Set("still", touched.Seen(kStill));
    touched.pager.Copy(touched.scene.page, source.start);
    touched.Set("seen", touched.Seen(kSoon));
  }
}

Oracle Expect(const Params&, const Facts&) {
  const auto waits = [](const std::string& name, bool write, int seen) {
    return AllOf(Count(name + ".told", Eq(1)),
                 Count(name + ".told_write", Eq(write ? 1 : 0)),
                 Count(name + ".before", Eq(-1)),
                 Count(name + ".seen", Eq(seen)));
  };
  Oracle ways = Survives();
  for (const Way& way : kWays) {
    ways = AllOf(ways, waits(way.name, way.write, way.seen));
  }
  return AllOf(ways, waits("quiet", false, 7), Count("quiet.still", Eq(-1)),
               waits("again", false, 7), Count("again.told_again", Eq(1)),
               Count("again.child_saw", Eq(0)),
               Count("again.child_ended", Eq(1)), Count("again.still", Eq(-1)));
}

const Register kUserfaultfdWait{
    {.id = "pages/userfaultfd_wait",
     .summary = "who waits for a pager's page goes on when it is there",
     .explains =
         {.claim = "Seed 1: what a touch of untouched memory does; "
                   "ioctl_userfaultfd(2): who is woken by what",
          .deed = "touches pages that a userfaultfd looks after; puts a page "
                  "there, or zeroes, unregisters, closes, wakes; forks "
                  "meanwhile",
          .functions = "handle_userfault, userfaultfd_copy, "
                       "userfaultfd_unregister, userfaultfd_release, "
                       "dup_userfaultfd",
          .look_at = "<way>.seen is the byte that the one who waited saw, -1 "
                     "where it waits still"},
     .suite = Suite::kQuick,
     .probe = WhyNoUserfaultfd,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
