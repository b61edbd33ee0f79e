// SPDX-License-Identifier: Apache-2.0
// Who touches a page of a range that a pager looks after waits, and goes on as
// soon as the page is put there or nobody looks after it any more.
#include <poll.h>
#include <pthread.h>

#include <atomic>
#include <cstdio>

#include "oomgate/userfaultfd.h"

namespace oomgate {
namespace {

constexpr int kSoon = 5000;  // milliseconds, for what must happen
constexpr int kStill = 50;   // for what must not

// One thread that touches one page, and what it found.
struct Toucher {
  char* page;
  bool write;
  std::atomic<int> seen = -1;
};

void* Touch(void* at) {
  auto& toucher = *static_cast<Toucher*>(at);
  volatile char* const page = toucher.page;
  const char was = *page;
  if (toucher.write) *page = static_cast<char>(was + 1);
  toucher.seen = *page;
  return nullptr;
}

// A writer's first access decides what the pager is told.
void* Write(void* at) {
  auto& toucher = *static_cast<Toucher*>(at);
  volatile char* const page = toucher.page;
  *page = 1;
  toucher.seen = *page;
  return nullptr;
}

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

// Waits for what the pager is told of; whether it came.
bool Told(const Userfaultfd& pager, uffd_msg& message) {
  pollfd wait = {.fd = pager.fd(), .events = POLLIN, .revents = 0};
  return poll(&wait, 1, kSoon) == 1 &&
         read(pager.fd(), &message, sizeof message) == sizeof message;
}

// What a pager has seen and done when a page was touched.
class Touched {
 public:
  Touched(Trace& trace, const char* name, bool write, const char* source)
      : trace_(trace),
        name_(name),
        pager(trace),
        scene{trace, pager, MapAnonymous(trace, kPage), source},
        toucher_{.page = scene.page.start, .write = write} {
    pager.Register(scene.page);
    const int error =
        pthread_create(&thread_, nullptr, write ? Write : Touch, &toucher_);
    if (error != 0) trace.Stop("pthread_create", error);
    uffd_msg message = {};
    const bool told = Told(pager, message);
    Set("told", told && message.event == UFFD_EVENT_PAGEFAULT &&
                    message.arg.pagefault.address ==
                        reinterpret_cast<std::uintptr_t>(scene.page.start));
    Set("told_write",
        (message.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WRITE) != 0);
    Set("before", toucher_.seen);
  }
  ~Touched() {
    // Whatever went wrong: without a pager nobody waits.
    pager.Close();
    pthread_join(thread_, nullptr);
    Unmap(trace_, scene.page);
  }
  Touched(const Touched&) = delete;
  Touched& operator=(const Touched&) = delete;

  void Set(const char* what, std::int64_t value) const {
    char name[48];
    std::snprintf(name, sizeof name, "%s.%s", name_, what);
    trace_.Set(name, value);
  }
  // What it saw within that time, or -1.
  int Seen(int milliseconds) const {
    HoldsWithin(milliseconds, [&] { return toucher_.seen != -1; });
    return toucher_.seen;
  }

 private:
  Trace& trace_;
  const char* name_;

 public:
  Userfaultfd pager;
  Scene scene;

 private:
  Toucher toucher_;
  pthread_t thread_ = {};
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
    touched.Set("child_ended", EndsWithin(child, kSoon, status));
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
