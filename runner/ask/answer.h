// SPDX-License-Identifier: Apache-2.0
// Answers to what people ask of a host's memory: pure functions of facts. Each
// states the kernel's rule, the numbers, and how certain it is.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runner/ask/facts.h"
#include "runner/ask/groups.h"

namespace oomgate {

struct Answer {
  enum class Verdict { kYes, kNo, kDepends };
  Verdict verdict = Verdict::kYes;
  std::string answer = {};     // a sentence
  std::string rule = {};       // the kernel's function, and its formula
  std::string certainty = {};  // what could make it wrong
  std::vector<std::pair<std::string, std::string>> numbers = {};
};

// Of what mode 2 grants: who asks, and what it has mapped already.
struct Asker {
  bool admin = true;  // CAP_SYS_ADMIN
  Bytes address_space = {};
};

// What is still granted in mode 2, to the page where one CPU is there; below 0
// where more is committed than the limit.
Bytes CommitRoom(const MemoryFacts& facts, const Asker& asker);
// By how much the kernel's own count may be off (vm_committed_as_batch).
Bytes CommitSlack(const MemoryFacts& facts);

struct ForkQuestion {
  Bytes size = {};     // what is charged: private writable mappings
  Bytes largest = {};  // of these, the largest
  bool exact = false;  // both were read from smaps; else `size` is a guess
  std::optional<Bytes> dirty = {};  // what is written while both live
  // Of the page tables that are copied; else as if all of `size` were touched.
  std::optional<Bytes> tables = {};
  GroupFacts groups = {};
  Asker asker = {};
};
// "Will fork of this process succeed here?"
Answer AskFork(const MemoryFacts& facts, const ForkQuestion& question);
// "How much can I still commit?"
Answer AskCommit(const MemoryFacts& facts, const Asker& asker);

struct Ranked {
  ProcessFacts process;
  std::int64_t points = 0;  // pages, oom_score_adj included
  std::string reason = {};
};
// "Who dies first?": the first is killed where the whole machine is full.
// Those that are never chosen are not there.
std::vector<Ranked> RankVictims(const MemoryFacts& facts,
                                const std::vector<ProcessFacts>& processes);
Answer AskOom(const MemoryFacts& facts, const std::vector<Ranked>& ranked);

struct Refused {
  ProcessFacts process;
  Bytes lacks = {};  // for a fork; how much more there would have to be
};
// "What would mode 2 break?": whose fork would be refused.
std::vector<Refused> RefusedByMode2(const MemoryFacts& facts,
                                    const std::vector<ProcessFacts>& processes);
Answer AskMode2(const MemoryFacts& facts, const std::vector<Refused>& refused);

}  // namespace oomgate
