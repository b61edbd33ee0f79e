// SPDX-License-Identifier: Apache-2.0
// One guest: everything it says is read by one loop in one thread, and every
// wait of that loop has an end.
#include "runner/vm/guest.h"

#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <vector>

#include "runner/file_descriptor.h"
#include "runner/launch/frame.h"
#include "runner/process.h"
#include "runner/vm/qmp.h"
#include "runner/vm/socket.h"

namespace oomgate {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMostSaid = 4096;  // bytes of QEMU's own output
constexpr milliseconds kQmp{5000};       // for an answer
constexpr milliseconds kSaving{20000};

class Guest {
 public:
  Guest(const Qemu& qemu, const GuestMachine& machine, Progress& progress,
        Console& console, const std::function<void(std::string_view)>& on_line,
        const Cancel& cancel, const GuestLimits& limits)
      : progress_(progress),
        console_(console),
        on_line_(on_line),
        cancel_(cancel),
        limits_(limits),
        qmp_(qmp_channel_) {
    const MachineChannels numbers;
    Command command{.argv = QemuArguments(machine, numbers)};
    command.argv.insert(command.argv.begin(), qemu.program);
    command.descriptors = {{1, words_channel_.theirs()},
                           {2, words_channel_.theirs()},
                           {numbers.records, records_channel_.theirs()},
                           {numbers.serial, serial_channel_.theirs()},
                           {numbers.qmp, qmp_channel_.theirs()}};
    std::optional<FileDescriptor> state;
    if (machine.restore) {
      state.emplace(machine.ram / kStateFile, O_RDONLY);
      command.descriptors[numbers.state] = state->get();
    }
    child_.emplace(command);
    for (QemuSocket* channel : {&words_channel_, &records_channel_,
                                &serial_channel_, &qmp_channel_}) {
      channel->CloseTheirs();
    }
  }

  // Has a machine that is to be restored take its state.
  void GoOn();
  GuestEnd Run();
  // Waits until `ready` is true; "" then, else what happened instead.
  std::string BootUntil(const bool& ready);
  std::string Save(int state);
  const FrameReader& frames() const { return frames_; }

 private:
  nlohmann::json Ask(const char* command, const nlohmann::json& arguments,
                     int descriptor = -1);
  void LeaveRamOut();
  // Reads all there is. Records first, but the console is told before they are
  // handled: what the kernel said before it sent a record is known by then.
  void Read();
  // Waits for something to read; true once QEMU has ended. Reads it, too.
  bool Pump(Progress::Clock::time_point until);
  bool Flooded() const {
    return frames_.bytes() > limits_.records ||
           console_.bytes() - console_before_ > limits_.console;
  }
  // Learns where it hangs, then ends it; says what it took.
  std::string EndHung();
  bool AnswersSysrq(char key);
  void Kill();
  GuestEnd AfterExit();
  GuestEnd Early(Fate fate, const std::string& reason) const;
  std::string QemuWords() const;

  Progress& progress_;
  Console& console_;
  const std::function<void(std::string_view)>& on_line_;
  const Cancel& cancel_;
  const GuestLimits limits_;
  const std::uint64_t console_before_ = console_.bytes();
  QemuSocket records_channel_;
  QemuSocket serial_channel_;
  QemuSocket qmp_channel_;
  QemuSocket words_channel_;  // QEMU's own stdout and stderr
  Qmp qmp_;
  FrameReader frames_;
  std::string words_;
  std::optional<Child> child_;  // last: goes first
};

void Guest::Read() {
  std::string records;
  records_channel_.Read(records);
  // Which of both came first within one reading is not known: an excerpt
  // rather holds a line too many.
  const std::uint64_t mark = console_.bytes();
  std::string text;
  serial_channel_.Read(text);
  if (!text.empty()) console_.Feed(text);
  std::vector<std::string> lines;
  frames_.Feed(records, lines);
  for (const std::string& line : lines) {
    if (progress_.OnLine(line)) console_.Mark(mark);
    on_line_(line);
  }
  qmp_.Pump();
  words_channel_.Read(words_);
  if (words_.size() > kMostSaid) words_.erase(0, words_.size() - kMostSaid);
}

bool Guest::Pump(Progress::Clock::time_point until) {
  pollfd fds[] = {
      {child_->pidfd(), POLLIN, 0},         {cancel_.fd(), POLLIN, 0},
      {records_channel_.ours(), POLLIN, 0}, {serial_channel_.ours(), POLLIN, 0},
      {qmp_channel_.ours(), POLLIN, 0},     {words_channel_.ours(), POLLIN, 0}};
  const auto left =
      std::chrono::ceil<milliseconds>(until - Progress::Clock::now());
  poll(fds, std::size(fds),
       static_cast<int>(std::max<std::int64_t>(0, left.count())));
  if (child_->Wait(milliseconds(0))) {
    // What is still in the sockets is bounded by their buffers.
    for (int i = 0; i < 64 && records_channel_.ours() >= 0; ++i) Read();
    Read();
    return true;
  }
  Read();
  return false;
}

nlohmann::json Guest::Ask(const char* command, const nlohmann::json& arguments,
                          int descriptor) {
  return qmp_.Execute(command, arguments, kQmp, descriptor)
      .value_or(nlohmann::json::object());
}

// RAM is in files already: without this it would all belong to the state.
void Guest::LeaveRamOut() {
  Ask("migrate-set-capabilities",
      {{"capabilities",
        {{{"capability", "x-ignore-shared"}, {"state", true}}}}});
}

void Guest::GoOn() {
  LeaveRamOut();
  Ask("migrate-incoming",
      {{"uri", "fd:" + std::to_string(MachineChannels().state)}});
}

GuestEnd Guest::Run() {
  console_.Mark();
  std::optional<Progress::Clock::time_point> panicked;
  for (;;) {
    const auto deadline = [&] {
      return panicked
                 ? std::min(progress_.deadline(), *panicked + limits_.panic)
                 : progress_.deadline();
    };
    if (Pump(deadline())) return AfterExit();
    if (cancel_.requested()) {
      Kill();
      return {Fate::kCancelled, ""};
    }
    if (Flooded()) {
      Kill();
      return Early(
          Fate::kFlooded,
          "the guest flooded its " +
              std::string(frames_.bytes() > limits_.records ? "record channel"
                                                            : "console") +
              ", and was killed");
    }
    if (!panicked && !console_.Panic().empty())
      panicked = Progress::Clock::now();
    // Anew: what was just read may have moved it.
    if (Progress::Clock::now() < deadline()) continue;
    if (progress_.ended() || panicked) {
      Kill();
      return AfterExit();
    }
    const std::string waited = progress_.Waited();
    const std::string how = EndHung();
    if (progress_.ended()) return AfterExit();
    return Early(Fate::kHung,
                 "the guest made no progress within " + waited + "; " + how);
  }
}

std::string Guest::BootUntil(const bool& ready) {
  while (!ready) {
    if (Pump(progress_.deadline())) return AfterExit().reason;
    if (cancel_.requested()) return "it was cancelled";
    if (!ready && Progress::Clock::now() >= progress_.deadline()) {
      return "it was not ready within " + progress_.Waited() + QemuWords();
    }
  }
  return "";
}

std::string Guest::Save(int state) {
  LeaveRamOut();
  Ask("getfd", {{"fdname", "state"}}, state);
  const nlohmann::json started = Ask("migrate", {{"uri", "fd:state"}});
  if (!started.contains("return")) return "cannot be saved: " + started.dump();
  const auto until = Progress::Clock::now() + kSaving;
  while (Progress::Clock::now() < until && !cancel_.requested()) {
    const nlohmann::json answer =
        Ask("query-migrate", nlohmann::json::object());
    const std::string status =
        answer.value("/return/status"_json_pointer, std::string());
    if (status == "completed") return "";
    if (status == "failed" || status.empty()) {
      return "cannot be saved: " + answer.dump();
    }
    if (Pump(Progress::Clock::now() + milliseconds(5))) break;
  }
  return "was not saved in time";
}

std::string Guest::EndHung() {
  bool any = false;
  for (const char key : {'m', 'w'}) {
    if (AnswersSysrq(key)) any = true;
  }
  std::string how = any ? "it answered sysrq" : "it did not answer sysrq";
  if (child_->Wait(milliseconds(0))) return how + ", and ended";
  if (!cancel_.requested() &&
      qmp_.Execute("inject-nmi", nlohmann::json::object(), limits_.nmi)) {
    const auto until = Progress::Clock::now() + limits_.nmi;
    while (Progress::Clock::now() < until && !cancel_.requested()) {
      if (Pump(until)) return how + ", an NMI ended it";
    }
  }
  const bool stopped = qmp_.stopped();
  Kill();
  return how + (stopped ? ", the accelerator had stopped it; killed"
                        : ", an NMI did not end it; killed");
}

bool Guest::AnswersSysrq(char key) {
  constexpr milliseconds kQuiet{200};  // the answer is over
  const std::uint64_t before = console_.bytes();
  const auto until = Progress::Clock::now() + limits_.sysrq;
  if (!qmp_.Execute("chardev-send-break", {{"id", "serial"}}, limits_.sysrq)) {
    return false;
  }
  serial_channel_.Write(std::string_view(&key, 1));
  auto quiet_at = until;
  while (Progress::Clock::now() < std::min(until, quiet_at)) {
    const std::uint64_t had = console_.bytes();
    if (Pump(std::min(until, quiet_at)) || cancel_.requested()) break;
    if (console_.bytes() != had) quiet_at = Progress::Clock::now() + kQuiet;
  }
  return console_.bytes() != before;
}

void Guest::Kill() {
  child_->Kill(SIGKILL);
  child_->Wait(milliseconds(-1));
  Pump(Progress::Clock::now());
}

// `reason` as it stands, or a failed boot where it did not come to `start`.
GuestEnd Guest::Early(Fate fate, const std::string& reason) const {
  return {progress_.started() ? fate : Fate::kNotBooted, reason + QemuWords()};
}

GuestEnd Guest::AfterExit() {
  if (progress_.ended()) return {Fate::kEnded, ""};
  if (cancel_.requested()) return {Fate::kCancelled, ""};
  const std::string panic = console_.Panic();
  if (!panic.empty()) {
    return Early(Fate::kPanicked, "the guest's kernel panicked: " + panic);
  }
  const int status = child_->Wait(milliseconds(0)).value_or(0);
  if (WIFSIGNALED(status)) {
    return Early(Fate::kQemuKilled, "QEMU was killed by signal " +
                                        std::to_string(WTERMSIG(status)));
  }
  if (qmp_.shutdown_reason() == "guest-reset") {
    return Early(Fate::kPanicked,
                 "the guest's kernel reset the machine without a word");
  }
  const std::string cause =
      qmp_.shutdown_reason().empty() ? "" : " (" + qmp_.shutdown_reason() + ")";
  return Early(
      Fate::kDied,
      "the guest was over before it said `end`: QEMU exited with status " +
          std::to_string(WEXITSTATUS(status)) + cause);
}

std::string Guest::QemuWords() const {
  std::string words = words_;
  while (!words.empty() && words.back() == '\n') words.pop_back();
  std::replace(words.begin(), words.end(), '\n', ' ');
  return words.empty() ? "" : "; " + words;
}

}  // namespace

std::string SaveGuest(const Qemu& qemu, const GuestMachine& machine,
                      const std::filesystem::path& state, milliseconds boot,
                      Console& console, const Cancel& cancel) {
  Progress progress({}, boot);
  bool ready = false;
  const std::function<void(std::string_view)> on_line =
      [&](std::string_view line) {
        ready = ready || line.starts_with("{\"event\":\"ready\"");
      };
  const GuestLimits limits;
  Guest guest(qemu, machine, progress, console, on_line, cancel, limits);
  std::string error = guest.BootUntil(ready);
  if (!error.empty()) return error;
  const FileDescriptor file(state, O_WRONLY | O_CREAT | O_EXCL);
  if (file.get() < 0) {
    return state.string() + ": cannot be made: " + std::strerror(errno);
  }
  return guest.Save(file.get());
}

GuestEnd RunGuest(const Qemu& qemu, const GuestMachine& machine,
                  Progress& progress, Console& console,
                  const std::function<void(std::string_view)>& on_line,
                  const Cancel& cancel, const GuestLimits& limits) {
  Guest guest(qemu, machine, progress, console, on_line, cancel, limits);
  if (machine.restore) guest.GoOn();
  GuestEnd end = guest.Run();
  end.garbled = guest.frames().garbled();
  end.missing = guest.frames().missing();
  return end;
}

}  // namespace oomgate
