// SPDX-License-Identifier: Apache-2.0
// One result per order: a second one, or one for an instance that was not
// asked for, is noise of a machine that has lost its memory.
#include "runner/record/collector.h"

#include <algorithm>
#include <utility>

#include "oomgate/model/json.h"
#include "runner/record/findings_text.h"

namespace oomgate {
namespace {

// A console excerpt in a result; the whole log is a file of its own.
constexpr std::size_t kLongestConsole = 32 << 10;
constexpr std::size_t kLongestReason = 4 << 10;
// Findings of one kind, and each text of one.
constexpr std::size_t kMostFindings = 1000;
constexpr std::size_t kLongestText = 1 << 10;
// Garbled lines that are kept in the records, and how much of each.
constexpr std::uint64_t kGarbledKept = 16;
constexpr std::size_t kGarbledLength = 512;
// More than this of one boot in the records is a flood, not a timeline.
constexpr std::uint64_t kMostBytes = 64 << 20;

std::string Trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return text.substr(first, last - first + 1);
}

std::string ReasonOfLoss(const Record& record) {
  std::string reason;
  if (record.broken) {
    reason = "the judge could not be started: " + record.cause;
  } else if (record.cause == "deadline") {
    reason = "no result before the deadline: the judge hung and was killed";
  } else if (record.cause.starts_with("signal ")) {
    reason = "the judge was killed by " + record.cause;
  } else {
    reason = "the judge ended without a result: " + record.cause;
  }
  const std::string log = Trimmed(record.log);
  if (!log.empty()) reason += "; its last words: " + log;
  return reason;
}

// The promise of a panic, and what came instead.
void FailPromise(Result& result, std::string seen, std::string expected) {
  result.verdict = Verdict::kFail;
  result.checks = {{"", "panic", std::move(seen), std::move(expected)}};
  result.reason = ToText(result.checks[0]);
}

// What a broken kernel does in place of a promised panic may look like a pass
// to whoever is in it.
void RequirePanic(const Order& order, Result& result) {
  if (order.panics.empty() || order.invert) return;
  if (result.verdict != Verdict::kPass) return;
  FailPromise(result, "none", order.panics);
}

void Bound(std::string& text, std::size_t limit) {
  text = Shortened(AsUtf8(text), limit);
}

// What the other side says must not fill the disk.
void BoundFindings(Result& result) {
  const auto at_most = [](auto& list) {
    if (list.size() > kMostFindings) list.resize(kMostFindings);
  };
  at_most(result.checks);
  at_most(result.also);
  at_most(result.left_out);
  for (FailedCheck& check : result.checks) {
    for (std::string* text :
         {&check.step, &check.value, &check.seen, &check.expected}) {
      Bound(*text, kLongestText);
    }
  }
  for (Finding& finding : result.also) {
    Bound(finding.what, kLongestText);
    Bound(finding.text, kLongestText);
  }
  for (LeftOut& out : result.left_out) {
    Bound(out.step, kLongestText);
    Bound(out.reason, kLongestText);
  }
}

}  // namespace

Collector::Collector(OrderGroup group, Sink& sink, oomgate::Start outside)
    : group_(std::move(group)),
      sink_(sink),
      outside_(std::move(outside)),
      shape_(ToText(group_.shape)),
      pending_(group_.orders) {}

void Collector::SetConsole(std::function<std::string()> excerpt_since_begin) {
  console_ = std::move(excerpt_since_begin);
}

void Collector::Line(std::string_view line) {
  std::optional<Record> record = ReadRecord(line);
  const bool names_instance =
      record && (record->event == Record::Event::kBegin ||
                 record->event == Record::Event::kResult ||
                 record->event == Record::Event::kLost);
  if (!record || (names_instance && !IsPending(record->name))) {
    Garbled(line);
    return;
  }
  // A flood must not fill the disk: what decides verdicts is still kept.
  const bool flood = bytes_ > kMostBytes;
  bytes_ += line.size();
  if (!flood && bytes_ > kMostBytes) {
    sink_.OnNotice(shape_ + ": more than " + ToText(Bytes{kMostBytes}) +
                   " of records: only results are kept from here on");
  }
  if (!flood || names_instance) sink_.OnLine(line);

  switch (record->event) {
    case Record::Event::kStart:
      Start(std::move(record->start));
      break;
    case Record::Event::kBegin:
      Begin(record->name);
      break;
    case Record::Event::kResult:
      RequirePanic(*OrderOf(record->name), record->result);
      Finish(record->name, std::move(record->result));
      break;
    case Record::Event::kLost: {
      Result result;
      result.verdict = record->broken ? Verdict::kBroken : Verdict::kLost;
      result.reason = ReasonOfLoss(*record);
      Finish(record->name, std::move(result));
      break;
    }
    case Record::Event::kEnd:
      Lost("the place ended in order, but no result arrived", "");
      ended_ = true;
      break;
    case Record::Event::kSample:
    case Record::Event::kOther:
      break;
  }
}

void Collector::Lost(std::string reason, std::string console) {
  if (!running_) return;
  Result result;
  result.verdict = Verdict::kLost;
  result.reason = std::move(reason);
  result.console = std::move(console);
  Finish(InstanceName(*running_), std::move(result));
}

void Collector::Panicked(const std::string& words, std::string reason,
                         std::string console) {
  if (!running_) return;
  const Order* const order = OrderOf(*running_);
  if (order == nullptr || order->panics.empty()) {
    Lost(std::move(reason), std::move(console));
    return;
  }
  Result result;
  result.verdict = Verdict::kPass;
  result.end = "panicked";
  const bool as_promised = words.find(order->panics) != std::string::npos;
  // Another panic than the promised one is right in no case.
  if (order->invert) {
    FailPromise(result, words, "no panic");
  } else if (!as_promised) {
    FailPromise(result, words.empty() ? "without words" : words, order->panics);
  }
  result.console = std::move(console);
  Finish(InstanceName(*running_), std::move(result));
}

void Collector::Broken(const Order& order, std::string reason,
                       std::string console) {
  if (!IsPending(order.name)) return;
  Result result;
  result.verdict = Verdict::kBroken;
  result.reason = std::move(reason);
  result.console = std::move(console);
  Finish(order.name, std::move(result));
}

void Collector::Start(oomgate::Start start) {
  start.place = ToText(group_.shape.place);
  start.shape = shape_;
  start.accelerator = outside_.accelerator;
  start.qemu = outside_.qemu;
  start.kernel_digest = outside_.kernel_digest;
  start.config_digest = outside_.config_digest;
  if (group_.shape.place == Place::kVm) {
    start.boot_seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - made_)
            .count();
  }
  kernel_ = start.kernel;
  started_ = true;
  sink_.OnStart(start);
}

void Collector::Begin(const InstanceName& name) {
  if (running_ == name) return;
  Lost("the next instance began, but no result of this one arrived", "");
  running_ = name;
  begun_ = std::chrono::steady_clock::now();
  sink_.OnBegin(group_, name);
}

void Collector::Finish(const InstanceName& name, Result result) {
  result.id = name.id;
  result.params = name.params;
  result.place = ToText(group_.shape.place);
  result.shape = shape_;
  result.kernel = kernel_;
  if (result.seconds <= 0 && running_ == name) {
    result.seconds = SecondsSinceBegin();
  }
  Bound(result.reason, kLongestReason);
  BoundFindings(result);
  any_bad_ = any_bad_ || (result.verdict != Verdict::kPass &&
                          result.verdict != Verdict::kSkip);
  if (result.verdict == Verdict::kPass) {
    result.console.clear();
  } else {
    if (result.console.empty() && console_) result.console = console_();
    result.console = Shortened(AsUtf8(result.console), kLongestConsole);
  }
  std::erase_if(pending_, [&](const Order& o) { return o.name == name; });
  if (running_ == name) running_.reset();
  sink_.OnResult(result);
}

void Collector::Garbled(std::string_view line) {
  if (++garbled_ == 1) {
    sink_.OnNotice(shape_ +
                   ": lines in the record stream that cannot be read; the "
                   "first ones are kept in records.jsonl");
  }
  if (garbled_ <= kGarbledKept) {
    sink_.OnLine(Json{{"event", "garbled"},
                      {"bytes", line.size()},
                      {"text", AsUtf8(line.substr(0, kGarbledLength))}}
                     .dump(-1, ' ', /*ensure_ascii=*/true));
  }
}

const Order* Collector::OrderOf(const InstanceName& name) const {
  const auto order = std::ranges::find(pending_, name, &Order::name);
  return order == pending_.end() ? nullptr : &*order;
}

bool Collector::IsPending(const InstanceName& name) const {
  return OrderOf(name) != nullptr;
}

double Collector::SecondsSinceBegin() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                       begun_)
      .count();
}

}  // namespace oomgate
