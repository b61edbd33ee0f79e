// SPDX-License-Identifier: Apache-2.0
// A client of QEMU's monitor protocol: one JSON object per line.
#include "runner/vm/qmp.h"

#include <poll.h>

#include <algorithm>

namespace oomgate {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

}  // namespace

Qmp::Qmp(QemuSocket& channel) : channel_(channel) {
  channel_.Write("{\"execute\":\"qmp_capabilities\",\"id\":0}\n");
}

void Qmp::Pump() {
  channel_.Read(partial_);
  for (;;) {
    const std::size_t newline = partial_.find('\n');
    if (newline == std::string::npos) return;
    const json message = json::parse(partial_.begin(),
                                     partial_.begin() + std::ptrdiff_t(newline),
                                     nullptr, /*allow_exceptions=*/false);
    partial_.erase(0, newline + 1);
    if (message.is_object()) OnMessage(message);
  }
}

void Qmp::OnMessage(const json& message) {
  if (message.contains("id")) answer_ = message;
  const auto event = message.find("event");
  if (event == message.end()) return;
  if (*event == "SHUTDOWN") {
    shutdown_reason_ = message.value("/data/reason"_json_pointer, "unknown");
  } else if (*event == "GUEST_PANICKED") {
    guest_panicked_ = true;
  } else if (*event == "STOP") {
    stopped_ = true;
  } else if (*event == "RESUME") {
    stopped_ = false;
  }
}

std::optional<json> Qmp::Execute(const std::string& command,
                                 const json& arguments, milliseconds deadline,
                                 int descriptor) {
  const auto end = steady_clock::now() + deadline;
  const std::uint64_t id = next_id_++;
  json request = {{"execute", command}, {"id", id}};
  if (!arguments.empty()) request["arguments"] = arguments;
  if (!channel_.Write(request.dump() + "\n", descriptor)) return std::nullopt;
  for (;;) {
    Pump();
    if (answer_ && (*answer_)["id"] == id) return answer_;
    const auto left =
        std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
    if (left.count() <= 0 || channel_.ours() < 0) return std::nullopt;
    pollfd answer{channel_.ours(), POLLIN, 0};
    poll(&answer, 1, static_cast<int>(left.count()));
  }
}

}  // namespace oomgate
