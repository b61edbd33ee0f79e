// SPDX-License-Identifier: Apache-2.0
// The rules of __vm_enough_memory, as arithmetic.
#include <algorithm>

#include "runner/ask/answer.h"
#include "runner/ask/units.h"

namespace oomgate {
namespace {

void AddCommitNumbers(Answer& answer, const MemoryFacts& f, Bytes room) {
  answer.numbers.emplace_back("vm.overcommit_memory", std::to_string(f.mode));
  answer.numbers.emplace_back("CommitLimit", Mib(f.commit_limit));
  answer.numbers.emplace_back("Committed_AS", Mib(f.committed));
  answer.numbers.emplace_back("room in mode 2", Mib(room));
  answer.numbers.emplace_back("RAM + swap", Mib(f.ram + f.swap));
}

std::string RuleOf(int mode) {
  if (mode == 1) return "__vm_enough_memory, OVERCOMMIT_ALWAYS: always granted";
  if (mode == 0) {
    return "__vm_enough_memory, OVERCOMMIT_GUESS: each single charged mapping "
           "is refused where it is larger than RAM + swap; their sum is not "
           "looked at";
  }
  return "__vm_enough_memory, OVERCOMMIT_NEVER: granted where Committed_AS "
         "with it stays below CommitLimit - admin_reserve (without "
         "CAP_SYS_ADMIN) - min(address space / 32, user_reserve)";
}

std::string OldHeuristic(const MemoryFacts& f) {
  return f.mode == 0 && f.old_heuristic
             ? "; low: before Linux 5.2 mode 0 guessed at free memory instead"
             : "";
}

// Kernel stack, task_struct and what describes the mappings.
constexpr Bytes kForkItself = 64_KiB;

// What the groups of the process refuse, whatever the mode.
void AddGroups(Answer& answer, const ForkQuestion& q, Bytes needed) {
  answer.rule +=
      "; pids_can_fork: EAGAIN where pids.max of its cgroup, or of one above, "
      "is reached; page tables and kernel stack are charged to its memory "
      "cgroup, whose OOM killer ends a process beyond memory.max";
  if (const auto& pids = q.groups.pids) {
    answer.numbers.emplace_back(
        "processes and threads in " + pids->group,
        fmt::format("{} of {}", pids->used, pids->limit));
    // Memory is asked for first (copy_process).
    if (pids->left() < 1 && answer.verdict != Answer::Verdict::kNo) {
      answer.verdict = Answer::Verdict::kNo;
      answer.answer = fmt::format(
          "no: {} may have {} processes and threads, and has them: EAGAIN",
          pids->group, pids->limit);
    }
  }
  if (const auto& memory = q.groups.memory) {
    const Bytes left{memory->left()};
    answer.numbers.emplace_back("left in " + memory->group, Mib(left));
    if (needed > left && answer.verdict != Answer::Verdict::kNo) {
      answer.verdict = Answer::Verdict::kDepends;
      answer.answer += fmt::format(
          ", but the {} that fork copies are more than the {} left in {}: its "
          "OOM killer would end a process",
          Mib(needed), Mib(left), memory->group);
    }
  }
}

void AddDirty(Answer& answer, const MemoryFacts& f, const ForkQuestion& q) {
  // What fork itself takes: a copy of the page tables of what is touched.
  const Bytes tables = q.tables.value_or(q.size / 512);
  const Bytes needed = tables + q.dirty.value_or(Bytes{});
  const Bytes there = f.available + f.swap_free;
  answer.numbers.emplace_back("page tables to copy, at most", Mib(tables));
  answer.numbers.emplace_back("available + free swap", Mib(there));
  if (q.dirty) answer.numbers.emplace_back("to be copied", Mib(*q.dirty));
  if (needed > there && answer.verdict != Answer::Verdict::kNo) {
    answer.verdict = Answer::Verdict::kDepends;
    answer.answer += fmt::format(
        ", but the {} that will be copied are more than the {} there are: the "
        "OOM killer would end a process",
        Mib(needed), Mib(there));
  }
  AddGroups(answer, q, needed + kForkItself);
}

}  // namespace

Bytes CommitRoom(const MemoryFacts& f, const Asker& asker) {
  Bytes limit = f.commit_limit;
  if (!asker.admin) limit = limit - f.admin_reserve;
  limit = limit - std::min(asker.address_space / 32, f.user_reserve);
  // What is committed stays below it.
  return limit - Bytes{kPageSize} - f.committed;
}

Bytes CommitSlack(const MemoryFacts& f) {
  if (f.cpus <= 1) return {};
  const std::int64_t part = f.ram.count / kPageSize / 256 / f.cpus;
  const std::int64_t batch =
      std::max<std::int64_t>({32, std::int64_t{2} * f.cpus, part});
  return Bytes{(f.cpus - 1) * (batch - 1) * kPageSize};
}

Answer AskFork(const MemoryFacts& f, const ForkQuestion& q) {
  Answer answer;
  answer.rule = RuleOf(f.mode) +
                "; fork asks for every charged mapping of "
                "the parent (dup_mmap)";
  const Bytes room = CommitRoom(f, q.asker);
  const Bytes slack = CommitSlack(f);
  AddCommitNumbers(answer, f, room);
  answer.numbers.emplace_back("charged by fork", Mib(q.size));
  answer.numbers.emplace_back("of it the largest mapping", Mib(q.largest));
  answer.certainty =
      q.exact ? "high: mappings as they are now, by smaps"
              : "medium: taken as if all of it were private and writable";
  if (f.mode == 1) {
    answer.answer = "yes: mode 1 refuses nothing for its size";
  } else if (f.mode == 0) {
    if (q.largest <= f.ram + f.swap) {
      answer.answer = "yes: no mapping is larger than RAM and swap together";
    } else if (q.exact) {
      answer.verdict = Answer::Verdict::kNo;
      answer.answer = "no: a mapping is larger than RAM and swap together";
    } else {
      answer.verdict = Answer::Verdict::kDepends;
      answer.answer =
          "no, if it is one mapping: that is larger than RAM and swap "
          "together; yes, if no single one is (name the process by --pid)";
    }
    answer.certainty += OldHeuristic(f);
  } else if (q.size <= room - slack) {
    answer.answer = "yes: it fits what mode 2 has left";
  } else if (q.size > room + slack) {
    answer.verdict = Answer::Verdict::kNo;
    answer.answer = "no: it is more than mode 2 has left: ENOMEM";
  } else {
    answer.verdict = Answer::Verdict::kDepends;
    answer.answer = "it is at the limit: either may happen";
  }
  if (f.mode == 2 && slack.count > 0) {
    answer.certainty +=
        fmt::format("; the kernel's count is off by up to {} (per-CPU batches)",
                    Mib(slack));
  }
  answer.certainty +=
      "; RLIMIT_NPROC, and what others start and take meanwhile, are not "
      "looked at";
  AddDirty(answer, f, q);
  return answer;
}

Answer AskCommit(const MemoryFacts& f, const Asker& asker) {
  Answer answer;
  const Bytes room = CommitRoom(f, asker);
  answer.rule = RuleOf(f.mode);
  AddCommitNumbers(answer, f, room);
  answer.numbers.emplace_back("MemAvailable", Mib(f.available));
  answer.numbers.emplace_back("free swap", Mib(f.swap_free));
  answer.certainty =
      "high: what can be promised; what can be written without "
      "an OOM kill is about available + free swap";
  if (f.mode == 1) {
    answer.answer = "as much as fits an address space";
  } else if (f.mode == 0) {
    answer.answer = fmt::format("any number of mappings of up to {} each",
                                Mib(f.ram + f.swap));
    answer.certainty += OldHeuristic(f);
  } else if (room.count <= 0) {
    answer.verdict = Answer::Verdict::kNo;
    answer.answer = "nothing: all that may be committed is";
  } else {
    answer.answer = Mib(room) + " in all";
    answer.certainty +=
        fmt::format("; off by up to {} (per-CPU batches)", Mib(CommitSlack(f)));
  }
  return answer;
}

std::vector<Refused> RefusedByMode2(
    const MemoryFacts& f, const std::vector<ProcessFacts>& processes) {
  std::vector<Refused> refused;
  for (const ProcessFacts& process : processes) {
    if (process.kernel_thread) continue;
    const Bytes room = CommitRoom(f, {true, process.address_space});
    if (process.data > room) refused.push_back({process, process.data - room});
  }
  std::ranges::sort(refused, std::greater<>(),
                    [](const Refused& r) { return r.lacks.count; });
  return refused;
}

Answer AskMode2(const MemoryFacts& f, const std::vector<Refused>& refused) {
  Answer answer;
  const Bytes room = CommitRoom(f, {});
  answer.rule = RuleOf(2) +
                "; CommitLimit = (RAM - huge pages) * "
                "overcommit_ratio / 100 + swap, or "
                "overcommit_kbytes + swap";
  AddCommitNumbers(answer, f, room);
  answer.certainty =
      "medium: what a fork is charged is taken as VmData + VmStk; what "
      "programs will ask for next is not known";
  if (room.count <= 0) {
    answer.verdict = Answer::Verdict::kNo;
    answer.answer = fmt::format(
        "everything: {} more is committed than the limit: every process's "
        "next growth would be refused",
        Mib(Bytes{-room.count}));
  } else if (refused.empty()) {
    answer.answer = fmt::format(
        "nothing that runs now: {} would be left, and each process could fork",
        Mib(room));
  } else {
    answer.verdict = Answer::Verdict::kDepends;
    answer.answer =
        fmt::format("fork of {} processes; all could still grow by {} together",
                    refused.size(), Mib(room));
  }
  return answer;
}

}  // namespace oomgate
