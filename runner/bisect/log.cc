// SPDX-License-Identifier: Apache-2.0
// JSON lines, one write(2) each.
#include "runner/bisect/log.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "runner/error.h"
#include "runner/file_descriptor.h"
#include "runner/kernel/file.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLog = "log.jsonl";

}  // namespace

void to_json(Json& j, const Trial& trial) {
  j = Json{{"event", "step"},          {"key", trial.key},
           {"title", trial.title},     {"answer", ToText(trial.outcome.answer)},
           {"why", trial.outcome.why}, {"seconds", trial.seconds},
           {"build", trial.build},     {"run", trial.run}};
  if (trial.result) j["result"] = *trial.result;
}

void from_json(const Json& j, Trial& trial) {
  j.at("key").get_to(trial.key);
  j.at("title").get_to(trial.title);
  trial.outcome.answer = EnumFromText<BisectAnswer>(
      kAnswerNames, j.at("answer").get<std::string>());
  j.at("why").get_to(trial.outcome.why);
  j.at("seconds").get_to(trial.seconds);
  j.at("build").get_to(trial.build);
  j.at("run").get_to(trial.run);
  if (j.contains("result")) trial.result = j.at("result").get<Result>();
}

BisectLog::BisectLog(fs::path folder, const Json& question)
    : folder_(std::move(folder)) {
  const Json first = {{"event", "bisect"}, {"question", question}};
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) {
    throw UserError(
        fmt::format("cannot make {}: {}", folder_.string(), error.message()));
  }
  const fs::path file = folder_ / kLog;
  std::string text = fs::exists(file) ? LoadBytes(file) : "";
  if (const std::size_t whole = text.rfind('\n') + 1; whole < text.size()) {
    text.resize(whole);  // npos + 1 is 0: not even one line
    fs::resize_file(file, whole);
  }
  if (text.empty()) {
    Write(first);
    return;
  }
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    try {
      const Json json = Json::parse(line);
      if (number == 1 && json == first) continue;
      if (number == 1) {
        throw UserError(fmt::format(
            "{}: the log of another bisect ({}): name another folder with "
            "--results, or remove this one",
            file.string(), json.value("question", Json()).dump()));
      }
      trials_.push_back(json.get<Trial>());
    } catch (const std::exception& broken) {
      if (dynamic_cast<const UserError*>(&broken) != nullptr) throw;
      throw UserError(fmt::format("{}:{}: cannot be read: {}", file.string(),
                                  number, broken.what()));
    }
  }
}

const Trial* BisectLog::Find(const std::string& key) const {
  for (auto trial = trials_.rbegin(); trial != trials_.rend(); ++trial) {
    if (trial->key == key) return &*trial;
  }
  return nullptr;
}

void BisectLog::Append(const Trial& trial) {
  Write(trial);
  trials_.push_back(trial);
}

std::string BisectLog::Below(const fs::path& path) const {
  return path.lexically_proximate(folder_).string();
}

void BisectLog::Write(const Json& json) const {
  const std::string line =
      json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  const FileDescriptor file((folder_ / kLog).c_str(),
                            O_WRONLY | O_CREAT | O_APPEND);
  if (::write(file.get(), line.data(), line.size()) !=
      static_cast<ssize_t>(line.size())) {
    throw UserError(fmt::format("cannot write {}: {}",
                                (folder_ / kLog).string(),
                                std::strerror(errno)));
  }
}

}  // namespace oomgate
