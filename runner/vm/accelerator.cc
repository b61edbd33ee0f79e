// SPDX-License-Identifier: Apache-2.0
// Whether guests run by KVM or by TCG. The proof costs up to ten seconds where
// it fails, so its outcome is kept until the host boots again.
#include "runner/vm/accelerator.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>

#include "oomgate/model/json.h"
#include "runner/cache_folder.h"
#include "runner/error.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

// {"host_boot": …, "answers": {key: "" or why not}}; empty where it is of
// another host boot or cannot be read.
Json ReadAnswers(const KvmCache& cache) {
  std::ifstream in(cache.path);
  const Json kept = Json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (kept.is_object() &&
      kept.value("/host_boot"_json_pointer, Json()) == Json(cache.host_boot)) {
    const Json answers = kept.value("answers", Json::object());
    if (answers.is_object()) return answers;
  }
  return Json::object();
}

// Best effort: without it the next start asks again.
void WriteAnswer(const KvmCache& cache, const std::string& key,
                 const std::string& answer) {
  Json answers = ReadAnswers(cache);
  answers[key] = answer;
  std::error_code ignored;
  fs::create_directories(cache.path.parent_path(), ignored);
  const fs::path temporary =
      cache.path.string() + "." + std::to_string(getpid());
  std::ofstream out(temporary);
  out << Json{{"host_boot", cache.host_boot}, {"answers", answers}}.dump(1)
      << "\n";
  out.close();
  if (out) fs::rename(temporary, cache.path, ignored);
  fs::remove(temporary, ignored);
}

std::string WhyNotKvm(const AcceleratorQuestion& question) {
  const std::string missing = MissingKvm(question.device);
  if (!missing.empty()) return missing;
  const Json answers = ReadAnswers(question.cache);
  const auto known = answers.find(question.key);
  if (known != answers.end() && known->is_string()) return *known;
  const std::optional<std::string> why = question.canary();
  if (!why) return "interrupted before it was proved";
  WriteAnswer(question.cache, question.key, *why);
  return *why;
}

}  // namespace

AcceleratorChoice ParseAccelerator(const std::string& text) {
  try {
    return EnumFromText<AcceleratorChoice>(kAcceleratorChoiceNames, text);
  } catch (const std::invalid_argument&) {
    throw UserError("accelerator '" + text + "': give auto, kvm or tcg");
  }
}

std::string MissingKvm(const fs::path& device) {
  if (access(device.c_str(), R_OK | W_OK) == 0) return "";
  if (errno == ENOENT) return "there is no " + device.string();
  return device.string() + ": " + std::strerror(errno) +
         ": add yourself to the group kvm";
}

fs::path KvmCache::DefaultPath() { return CacheFolder() / "kvm.json"; }

std::string KvmCache::HostBoot() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string id;
  in >> id;
  return id;
}

Accelerator ChooseAccelerator(const AcceleratorQuestion& question) {
  if (question.choice == AcceleratorChoice::kTcg) return Accelerator::kTcg;
  const std::string why_not = WhyNotKvm(question);
  if (why_not.empty()) return Accelerator::kKvm;
  if (question.choice == AcceleratorChoice::kKvm) {
    throw UserError("kvm: " + why_not + ": take --accel=tcg, or repair KVM (" +
                    "what was found is kept in " +
                    question.cache.path.string() + " until the next boot)");
  }
  question.notice("kvm: " + why_not + ": using tcg");
  return Accelerator::kTcg;
}

}  // namespace oomgate
