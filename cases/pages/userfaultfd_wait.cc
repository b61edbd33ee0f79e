// SPDX-License-Identifier: Apache-2.0
// Who touches a page of a range that a pager looks after waits, and goes on as
// soon as the page is put there or nobody looks after it any more.
#include "cases/pages/toucher.h"

namespace oomgate {
namespace {

constexpr char kByte = 7;

// A page that is touched, and its pager.
struct Touched {
  Scene& s;
  bool write;
  Range source = MapAnonymous(s.trace, kPage);
  Range page = MapAnonymous(s.trace, kPage);
  Userfaultfd pager{s.trace};
  bool registered = (pager.Register(page), true);
  Toucher toucher{s.trace, pager, page.start, write};

  void Copy(__u64 mode = 0) { pager.Copy(page, source.start, mode); }
  void SeesNothing() const { s.Set("still", toucher.Seen(kStill)); }
};

// The one who touches a page waits until the pager does this, and sees that
// byte.
template <typename Help>
StepOf<Scene> Waits(const std::string& name, int seen, Help help,
                    const Rows<Scene>& more = {}, bool write = false) {
  const auto act = [=](Scene& s) {
    Touched touched{s, write};
    *touched.source.start = kByte;
    const uffd_msg message = NextMessage(touched.pager);
    s.Set("told", IsAt(message, touched.page.start));
    s.Set("told_write",
          (message.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WRITE) != 0);
    s.Set("before", touched.toucher.Seen(0));
    help(touched);
    s.Set("seen", touched.toucher.Seen(kSoon));
  };
  return StepOf<Scene>(name, act, Count("told", 1), Count("told_write", write),
                       Count("before", -1), Count("seen", seen),
                       Row<Scene>(more));
}

void ForkAndReadThere(Touched& touched) {
  const Scene& s = touched.s;
  touched.pager.Wake(touched.page);
  s.Set("told_again", NextMessage(touched.pager).event);
  int status = -1;
  const pid_t child = StartChild(s.trace, [&] {
    s.Set("child_saw", *static_cast<volatile char*>(touched.page.start));
  });
  const bool ended = EndsWithin(child, kSoon, status);
  s.Set("child_ended", ended);
  if (!ended) EndChild(child);
  touched.SeesNothing();
  touched.Copy();
}

Steps<Scene> Make(const Params&, const Facts&) {
  const auto copy = [](Touched& t) { t.Copy(); };
  return {
      Waits("copy a page there", kByte, copy),
      Waits("copy it where one writes", 1, copy, {}, true),
      Waits("put zeroes there", 0, [](Touched& t) { t.pager.Zero(t.page); }),
      Waits("unregister it", 0, [](Touched& t) { t.pager.Unregister(t.page); }),
      Waits("close the pager", 0, [](Touched& t) { t.pager.Close(); }),
      Waits("copy it without a word, then wake", kByte,
            [](Touched& t) {
              t.Copy(UFFDIO_COPY_MODE_DONTWAKE);
              t.SeesNothing();
              t.pager.Wake(t.page);
            },
            {Count("still", -1)}),
      // Told to go on without a page, it asks again. A child has no pager.
      Waits("wake without a page, fork, copy", kByte, ForkAndReadThere,
            {Count("told_again", UFFD_EVENT_PAGEFAULT), Count("child_saw", 0),
             Count("child_ended", 1), Count("still", -1)})};
}

const Register kUserfaultfdWait{
    {.id = "pages/userfaultfd_wait",
     .summary = "who waits for a pager's page goes on when it is there",
     .claim = "Seed 1: touching memory; ioctl_userfaultfd(2): who is woken",
     .functions = "handle_userfault, userfaultfd_{copy,unregister,release}",
     .look_at = "seen: the byte that the one who waited saw; -1: it waits",
     .suite = Suite::kQuick,
     .probe = WhyNoUserfaultfd,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
