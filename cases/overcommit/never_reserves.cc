// SPDX-License-Identifier: Apache-2.0
// In mode 2 two reserves are kept: one that only CAP_SYS_ADMIN may use, and of
// every process 1/32 of what it maps, up to the user's reserve.
#include <cstdio>

#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
// No whole page; and more than any limit here.
constexpr int kAdminValues[] = {0, 4000, 10003, 4 << 20};
constexpr int kUserValues[] = {0, 43, 1 << 30};

std::int64_t LargestPages() { return LargestMap(kRw, kPrivate, 1_TiB) / kPage; }

std::int64_t MappedPages() { return NumberIn("/proc/self/statm"); }

void WriteNumber(Trace& trace, const char* path, std::int64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "%lld", static_cast<long long>(value));
  WriteKnob(trace, path, text);
}

const char* Name(char (&name)[48], const char* what, int value) {
  std::snprintf(name, sizeof name, "%s_%d", what, value);
  return name;
}

// What the largest mapping is less than one without any reserve.
void MeasureUser(Trace& trace) {
  char name[48];
  const std::int64_t free = LargestPages() + MappedPages() / 32;
  for (const int kilobytes : kUserValues) {
    WriteNumber(trace, kUserReserve, kilobytes);
    trace.Set(Name(name, "user", kilobytes), free - LargestPages());
  }
  trace.Set("mapped_32nd", MappedPages() / 32);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  GrowStack<256 << 10>();
  const std::int64_t user = NumberIn(kUserReserve);
  const std::int64_t admin = NumberIn(kAdminReserve);
  trace.Set("user_default", user * 1_KiB);
  trace.Set("admin_default", admin * 1_KiB);
  WriteKnob(trace, kMode, "2");
  const std::int64_t before = CommittedPages();

  MeasureUser(trace);
  // 4 GiB that are not charged make the reserve reach its bound.
  void* at = mmap(nullptr, 4UL << 30, PROT_READ, kPrivate, -1, 0);
  if (at == MAP_FAILED) trace.Stop("mmap of 4 GiB to read", errno);
  WriteNumber(trace, kUserReserve, 0);
  const std::int64_t free = LargestPages();
  WriteNumber(trace, kUserReserve, user);
  trace.Set("bounded", free - LargestPages() - user / 4);
  WriteNumber(trace, kUserReserve, 4403);
  trace.Set("bounded_small", free - LargestPages());
  munmap(at, 4UL << 30);
  WriteNumber(trace, kUserReserve, user);

  // The administrator does not see his own reserve.
  const std::int64_t admins = LargestPages();
  WriteNumber(trace, kAdminReserve, 4 << 20);
  trace.Set("admin_sees", admins - LargestPages());
  WriteNumber(trace, kAdminReserve, admin);

  DropCapability(trace, CAP_SYS_ADMIN);
  trace.Set("others_default", admins - LargestPages() - admin / 4);
  char name[48];
  for (const int kilobytes : kAdminValues) {
    WriteNumber(trace, kAdminReserve, kilobytes);
    trace.Set(Name(name, "admin", kilobytes), admins - LargestPages());
  }
  trace.Set("all_of_it", admins);
  trace.Set("one_page_errno", TryMap(kPage, kRw, kPrivate));
  trace.Set("one_page_to_read_errno", TryMap(kPage, PROT_READ, kPrivate));
  trace.Set("vfork_errno", TryVfork());
  trace.Set("fork_errno", TryFork());
  trace.Set("keeps", CommittedPages() - before);

  // No reserve in the other modes.
  for (const char* mode : {"0", "1"}) {
    WriteKnob(trace, kMode, mode);
    trace.Set(*mode == '0' ? "heuristic_errno" : "always_errno",
              TryMap(Meminfo("MemTotal"), kRw, kPrivate));
  }
  WriteNumber(trace, kAdminReserve, admin);
}

Oracle Expect(const Params&, const Facts& f) {
  // Both are 1/32 of what was free early in the boot, which nobody else knows:
  // less than RAM, and more than 3/4 of what is available now (the initial
  // RAM disk was still there).
  const auto early = Between(f.available / 128 * 3, f.ram / 32);
  return AllOf(AllOf(Survives(), Size("user_default", early),
                     Size("admin_default", early), Count("user_0", Eq(0)),
                     Count("user_43", Eq(10))),
               Count("bounded", Eq(0)), Count("bounded_small", Eq(1100)),
               Count("admin_sees", Eq(0)), Count("others_default", Eq(0)),
               Count("admin_0", Eq(0)), Count("admin_4000", Eq(1000)),
               Count("admin_10003", Eq(2500)),
               Difference("admin_4194304", "all_of_it", Eq(0)),
               Difference("user_1073741824", "mapped_32nd", Eq(0)),
               Count("one_page_errno", Eq(ENOMEM)),
               Count("one_page_to_read_errno", Eq(0)),
               Count("vfork_errno", Eq(0)), Count("fork_errno", Eq(ENOMEM)),
               Count("keeps", Eq(0)), Count("heuristic_errno", Eq(0)),
               Count("always_errno", Eq(0)));
}

const Register kNeverReserves{
    {.id = "overcommit/never_reserves",
     .summary = "mode 2 keeps the administrator's and the user's reserve",
     .explains =
         {.claim = "overcommit.never.reserves; Documentation/admin-guide/"
                   "sysctl/vm: admin_reserve_kbytes, user_reserve_kbytes",
          .deed = "writes both reserves, and bisects the largest mapping with "
                  "CAP_SYS_ADMIN and without",
          .functions = "__vm_enough_memory, init_admin_reserve, "
                       "init_user_reserve, cap_vm_enough_memory",
          .look_at = "pages by which a value in kB lowers the largest mapping"},
     .blast = Blast::kMachine,
     .needs = {.no_swap = true, .alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
